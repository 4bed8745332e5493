"""The time that a trained network takes for one clip, measured on this machine.

It is no function of the network alone: the machine, its threads, and whatever else runs there are
part of it, so that two measurements differ.
"""

import statistics
import time

import tensorflow as tf

WARM_UP = 5
RUNS = 25


def milliseconds(model: tf.keras.Model) -> float:
  """Returns the median milliseconds of a forward pass of one clip, after some that do not count."""
  clip = {
    name: tf.zeros((1, *tensor.shape[1:]), tensor.dtype) for name, tensor in model.input.items()
  }

  @tf.function
  def forward() -> tf.Tensor:
    return model(clip, training=False)

  seconds = []
  for _ in range(WARM_UP + RUNS):
    start = time.perf_counter()
    tf.nest.map_structure(lambda tensor: tensor.numpy(), forward())
    seconds.append(time.perf_counter() - start)
  return round(statistics.median(seconds[WARM_UP:]) * 1000, 4)

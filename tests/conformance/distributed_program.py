"""Trains the small networks under a distribution strategy; a process of its own.

    python distributed_program.py mirrored    two logical CPUs against one device, 5 steps; the last
                                              network, of kinds that come before, with checkpointed
                                              gradients there
    python distributed_program.py worker      one step with the other workers of TF_CONFIG

Prints a JSON list with one object a network. One strategy object serves the whole process: a second
one after another is not safe (MirroredStrategy in TensorFlow 2.15).
"""

import json
import os
import sys

sys.path[:0] = [os.getcwd(), os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402
import small_networks  # noqa: E402
import tensorflow as tf  # noqa: E402

_BATCH = 4


def _train(
  strategy: tf.distribute.Strategy, pair: tuple, steps: int, gradient_checkpointing: bool = False
) -> list[list[np.ndarray]]:
  """Returns the weights before the first step and after the last."""
  with strategy.scope():
    model = small_networks.build(*pair, modules=1, synchronized=True)
    optimizer = tf.keras.optimizers.SGD(0.05, momentum=0.9)
    optimizer.build(model.trainable_variables)
  before = model.get_weights()
  data = tf.data.Dataset.from_tensor_slices(
    (small_networks.clips(_BATCH), small_networks.labels(_BATCH))
  )
  options = tf.data.Options()
  options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
  data = data.repeat().batch(_BATCH, drop_remainder=True).with_options(options)
  step = small_networks.step(
    model, optimizer, _BATCH, gradient_checkpointing=gradient_checkpointing
  )
  run = tf.function(lambda batch: strategy.run(step, args=batch))
  batches = iter(strategy.experimental_distribute_dataset(data))
  for _ in range(steps):
    run(next(batches))
  return [before, model.get_weights()]


def _distance(ones: list[np.ndarray], others: list[np.ndarray]) -> float:
  return max(float(np.max(np.abs(one - other))) for one, other in zip(ones, others, strict=True))


def _mirrored() -> list[dict]:
  cpu, *_ = tf.config.list_physical_devices("CPU")
  two = 2 * [tf.config.LogicalDeviceConfiguration()]
  tf.config.set_logical_device_configuration(cpu, two)
  strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
  results = []
  for pair in small_networks.PAIRS:
    before, alone = _train(tf.distribute.OneDeviceStrategy("CPU:0"), pair, steps=5)
    last = pair == small_networks.PAIRS[-1]
    _, together = _train(strategy, pair, steps=5, gradient_checkpointing=last)
    results.append({"moved": _distance(before, alone), "differs": _distance(alone, together)})
  return results


def _worker() -> list[dict]:
  strategy = tf.distribute.MultiWorkerMirroredStrategy()
  results = []
  for pair in small_networks.PAIRS:
    before, after = _train(strategy, pair, steps=1)
    results.append(
      {
        "workers": strategy.num_replicas_in_sync,
        "moved": _distance(before, after),
        "weights": [float(np.sum(weight, dtype=np.float64)) for weight in after],
      }
    )
  return results


if __name__ == "__main__":
  print(json.dumps(_mirrored() if sys.argv[1] == "mirrored" else _worker()))

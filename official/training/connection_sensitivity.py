"""The sensitivity of connections: what a trained network would lose with each of them.

Put a gate g_i of 1 on every connection:

    F_in = sum_i g_i sigmoid(K v_i) F_i

Cutting connection i moves g_i from 1 to 0, and to first order changes the loss by -dL/dg_i. So one
gradient with respect to all gates estimates what every cut would cost, where trying the cuts takes
an evaluation each. The sensitivity of a connection is the root mean square of that gradient over
small batches of validation clips: what helps on some clips and hurts on others matters too, and
would cancel in a mean. (Molchanov et al., ICLR 2017, "Pruning convolutional neural networks for
resource efficient inference", do so for the channels of image networks.)

The gates are not part of the network: they are there during this pass alone, in its own graph. The
gradient is that of the gate, never of v: where the sigmoid is saturated, v has none, and the
connection matters all the same.

Batch normalization takes its moving statistics here, as in evaluation, and is differentiated all
the same; it is computed unfused, for which GPUs have deterministic gradients (batch_norm.py).
"""

from collections.abc import Iterable, Iterator
import contextlib
import math

import orbit
import tensorflow as tf

from official import network
from official.inputs import clip_values
from official.layers import batch_norm
from official.layers import checkpointing
from official.training import clip_task

# Videos of a batch, on one replica: few, for the mean over a batch hides what differs within it.
BATCH_SIZE = 8


def batches(task: clip_task.ClipTask) -> Iterable:
  """Returns the validation split once, the middle clip of every video, for the strategy in scope.

  They are read and cut as the task's evaluation does.
  """
  strategy = tf.distribute.get_strategy()
  data = task.task_config.validation_data.replace(
    clips_per_video=1, global_batch_size=BATCH_SIZE * strategy.num_replicas_in_sync
  )
  return orbit.utils.make_distributed_dataset(strategy, task.build_inputs, data)


def measure(
  model: tf.keras.Model, task: clip_task.ClipTask, batches: Iterable
) -> dict[tuple[str, str], float]:
  """Returns the sensitivity of every connection, by (source, target), sorted.

  Args:
    model: A trained network; it is evaluated, not trained: moving statistics stay as they are.
    task: Whose loss it is.
    batches: (streams, labels) as `official.inputs.clips.evaluation_clips` makes them, of the
      strategy in scope. A batch counts by the sum of its labels' weights.

  Raises:
    FloatingPointError: A sensitivity is not finite.
  """
  connections = _connections(model)
  strategy = tf.distribute.get_strategy()

  def square(streams, labels) -> tuple[tf.Tensor, tf.Tensor]:
    weight = tf.reduce_sum(labels["weight"])
    return weight * tf.square(gradient(model, task, streams, labels)), weight

  @tf.function(autograph=False)
  def step(batch) -> tuple[tf.Tensor, tf.Tensor]:
    parts = strategy.run(square, args=batch)
    return tuple(strategy.reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for part in parts)

  squares, weights = zip(*(step(batch) for batch in batches))
  mean_squares = sum(part.numpy() for part in squares) / sum(float(part) for part in weights)
  values = {
    connection: math.sqrt(value) for connection, value in zip(connections, mean_squares.tolist())
  }
  for (source, target), value in values.items():
    if not math.isfinite(value):
      raise FloatingPointError(f"the sensitivity of {source}->{target} is {value}")
  return values


def gradient(model: tf.keras.Model, task: clip_task.ClipTask, streams, labels) -> tf.Tensor:
  """Returns dL/dg of every connection at gates of 1, [connections] in sorted order.

  The loss L is the mean over the examples of the batch, each with its weight. With several clips a
  video, [batch, clips, time, ...], each of them is an example.
  """
  gates = tf.ones([len(_connections(model))])
  with batch_norm.unfused(model):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
      tape.watch(gates)
      objective = loss(model, task, streams, labels, gates)
    return tape.gradient(objective, gates)  # Checkpointed blocks are called again here.


def loss(
  model: tf.keras.Model,
  task: clip_task.ClipTask,
  streams,
  labels,
  gates: tf.Tensor,
) -> tf.Tensor:
  """Returns the loss of a batch, a scalar, with gates [connections] in sorted order."""
  clips = next(iter(streams.values())).shape[1]
  folded = {
    name: tf.reshape(values, [-1, *values.shape[2:]])
    for name, values in clip_values.for_network(streams).items()
  }
  with gated(model, gates), checkpointing.blocks(task.task_config.gradient_checkpointing):
    logits = model(folded, training=False)
  return task.build_losses(task.learning.of_views(labels, clips), logits)


@contextlib.contextmanager
def gated(model: tf.keras.Model, gates: tf.Tensor) -> Iterator[None]:
  """Puts gates, [connections] in sorted order, on the connections of a model while it is called."""
  by_connection = dict(zip(_connections(model), tf.unstack(gates), strict=True))
  combines = network.combines(model)
  try:
    for target, layer in combines.items():
      layer.gates = tf.stack([by_connection[source, target] for source in layer.sources])
    yield
  finally:
    for layer in combines.values():
      layer.gates = None


def _connections(model: tf.keras.Model) -> list[tuple[str, str]]:
  combines = network.combines(model)
  return sorted((source, target) for target in combines for source in combines[target].sources)

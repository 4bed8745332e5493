"""The evaluation of a trained network on one split: metrics, and what else its task looks at.

Every replica of the distribution strategy adds up its own share of the videos, in float32 counts;
the shares are summed when they are read. Padding has weight 0 and counts nowhere. Where the answers
are wanted, too, every batch brings those of all replicas, in the same pass.
"""

import dataclasses

import numpy as np
import orbit
import tensorflow as tf

from official.tasks import learning as learning_lib
from official.training import answers as answers_lib
from official.training import clip_task
from official.training import progress_file

Told = dict[str, dict[str, tf.Tensor]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
  """The metrics, and what else the task looks at.

  Attributes:
    metrics: Those of the task, by name.
    looks: What its task looks at besides, by name (`Learning.looks`).
    answers: Those about every video, if they were wanted.
  """

  metrics: dict[str, float]
  looks: dict[str, np.ndarray]
  answers: answers_lib.Answers | None = None


def evaluate(
  model: tf.keras.Model,
  task: clip_task.ClipTask,
  split: str,
  stopwatch: progress_file.Stopwatch,
  *,
  with_answers: bool = False,
) -> Evaluation:
  """Evaluates a network under the strategy in scope, on its replicas together.

  Args:
    model: Streams -> logits.
    task: Reads and cuts the clips, and knows the metrics.
    split: train, validation or test.
    stopwatch: Measures the steps.
    with_answers: Whether the answers about every video are wanted.
  """
  strategy = tf.distribute.get_strategy()
  several = strategy.num_replicas_in_sync > 1
  data = task.task_config.validation_data.replace(split=split)
  metrics = task.build_metrics(training=False)
  looks = task.learning.looks()

  def add(features, labels) -> Told:
    outputs = task.inference_step(features, model)
    task.process_metrics([*metrics, *looks], labels, outputs)
    if not with_answers:
      return {}
    found = told(task.learning, features, labels, outputs)
    return tf.nest.map_structure(_gatherable, found) if several else found

  @tf.function(autograph=False)
  def step(batch) -> Told:
    found = strategy.run(add, args=batch)
    if not several:
      return found
    return {
      group: {name: strategy.gather(value, axis=0) for name, value in values.items()}
      for group, values in found.items()
    }

  collector = answers_lib.Collector()
  batches = orbit.utils.make_distributed_dataset(
    strategy, task.build_inputs, data, numbered=with_answers
  )
  for index, batch in enumerate(batches):
    with stopwatch.steps(1, first=index == 0):
      found = step(batch)
    if with_answers:
      collect(collector, found)
  return Evaluation(
    metrics={metric.name: float(metric.result()) for metric in metrics},
    looks={look.name: look.result().numpy() for look in looks},
    answers=collector.answers(task.store(data).videos) if with_answers else None,
  )


def told(learning: learning_lib.Learning, features, labels, outputs: tf.Tensor) -> Told:
  """Returns what `collect` takes of a batch with numbers, in the graph that answers it."""
  return {
    "batch": {"numbers": labels["number"], "weights": labels["weight"]},
    "values": learning.found(labels, outputs),
    "shown": learning.shown(features, labels, outputs),
  }


def collect(collector: answers_lib.Collector, told: Told) -> None:
  """Hands a batch to a collector."""
  arrays = tf.nest.map_structure(lambda value: value.numpy(), told)
  shown = {
    name: array if name == "badness" else array.astype(np.uint8)
    for name, array in arrays["shown"].items()
  }
  collector.add(**arrays["batch"], values=arrays["values"], shown=shown)


def _gatherable(value: tf.Tensor) -> tf.Tensor:
  """Returns values in a type that processes can send each other: they send no bytes."""
  return tf.cast(value, tf.int32) if value.dtype == tf.uint8 else value

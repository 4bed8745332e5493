"""The evaluation of a trained network on one split: metrics, and what else its task looks at.

Every replica of the distribution strategy adds up its own share of the videos, in float32 counts;
the shares are summed when they are read. Padding has weight 0 and counts nowhere.
"""

import dataclasses

import numpy as np
import orbit
import tensorflow as tf

from official.training import clip_task
from official.training import progress_file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
  """The metrics, and what else the task looks at.

  Attributes:
    metrics: Those of the task, by name.
    looks: What its task looks at besides, by name (`Learning.looks`).
  """

  metrics: dict[str, float]
  looks: dict[str, np.ndarray]


def evaluate(
  model: tf.keras.Model,
  task: clip_task.ClipTask,
  split: str,
  stopwatch: progress_file.Stopwatch,
) -> Evaluation:
  """Evaluates a network under the strategy in scope, on its replicas together.

  Args:
    model: Streams -> logits.
    task: Reads and cuts the clips, and knows the metrics.
    split: train, validation or test.
    stopwatch: Measures the steps.
  """
  strategy = tf.distribute.get_strategy()
  data = task.task_config.validation_data.replace(split=split)
  metrics = task.build_metrics(training=False)
  looks = task.learning.looks()

  def add(features, labels) -> None:
    task.process_metrics([*metrics, *looks], labels, task.inference_step(features, model))

  @tf.function(autograph=False)
  def step(batch) -> None:
    strategy.run(add, args=batch)

  batches = orbit.utils.make_distributed_dataset(strategy, task.build_inputs, data)
  for index, batch in enumerate(batches):
    with stopwatch.steps(1, first=index == 0):
      step(batch)
  return Evaluation(
    metrics={metric.name: float(metric.result()) for metric in metrics},
    looks={look.name: look.result().numpy() for look in looks},
  )

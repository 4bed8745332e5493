"""The evaluation of a trained network on one split: metrics and confusion matrix.

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
  """The metrics and the confusion matrix.

  Attributes:
    metrics: accuracy, top5_accuracy and loss.
    confusion: Videos by [true class, predicted class], int64.
  """

  metrics: dict[str, float]
  confusion: np.ndarray


class ConfusionMatrix(tf.keras.metrics.Metric):
  """Counts examples by [first true class, class of the largest logit]."""

  def __init__(self, classes: int, **kwargs):
    super().__init__(**kwargs)
    self._classes = classes
    self._counts = self.add_weight("counts", shape=[classes, classes], initializer="zeros")

  def update_state(self, y_true, y_pred, sample_weight=None):
    """Adds a batch: labels of 0 and 1, and logits [batch, classes]; weights [batch]."""
    self._counts.assign_add(
      tf.math.confusion_matrix(
        tf.argmax(y_true, axis=-1),
        tf.argmax(y_pred, axis=-1),
        self._classes,
        sample_weight,
        tf.float32,
      )
    )

  def result(self):
    return tf.convert_to_tensor(self._counts)


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
  confusion = ConfusionMatrix(task.num_classes)

  def add(features, labels) -> None:
    task.process_metrics([*metrics, confusion], labels, task.inference_step(features, model))

  @tf.function(autograph=False)
  def step(batch) -> None:
    strategy.run(add, args=batch)

  batches = orbit.utils.make_distributed_dataset(strategy, task.build_inputs, data)
  for index, batch in enumerate(batches):
    with stopwatch.steps(1, first=index == 0):
      step(batch)
  return Evaluation(
    metrics={metric.name: float(metric.result()) for metric in metrics},
    confusion=np.rint(confusion.result().numpy()).astype(np.int64),
  )

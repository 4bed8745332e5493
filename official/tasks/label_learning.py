"""What tasks have in common whose target is labels: averaged probabilities, and most metrics."""

import abc
from collections.abc import Mapping

import tensorflow as tf

from official.tasks import average_precision
from official.tasks import contract
from official.tasks import label_metrics
from official.tasks import learning

TINY = 1e-12  # Keeps the logarithm of a mean probability finite.


class LabelLearning(learning.Learning):
  """Outputs are logits [batch, classes], targets 0 and 1, [batch, classes].

  The answer about a video is the mean of the probabilities over its views.
  """

  output: contract.ClassOutput

  @abc.abstractmethod
  def loss_metric(self, name: str) -> tf.keras.metrics.Metric:
    """Returns the mean loss, without smoothing."""

  def metric(self, metric: contract.Metric) -> tf.keras.metrics.Metric:
    metrics = tf.keras.metrics
    if metric == contract.LOSS:
      return self.loss_metric(metric.name)
    if metric == label_metrics.ACCURACY:
      return metrics.CategoricalAccuracy(metric.name)
    if metric == label_metrics.TOP5_ACCURACY:
      return metrics.TopKCategoricalAccuracy(k=5, name=metric.name)
    if metric == label_metrics.MEAN_AVERAGE_PRECISION:
      return average_precision.MeanAveragePrecision(self.output.classes, metric.name)
    if metric == label_metrics.MARGIN:
      return metrics.MeanMetricWrapper(margins, name=metric.name)
    raise ValueError(f"the task {self.spec.name} does not make its metric {metric.name}")

  def found(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"probabilities": self.probabilities(outputs)}

  def mean_probabilities(self, outputs: tf.Tensor, views: int) -> tf.Tensor:
    """Returns [batch, classes], given logits [batch * views, classes]."""
    probabilities = self.probabilities(outputs)
    per_video = tf.reshape(probabilities, [-1, views, probabilities.shape[-1]])
    return tf.reduce_mean(per_video, axis=1)


def margins(targets: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
  """Returns the probability of the right class less the largest of the others, [batch].

  Args:
    targets: 1 for the right class and 0 for the others, [batch, classes].
    probabilities: [batch, classes].
  """
  right = tf.reduce_sum(targets * probabilities, axis=-1)
  return right - tf.reduce_max(probabilities - 2 * targets, axis=-1)

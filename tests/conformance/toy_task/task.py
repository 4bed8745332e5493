"""The focal loss (1 - p)^2 log(1 / p) of the true class' probability p (Lin et al., ICCV 2017)."""

import tensorflow as tf
import toy_task.spec

from official.tasks.classification import task


class Learning(task.Learning):
  """Differs from classification by its loss and one metric."""

  def losses(self, labels, outputs, *, label_smoothing=0.0, class_weights=None):
    cross_entropy = super().losses(
      labels, outputs, label_smoothing=label_smoothing, class_weights=class_weights
    )
    right = tf.reduce_sum(self.probabilities(outputs) * self.targets(labels, outputs), axis=-1)
    return tf.square(1 - right) * cross_entropy

  def metric(self, metric):
    if metric == toy_task.spec.ERROR:
      return tf.keras.metrics.MeanMetricWrapper(_wrong, name=metric.name)
    return super().metric(metric)


def _wrong(targets: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
  return 1 - tf.reduce_sum(targets * probabilities, axis=-1)

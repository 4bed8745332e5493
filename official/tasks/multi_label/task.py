"""Multi-label classification: sigmoid cross entropy, the mean over classes and clips."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from official.tasks import label_learning


class Learning(label_learning.LabelLearning):
  """Each class is right or not, whatever the others are."""

  def targets(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> tf.Tensor:
    return labels["label"]

  def losses(
    self,
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
  ) -> tf.Tensor:
    if class_weights is not None:
      raise ValueError("class weights are for one label a clip; leave them out")
    return tf.keras.losses.binary_crossentropy(
      self.targets(labels, outputs), outputs, from_logits=True, label_smoothing=label_smoothing
    )

  def loss_metric(self, name: str) -> tf.keras.metrics.Metric:
    return tf.keras.metrics.BinaryCrossentropy(name, from_logits=True)

  @staticmethod
  def probabilities(outputs: tf.Tensor) -> tf.Tensor:
    return tf.sigmoid(outputs)

  def join_views(self, outputs: tf.Tensor, views: int) -> tf.Tensor:
    mean = self.mean_probabilities(outputs, views)
    logits = tf.math.log(mean + label_learning.TINY)
    return logits - tf.math.log(1 - mean + label_learning.TINY)

  @staticmethod
  def join_networks(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    yes, no = (tf.math.log_sigmoid(sign * tf.stack(outputs)) for sign in (1.0, -1.0))
    return tf.reduce_logsumexp(yes, axis=0) - tf.reduce_logsumexp(no, axis=0)

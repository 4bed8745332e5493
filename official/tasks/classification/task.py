"""Classification: softmax cross entropy, the mean over clips; classes may have weights."""

from collections.abc import Mapping, Sequence
import math

import numpy as np
import tensorflow as tf

from official.tasks import label_learning
from official.tasks.classification import confusion


class Learning(label_learning.LabelLearning):
  """Exactly one of the classes is right."""

  def targets(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> tf.Tensor:
    return tf.one_hot(labels["label"], outputs.shape[-1])

  def losses(
    self,
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
  ) -> tf.Tensor:
    values = tf.keras.losses.categorical_crossentropy(
      self.targets(labels, outputs), outputs, from_logits=True, label_smoothing=label_smoothing
    )
    if class_weights is not None:
      values *= tf.gather(class_weights, labels["label"])
    return values

  def loss_metric(self, name: str) -> tf.keras.metrics.Metric:
    return tf.keras.metrics.CategoricalCrossentropy(name, from_logits=True)

  @staticmethod
  def probabilities(outputs: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(outputs)

  def join_views(self, outputs: tf.Tensor, views: int) -> tf.Tensor:
    return tf.math.log(self.mean_probabilities(outputs, views) + label_learning.TINY)

  @staticmethod
  def join_networks(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_logsumexp(tf.nn.log_softmax(outputs), axis=0) - math.log(len(outputs))

  def looks(self) -> list[tf.keras.metrics.Metric]:
    return [confusion.ConfusionMatrix(self.output.classes)]

"""The confusion matrix: which classes are taken for which."""

from typing import Any

import tensorflow as tf


class ConfusionMatrix(tf.keras.metrics.Metric):
  """Counts examples by [first true class, class of the largest logit], float32."""

  def __init__(self, classes: int, name: str = "confusion", **kwargs: Any):
    super().__init__(name=name, **kwargs)
    self._classes = classes
    self._counts = self.add_weight("counts", shape=[classes, classes], initializer="zeros")

  def update_state(
    self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
  ) -> None:
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

  def result(self) -> tf.Tensor:
    return tf.convert_to_tensor(self._counts)

  def reset_state(self) -> None:
    self._counts.assign(tf.zeros_like(self._counts))

"""Mean average precision, the metric of labels of which a clip may have several.

The clips are ranked by the score of a class. With P_k and R_k, precision and recall of the first k,

    AP = sum_k P_k (R_k - R_(k-1)),    mAP = mean of AP over the classes that some clip has

(not interpolated; ties count as one step). Keras' `AUC(curve="PR")` is the area under an
interpolated curve, another number where clips are few.

A ranking needs all scores; kept are histograms of them instead, one of the clips that have the
class, one of those that have not, over bins of log-odds log p / (1 - p). Histograms add up over
replicas. Scores in one bin are ties: they differ by less than 1 / 64 in log-odds, 0.004 in p.
"""

import math
from typing import Any

import tensorflow as tf

_REACH = 16.0  # Log-odds: scores beyond are ties.
_BINS_A_UNIT = 64
_BINS = int(2 * _REACH * _BINS_A_UNIT)


class MeanAveragePrecision(tf.keras.metrics.Metric):
  """mAP of probabilities [batch, classes]; NaN if a probability is, or if no clip has any class."""

  def __init__(self, num_classes: int, name: str = "mean_average_precision", **kwargs: Any):
    super().__init__(name=name, **kwargs)
    self.num_classes = num_classes
    self.with_class, self.without_class = (
      self.add_weight(name=label, shape=[num_classes, _BINS], initializer="zeros")
      for label in ("with_class", "without_class")
    )

  def update_state(
    self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
  ) -> None:
    """Adds a batch.

    Args:
      y_true: 0 or 1, [batch, classes].
      y_pred: Probabilities, [batch, classes].
      sample_weight: [batch]; None is 1 each.
    """
    y_true = tf.cast(y_true, tf.float32)
    weights = tf.ones(tf.shape(y_true)[:1]) if sample_weight is None else sample_weight
    odds = tf.math.log(y_pred) - tf.math.log1p(-y_pred)
    unknown = tf.math.is_nan(odds)
    odds = tf.where(unknown, 0.0, odds)
    bins = tf.cast((tf.clip_by_value(odds, -_REACH, _REACH) + _REACH) * _BINS_A_UNIT, tf.int32)
    classes = tf.broadcast_to(tf.range(self.num_classes), tf.shape(bins))
    where = tf.stack([classes, tf.minimum(bins, _BINS - 1)], axis=-1)
    for histogram, member in ((self.with_class, y_true), (self.without_class, 1 - y_true)):
      counts = tf.where(unknown, math.nan, member * weights[:, None])
      histogram.assign_add(tf.scatter_nd(where, counts, histogram.shape))

  @tf.autograph.experimental.do_not_convert
  def result(self) -> tf.Tensor:
    positives, negatives = self.with_class[:, ::-1], self.without_class[:, ::-1]
    found = tf.cumsum(positives, axis=1)
    precision = tf.math.divide_no_nan(found, found + tf.cumsum(negatives, axis=1))
    average = tf.math.divide_no_nan(tf.reduce_sum(precision * positives, axis=1), found[:, -1])
    present = tf.cast(found[:, -1] > 0, tf.float32)
    return tf.reduce_sum(average * present) / tf.reduce_sum(present)

  def reset_state(self) -> None:
    for histogram in (self.with_class, self.without_class):
      histogram.assign(tf.zeros_like(histogram))

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), "num_classes": self.num_classes}

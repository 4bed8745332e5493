"""Segmentation is learned from masked cross entropy, and judged by intersections over unions.

The loss of a clip is the mean over its pixels that count. A class weight is a factor of the losses
of the pixels of that class, and not of the mean's weights.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from data_prep.dataset.stream_kinds.mask import IGNORED
from data_prep.dataset.streams import FRAMES
from official.tasks import contract
from official.tasks import pixel_learning
from official.tasks.segmentation import spec as spec_lib

CONFUSION = "confusion"


class Learning(pixel_learning.PixelLearning):
  """Labels have `mask`, uint8 [batch, (views,) time, height, width].

  Outputs are logits [batch, (views,) time, height, width, classes]: every view has a mask of its
  own.
  """

  def targets(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> tf.Tensor:
    return labels["mask"]

  def losses(
    self,
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
  ) -> tf.Tensor:
    mask = tf.cast(labels["mask"], tf.int32)
    counts = tf.not_equal(mask, IGNORED)
    classes = tf.where(counts, mask, 0)
    if label_smoothing:
      truth = tf.one_hot(classes, self.output.channels)
      truth = truth * (1 - label_smoothing) + label_smoothing / self.output.channels
      losses = tf.nn.softmax_cross_entropy_with_logits(truth, outputs)
    else:
      losses = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, outputs)
    if class_weights is not None:
      losses *= tf.gather(tf.constant(class_weights, tf.float32), classes)
    there = tf.cast(counts, tf.float32)
    axes = list(range(1, mask.shape.rank))
    return tf.math.divide_no_nan(tf.reduce_sum(losses * there, axes), tf.reduce_sum(there, axes))

  def metric(self, metric: contract.Metric) -> tf.keras.metrics.Metric:
    if metric == contract.LOSS:
      return tf.keras.metrics.Mean(metric.name)
    judged = {spec_lib.MEAN_IOU.name: MeanIoU, spec_lib.PIXEL_ACCURACY.name: PixelAccuracy}
    return judged[metric.name](self.output.channels, name=metric.name)

  def looks(self) -> list[tf.keras.metrics.Metric]:
    return [Confusion(self.output.channels, name=CONFUSION)]

  @staticmethod
  def probabilities(outputs: tf.Tensor) -> tf.Tensor:
    return tf.nn.softmax(outputs)

  @staticmethod
  def join_networks(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    probabilities = tf.add_n([tf.nn.softmax(one) for one in outputs]) / len(outputs)
    return tf.math.log(tf.maximum(probabilities, 1e-10))

  def update(
    self,
    metrics: Sequence[tf.keras.metrics.Metric],
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
  ) -> None:
    for metric in metrics:
      if metric.name == contract.LOSS.name:
        metric.update_state(self.losses(labels, outputs), sample_weight=labels["weight"])
      else:
        metric.update_state(labels["mask"], outputs, sample_weight=labels["weight"])

  def found(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"pixels": _pixels(labels["mask"], outputs)}

  def shown(
    self,
    streams: Mapping[str, tf.Tensor],
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
  ) -> dict[str, tf.Tensor]:
    frames = streams.get(FRAMES)
    input_ = {} if frames is None or frames.dtype != tf.uint8 else {"input": frames[:, 0]}
    return {
      "badness": 1 - _mean_iou(_pixels(labels["mask"], outputs)),
      **input_,
      "output": tf.cast(tf.argmax(outputs[:, 0], -1), tf.uint8),
      "truth": labels["mask"][:, 0],
    }


def _pixels(mask: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
  """Returns how many pixels of each class were taken for each, float32 [batch, class, answer]."""
  classes, batch = logits.shape[-1], tf.shape(mask)[0]
  truth = tf.reshape(tf.cast(mask, tf.int32), [batch, -1])
  found = tf.reshape(tf.argmax(logits, -1, output_type=tf.int32), [batch, -1])
  counted = tf.not_equal(truth, IGNORED)
  place = tf.range(batch)[:, tf.newaxis] * classes**2 + tf.where(counted, truth, 0) * classes
  sums = tf.math.unsorted_segment_sum(
    tf.reshape(tf.cast(counted, tf.float32), [-1]),
    tf.reshape(place + found, [-1]),
    batch * classes**2,
  )
  return tf.reshape(sums, [batch, classes, classes])


def _mean_iou(pixels: tf.Tensor) -> tf.Tensor:
  """Returns the mean over classes that are there or were answered, of [..., class, answer]."""
  both = tf.linalg.diag_part(pixels)
  union = tf.reduce_sum(pixels, -1) + tf.reduce_sum(pixels, -2) - both
  there = tf.cast(union > 0, pixels.dtype)
  shares = tf.math.divide_no_nan(both, union)
  return tf.math.divide_no_nan(tf.reduce_sum(shares, -1), tf.reduce_sum(there, -1))


class Confusion(tf.keras.metrics.Metric):
  """How many pixels of each class were taken for each, [classes, classes], over all replicas.

  Counts are float64: float32 would stop counting at 2^24.
  """

  def __init__(self, classes: int, name: str):
    super().__init__(name=name, dtype=tf.float64)
    self._classes = classes
    self.counts = self.add_weight(
      name="counts", shape=[classes, classes], initializer="zeros", dtype=tf.float64
    )

  def update_state(
    self, mask: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | None = None
  ) -> None:
    """Counts pixels; `mask` [batch, ...], `logits` [batch, ..., classes], weights [batch]."""
    truth = tf.cast(mask, tf.int32)
    counted = tf.cast(tf.not_equal(truth, IGNORED), tf.float64)
    if sample_weight is not None:
      ones = [1] * (truth.shape.rank - 1)
      counted *= tf.reshape(tf.cast(sample_weight, tf.float64), [-1, *ones])
    found = tf.argmax(logits, -1, output_type=tf.int32)
    place = tf.where(tf.equal(truth, IGNORED), 0, truth) * self._classes + found
    sums = tf.math.unsorted_segment_sum(
      tf.reshape(counted, [-1]), tf.reshape(place, [-1]), self._classes**2
    )
    self.counts.assign_add(tf.reshape(sums, [self._classes, self._classes]))

  def result(self) -> tf.Tensor:
    return tf.convert_to_tensor(self.counts)

  def reset_state(self) -> None:
    self.counts.assign(tf.zeros_like(self.counts))


class MeanIoU(Confusion):
  """Intersection over union, the mean over the classes that are there or were answered."""

  def result(self) -> tf.Tensor:
    return _mean_iou(tf.convert_to_tensor(self.counts))


class PixelAccuracy(Confusion):
  """Share of the pixels that were answered right."""

  def result(self) -> tf.Tensor:
    counts = tf.convert_to_tensor(self.counts)
    return tf.math.divide_no_nan(tf.linalg.trace(counts), tf.reduce_sum(counts))

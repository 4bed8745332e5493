"""Restoration: the answer is compared with the dataset's own frames, value by value.

    Charbonnier  sqrt(d^2 + 0.001^2)    (Lai et al., CVPR 2017): L1 that is smooth at 0
    L1           |d|
    L2           d^2

with d the difference between answer and truth, both from 0 to 1, and the mean over all values.
Metrics are those of the answer as it would be shown, in 8 bits, and are means over clips.
"""

from collections.abc import Mapping, Sequence
import math

import numpy as np
import tensorflow as tf

from data_prep.dataset import degradation
from official.tasks import contract
from official.tasks import pixel_learning
from official.tasks.restoration import answer
from official.tasks.restoration import spec as spec_lib

_EPSILON = 1e-3
_LEAST_ERROR = 1e-10  # Mean squared error of 100 dB: equal frames have no infinite PSNR.


class Learning(pixel_learning.PixelLearning):
  """Labels have `frames` and `input`, uint8 [batch, (views,) time, height, width, 3].

  Outputs are residuals, in evaluation [batch, views, ...]: every view has a truth of its own.
  """

  degrade: degradation.Chain  # Never None: a training without is refused.

  def targets(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> tf.Tensor:
    return tf.cast(labels["frames"], tf.float32) / 255

  def losses(
    self,
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
  ) -> tf.Tensor:
    restored = answer.restored(labels["input"], outputs, self.degrade)
    return _mean(self._penalty(restored - self.targets(labels, outputs)))

  def _penalty(self, difference: tf.Tensor) -> tf.Tensor:
    if self.loss == "l1":
      return tf.abs(difference)
    if self.loss == "l2":
      return tf.square(difference)
    return tf.sqrt(tf.square(difference) + _EPSILON**2)

  def metric(self, metric: contract.Metric) -> tf.keras.metrics.Metric:
    return tf.keras.metrics.Mean(metric.name)

  @staticmethod
  def probabilities(outputs: tf.Tensor) -> tf.Tensor:
    return outputs

  @staticmethod
  def join_networks(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    return tf.add_n(list(outputs)) / len(outputs)

  def update(
    self,
    metrics: Sequence[tf.keras.metrics.Metric],
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
  ) -> None:
    if not metrics:
      return
    before, restored, truth = self._seen(labels, outputs)
    values = {
      contract.LOSS.name: lambda: self.losses(labels, outputs),
      spec_lib.PSNR.name: lambda: _psnr(restored, truth),
      spec_lib.INPUT_PSNR.name: lambda: _psnr(before, truth),
      spec_lib.PSNR_GAIN.name: lambda: _psnr(restored, truth) - _psnr(before, truth),
      spec_lib.SSIM.name: lambda: _of_views(tf.image.ssim(restored, truth, 1.0), outputs),
    }
    for metric in metrics:
      metric.update_state(values[metric.name](), sample_weight=labels["weight"])

  def found(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> dict[str, tf.Tensor]:
    before, restored, truth = self._seen(labels, outputs)
    return {
      "psnr": _psnr(restored, truth),
      "ssim": _of_views(tf.image.ssim(restored, truth, 1.0), outputs),
      "input_psnr": _psnr(before, truth),
      "input_ssim": _of_views(tf.image.ssim(before, truth, 1.0), outputs),
    }

  def shown(
    self,
    streams: Mapping[str, tf.Tensor],
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
  ) -> dict[str, tf.Tensor]:
    before, restored, truth = self._seen(labels, outputs)
    pictures = {"input": before, "output": restored, "truth": truth}
    return {
      "badness": -_psnr(restored, truth),
      **{
        name: tf.saturate_cast(tf.round(values[:, 0] * 255), tf.uint8)
        for name, values in pictures.items()
      },
    }

  def _seen(
    self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor
  ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the input, brought to the answer's size, the answer and the truth, from 0 to 1."""
    before = answer.seen(answer.resized(labels["input"], self.degrade.scale))
    restored = answer.seen(answer.restored(labels["input"], outputs, self.degrade))
    return before, restored, self.targets(labels, outputs)


def _mean(values: tf.Tensor) -> tf.Tensor:
  """Returns the mean of every example, [batch]."""
  return tf.reduce_mean(values, axis=list(range(1, values.shape.rank)))


def _of_views(values: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
  """Returns the mean of every example of values [batch, (views,) time]."""
  return _mean(tf.ensure_shape(values, outputs.shape[:-3]))


def _psnr(values: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
  """Returns decibels of every example, the mean over its views, [batch]."""
  error = tf.reduce_mean(tf.square(values - truth), axis=[-4, -3, -2, -1])
  decibels = -10 / math.log(10) * tf.math.log(tf.maximum(error, _LEAST_ERROR))
  return _mean(decibels) if decibels.shape.rank > 1 else decibels

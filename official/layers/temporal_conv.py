"""Dilated convolution over time.

    y[t] = sum_j kernel[j] x[t + (j - k // 2) * r],   x = 0 outside of the clip

The taps are r frames apart (r = `dilation`), so that blocks see motion at several speeds with
equally many weights.

TensorFlow's own CPU kernels know no dilated 3D convolution and no gradient of a dilated 2D one
(oneDNN's do, where it is in use). Neither is needed. Frames t, t + r, t + 2r, ... are only ever
mixed among themselves: they are one *phase* of the clip, and a clip of T = n * r frames reads,
without moving any data, as

    [batch, n, r * height * width, channels]

whose second axis steps by r frames. There the dilated convolution is a plain 2D one with a k x 1
kernel. A clip whose length is no multiple of r is padded with zeros at its end, and taps that reach
beyond a clip of T frames from every frame, |j - k // 2| * r >= T, are left out.

Forward and backward this takes a fifth of the time of shifted slices and one matrix product, and of
a product for every tap (tools/benchmarks/temporal_conv.py, docs/performance.md).
"""

import math
from typing import Any

import tensorflow as tf

from official.layers import base


@base.serializable
class TemporalConv(tf.keras.layers.Layer):
  """A convolution over time with taps `dilation` frames apart, without bias, "same" padding.

  [batch, time, height, width, channels] -> [batch, time, height, width, filters].

  Attributes:
    kernel: [kernel_size, channels, filters], a truncated normal of deviation
      sqrt(2 / (kernel_size * channels)).
  """

  def __init__(self, filters: int, kernel_size: int, *, dilation: int = 1, **kwargs):
    super().__init__(**kwargs)
    if kernel_size % 2 != 1:
      raise ValueError(
        f"kernel_size must be odd, so that a window has a middle frame; got {kernel_size}"
      )
    if dilation < 1:
      raise ValueError(f"dilation is the number of frames between taps, at least 1; got {dilation}")
    self.filters = filters
    self.kernel_size = kernel_size
    self.dilation = dilation

  def build(self, input_shape: base.Shape) -> None:
    self._time, *_, channels = base.clip_shape(self, input_shape)
    deviation = math.sqrt(2.0 / (self.kernel_size * channels))
    self.kernel = self.add_weight(
      name="kernel",
      shape=[self.kernel_size, channels, self.filters],
      initializer=tf.keras.initializers.TruncatedNormal(stddev=deviation),
    )
    super().build(input_shape)

  @base.takes_frames
  def call(self, clips: tf.Tensor) -> tf.Tensor:
    *leading, height, width, channels = clips.shape
    time = leading[1] if len(leading) == 2 else self._time
    middle = self.kernel_size // 2
    reach = min(middle, (time - 1) // self.dilation)  # Taps on each side that fall inside the clip.
    kernel = tf.expand_dims(self.kernel, 1)
    if reach < middle:
      kernel = kernel[middle - reach : middle + reach + 1]
    step = self.dilation if reach else 1
    padding = -time % step
    if padding:
      clips = tf.pad(
        tf.reshape(clips, [-1, time, height * width, channels]),
        [[0, 0], [0, padding], [0, 0], [0, 0]],
      )
    phases = tf.reshape(clips, [-1, (time + padding) // step, step * height * width, channels])
    phases = tf.nn.conv2d(phases, kernel, 1, "SAME")
    if padding:
      phases = tf.reshape(phases, [-1, time + padding, height * width, self.filters])[:, :time]
    return tf.reshape(phases, [-1, *leading[1:], height, width, self.filters])

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    return *input_shape[:-1], self.filters

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "filters": self.filters,
      "kernel_size": self.kernel_size,
      "dilation": self.dilation,
    }

"""Convolution over space and dilated time at once.

    y[t] = sum_j kernel[j] * x[t + (j - k // 2) * r],   x = 0 outside of the clip

where * is the spatial convolution of a frame. As in temporal_conv.py, frames t, t + r, t + 2r, ...
are mixed among themselves only: each of these r phases of a clip becomes a clip of its own, and the
convolution a plain 3D one, which TensorFlow's CPU kernels have. Two transpositions do that; with
them it still takes a third to a half of the time of shifted frames in a 2D convolution, measured
forward and backward for 16 to 64 channels.

It is computed in float32 under mixed precision too: TensorFlow 2.15's CPU kernel for the gradient
of a bfloat16 kernel reads memory that nobody wrote, for clips of 2 frames, and gives NaN.
"""

from typing import Any

import tensorflow as tf

from official.layers import base


@base.serializable
class SpacetimeConv(tf.keras.layers.Layer):
  """A size x size x size convolution with frames `dilation` apart, no bias, padded as in base.py.

  [batch, time, height, width, channels] -> [batch, time, height / strides, width / strides,
  filters], sides rounded up.

  Attributes:
    kernel: [kernel_size, kernel_size, kernel_size, channels, filters], variance-scaled by its
      fan-in.
  """

  def __init__(
    self, filters: int, kernel_size: int, *, strides: int = 1, dilation: int = 1, **kwargs
  ):
    super().__init__(**kwargs)
    if kernel_size % 2 != 1:
      raise ValueError(
        f"kernel_size must be odd, so that a window has a middle frame; got {kernel_size}"
      )
    if dilation < 1:
      raise ValueError(f"dilation is the number of frames between taps, at least 1; got {dilation}")
    self.filters = filters
    self.kernel_size = kernel_size
    self.strides = strides
    self.dilation = dilation

  def build(self, input_shape: base.Shape) -> None:
    *_, channels = base.clip_shape(self, input_shape)
    self.kernel = self.add_weight(
      name="kernel",
      shape=[*3 * [self.kernel_size], channels, self.filters],
      initializer=tf.keras.initializers.VarianceScaling(),
    )
    super().build(input_shape)

  def call(self, clips: tf.Tensor) -> tf.Tensor:
    time = clips.shape[1]
    middle = self.kernel_size // 2
    reach = min(middle, (time - 1) // self.dilation)  # Taps on each side that fall inside the clip.
    kernel = tf.convert_to_tensor(self.kernel)
    if reach < middle:
      kernel = kernel[middle - reach : middle + reach + 1]
    step = self.dilation if reach else 1
    padding = -time % step
    if padding:
      clips = tf.pad(clips, [[0, 0], [0, padding], [0, 0], [0, 0], [0, 0]])
    phases = tf.cast(_to_phases(clips, step), tf.float32)
    kernel, strides = tf.cast(kernel, tf.float32), [1, 1, self.strides, self.strides, 1]
    if self.strides == 1:
      phases = tf.nn.conv3d(phases, kernel, strides, "SAME")
    else:
      padded = base.pad_sides(phases, self.kernel_size, others=[[0, 0], [reach, reach]])
      phases = tf.nn.conv3d(padded, kernel, strides, "VALID")
    clips = _from_phases(tf.cast(phases, self.compute_dtype), step)
    return clips[:, :time] if padding else clips

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    time, height, width, _ = base.clip_shape(self, input_shape)
    return input_shape[0], time, -(-height // self.strides), -(-width // self.strides), self.filters

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "filters": self.filters,
      "kernel_size": self.kernel_size,
      "strides": self.strides,
      "dilation": self.dilation,
    }


def _to_phases(clips: tf.Tensor, step: int) -> tf.Tensor:
  """[batch, n * step, ...] -> [batch * step, n, ...]."""
  if step == 1:
    return clips
  time, *frame = clips.shape[1:]
  phases = tf.transpose(tf.reshape(clips, [-1, time // step, step, *frame]), [0, 2, 1, 3, 4, 5])
  return tf.reshape(phases, [-1, time // step, *frame])


def _from_phases(phases: tf.Tensor, step: int) -> tf.Tensor:
  """[batch * step, n, ...] -> [batch, n * step, ...]."""
  if step == 1:
    return phases
  time, *frame = phases.shape[1:]
  clips = tf.transpose(tf.reshape(phases, [-1, step, time, *frame]), [0, 2, 1, 3, 4, 5])
  return tf.reshape(clips, [-1, time * step, *frame])

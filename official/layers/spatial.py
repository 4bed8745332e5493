"""Convolution and max pooling within each frame."""

from typing import Any

import tensorflow as tf

from official.layers import base

_LARGE_PRODUCT = 1 << 17  # Weights from which on a 1x1 convolution is a matrix product.


@base.serializable
class SpatialConv(tf.keras.layers.Layer):
  """A 2D convolution of every frame, without bias, padded as base.py explains.

  [batch, time, height, width, channels] -> [batch, time, height / strides, width / strides,
  filters], sides rounded up. A 1x1 convolution of many channels is computed as the matrix product
  that it is, of every `strides`-th pixel: on a CPU that is faster (docs/performance.md).

  Attributes:
    kernel: [kernel_size, kernel_size, channels, filters], variance-scaled by its fan-in.
  """

  def __init__(self, filters: int, kernel_size: int, *, strides: int = 1, **kwargs):
    super().__init__(**kwargs)
    self.filters = filters
    self.kernel_size = kernel_size
    self.strides = strides

  def build(self, input_shape: base.Shape) -> None:
    *_, channels = base.clip_shape(self, input_shape)
    self.kernel = self.add_weight(
      name="kernel",
      shape=[self.kernel_size, self.kernel_size, channels, self.filters],
      initializer=tf.keras.initializers.VarianceScaling(),
    )
    super().build(input_shape)

  @base.takes_frames
  def call(self, clips: tf.Tensor) -> tf.Tensor:
    return base.on_frames(self._of_frames, clips)

  def _of_frames(self, frames: tf.Tensor) -> tf.Tensor:
    if self.kernel_size == 1:
      return self._of_pixels(frames)
    if self.strides == 1:
      return tf.nn.conv2d(frames, self.kernel, 1, "SAME")
    padded = base.pad_sides(frames, self.kernel_size)
    return tf.nn.conv2d(padded, self.kernel, self.strides, "VALID")

  def _of_pixels(self, frames: tf.Tensor) -> tf.Tensor:
    if self.strides > 1:
      frames = frames[:, :: self.strides, :: self.strides]
    *_, channels = frames.shape
    if channels * self.filters < _LARGE_PRODUCT:
      return tf.nn.conv2d(frames, self.kernel, 1, "VALID")
    pixels = tf.matmul(tf.reshape(frames, [-1, channels]), tf.reshape(self.kernel, [channels, -1]))
    return tf.reshape(pixels, [-1, *frames.shape[1:3], self.filters])

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    time, height, width, _ = base.clip_shape(self, input_shape)
    return input_shape[0], time, -(-height // self.strides), -(-width // self.strides), self.filters

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "filters": self.filters,
      "kernel_size": self.kernel_size,
      "strides": self.strides,
    }


@base.serializable
class SpatialMaxPool(tf.keras.layers.Layer):
  """The largest value of each channel in every window of a frame, with "SAME" padding.

  [batch, time, height, width, channels] -> [batch, time, height / strides, width / strides,
  channels], sides rounded up. `strides` is `pool_size` unless given.
  """

  def __init__(self, pool_size: int, *, strides: int | None = None, **kwargs):
    super().__init__(**kwargs)
    self.pool_size = pool_size
    self.strides = strides or pool_size

  @base.takes_frames
  def call(self, clips: tf.Tensor) -> tf.Tensor:
    return base.on_frames(self._of_frames, clips)

  def _of_frames(self, frames: tf.Tensor) -> tf.Tensor:
    return tf.nn.max_pool2d(frames, self.pool_size, self.strides, "SAME")

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    time, height, width, channels = base.clip_shape(self, input_shape)
    return input_shape[0], time, -(-height // self.strides), -(-width // self.strides), channels

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"pool_size": self.pool_size, "strides": self.strides}

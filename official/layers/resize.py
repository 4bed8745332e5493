"""Frames in another size: averaged where they shrink, bilinear where they grow.

Along each side, a new pixel is a weighted mean of the old ones, with weights that fall linearly
from its centre over one pixel of the coarser grid (a triangle) and add up to 1:

    w(i, j) ~ max(0, 1 - |(i + 1/2) r - (j + 1/2)| / max(r, 1)),  r = old / new

So resizing is two matrix products with constant matrices, which every device computes, also their
gradients, in one way.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from official.layers import base


def weights(old: int, new: int) -> np.ndarray:
  """Returns the weights of old pixels along a side in new ones, float32 [new, old]."""
  ratio = old / new
  centres = (np.arange(new) + 0.5) * ratio
  distances = np.abs(centres[:, np.newaxis] - (np.arange(old) + 0.5))
  shares = np.maximum(0, 1 - distances / max(ratio, 1))
  return (shares / shares.sum(1, keepdims=True)).astype(np.float32)


@base.serializable
class SpatialResize(tf.keras.layers.Layer):
  """[batch, time, rows, columns, channels] -> [batch, time, height, width, channels]."""

  def __init__(self, height: int, width: int, **kwargs):
    super().__init__(**kwargs)
    self.height = height
    self.width = width

  @base.takes_frames
  def call(self, clips: tf.Tensor) -> tf.Tensor:
    return base.on_frames(self._of_frames, clips)

  def _of_frames(self, frames: tf.Tensor) -> tf.Tensor:
    rows, columns = frames.shape[1:3]
    across = tf.constant(weights(columns, self.width), frames.dtype)
    down = tf.constant(weights(rows, self.height), frames.dtype)
    narrow = tf.einsum("wx,nyxc->nywc", across, frames)
    return tf.einsum("hy,nywc->nhwc", down, narrow)

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    time, _, _, channels = base.clip_shape(self, input_shape)
    return input_shape[0], time, self.height, self.width, channels

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"height": self.height, "width": self.width}

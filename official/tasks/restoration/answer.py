"""Frames from a degraded input and a residual: what training and serving have in common.

    answer = resized(input) + residual    (of a chain with `drop`, 0 for frames that are there)

A network sees the input at its own, small size, where a convolution costs 1 / scale^2 of what it
costs at the size of the answer, and ends with a shuffle of pixels (official/layers/dense_head.py).
What is left to it is the residual: of zeros, the answer is the bicubic enlargement.
"""

import tensorflow as tf

from data_prep.dataset import degradation


def resized(frames: tf.Tensor, scale: int) -> tf.Tensor:
  """Returns frames of `scale` times the size, by the bicubic filter (Keys, a = -0.5).

  Args:
    frames: uint8, or float32 from 0 to 255; [..., height, width, 3].
    scale: 1 leaves the size as it is.

  Returns:
    float32 [..., height * scale, width * scale, 3], from 0 to 1 but for overshoots.
  """
  values = tf.cast(frames, tf.float32) / 255
  if scale == 1:
    return values
  shape = tf.concat([tf.shape(frames)[:-3], tf.shape(frames)[-3:-1] * scale, [3]], axis=0)
  flat = tf.reshape(values, [-1, *frames.shape[-3:]])
  size = tf.shape(frames)[-3:-1] * scale
  large = tf.reshape(tf.image.resize(flat, size, method="bicubic"), shape)
  sides = [None if side is None else side * scale for side in frames.shape[-3:-1]]
  return tf.ensure_shape(large, [*frames.shape[:-3], *sides, 3])


def restored(frames: tf.Tensor, residual: tf.Tensor, degrade: degradation.Chain) -> tf.Tensor:
  """Returns the answer, float32 like `residual`, not yet clipped.

  Args:
    frames: The input, as of `resized`, [..., time, height, width, 3].
    residual: What the network returns, [..., time, height * scale, width * scale, 3].
    degrade: What made the input; without missing frames, every frame gets its residual.
  """
  missing = degrade.missing(frames.shape[-4])
  if missing.any():
    residual *= tf.constant(missing[:, None, None, None], residual.dtype)
  return resized(frames, degrade.scale) + residual


def seen(values: tf.Tensor) -> tf.Tensor:
  """Returns values as people see them: from 0 to 1, in 256 steps."""
  return tf.round(tf.clip_by_value(values, 0, 1) * 255) / 255

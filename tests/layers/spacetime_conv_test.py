"""The dilated space-time convolution against its formula."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers


def _reference(clips: np.ndarray, kernel: np.ndarray, dilation: int, strides: int) -> np.ndarray:
  """Frame by frame: y[t] = sum_j kernel[j] * x[t + (j - 1) r], zeros outside."""
  frames = []
  for t in range(clips.shape[1]):
    frame = 0
    for j in range(3):
      other = t + (j - 1) * dilation
      if 0 <= other < clips.shape[1]:
        padded = np.pad(clips[:, other], [(0, 0), (1, 1), (1, 1), (0, 0)])
        frame = frame + tf.nn.conv2d(padded, kernel[j], strides, "VALID").numpy()
    frames.append(frame)
  return np.stack(frames, axis=1)


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2, 4, 8])
@pytest.mark.parametrize("time", [1, 6, 8])
def test_equals_the_formula(time, dilation, strides):
  clips = np.random.default_rng(0).normal(size=[2, time, 5, 4, 3]).astype(np.float32)
  layer = layers.SpacetimeConv(6, 3, dilation=dilation, strides=strides)
  result = layer(clips)
  assert tuple(result.shape) == layer.compute_output_shape(clips.shape)
  np.testing.assert_allclose(
    result, _reference(clips, layer.kernel.numpy(), dilation, strides), atol=1e-5
  )


def test_refuses_an_even_kernel():
  with pytest.raises(ValueError, match="kernel_size must be odd, .* got 4"):
    layers.SpacetimeConv(8, 4)


def test_refuses_a_dilation_of_no_frames():
  with pytest.raises(ValueError, match="at least 1; got 0"):
    layers.SpacetimeConv(8, 3, dilation=0)


def test_the_gradient_of_the_kernel_is_finite_under_mixed_bfloat16():
  clips = tf.constant(np.random.default_rng(0).normal(size=[4, 2, 8, 8, 8]), tf.bfloat16)
  layer = layers.SpacetimeConv(8, 3, dtype="mixed_bfloat16")
  layer.build(clips.shape)
  for _ in range(20):
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(tf.square(tf.cast(layer(clips), tf.float32)))
    assert np.all(np.isfinite(tape.gradient(loss, layer.kernel)))

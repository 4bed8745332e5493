"""The dilated temporal convolution against its formula."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers


def _reference(clips: np.ndarray, kernel: np.ndarray, dilation: int) -> np.ndarray:
  """y[t] = sum_j kernel[j] x[t + (j - k // 2) * r], zeros outside."""
  time, taps = clips.shape[1], kernel.shape[0]
  result = np.zeros([*clips.shape[:-1], kernel.shape[-1]], np.float64)
  for t in range(time):
    for j in range(taps):
      other = t + (j - taps // 2) * dilation
      if 0 <= other < time:
        result[:, t] += clips[:, other].astype(np.float64) @ kernel[j].astype(np.float64)
  return result


@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("dilation", [1, 2, 4, 8])
@pytest.mark.parametrize("time", [1, 6, 8])
def test_equals_the_formula(time, dilation, kernel_size):
  clips = np.random.default_rng(0).normal(size=[2, time, 3, 2, 4]).astype(np.float32)
  layer = layers.TemporalConv(5, kernel_size, dilation=dilation)
  result = layer(clips)
  np.testing.assert_allclose(result, _reference(clips, layer.kernel.numpy(), dilation), atol=1e-5)


@pytest.mark.parametrize("dilation", [1, 2, 4, 8])
def test_the_gradient_of_clips_equals_that_of_the_formula(dilation):
  clips = tf.constant(np.random.default_rng(0).normal(size=[1, 6, 2, 2, 3]), tf.float32)
  weights = np.random.default_rng(1).normal(size=[1, 6, 2, 2, 4]).astype(np.float32)
  layer = layers.TemporalConv(4, 3, dilation=dilation)
  with tf.GradientTape() as tape:
    tape.watch(clips)
    loss = tf.reduce_sum(layer(clips) * weights)
  # The adjoint is the convolution with the kernel turned round and transposed.
  adjoint = layer.kernel.numpy()[::-1].transpose([0, 2, 1])
  np.testing.assert_allclose(
    tape.gradient(loss, clips), _reference(weights, adjoint, dilation), atol=1e-5
  )


def test_the_kernel_is_drawn_with_the_published_deviation():
  layer = layers.TemporalConv(64, 3)
  layer.build([None, 4, 2, 2, 64])
  # A normal of deviation 1, truncated at 2, has deviation 0.8796.
  assert np.std(layer.kernel) == pytest.approx(0.8796 * np.sqrt(2 / (3 * 64)), rel=0.05)


def test_refuses_an_even_kernel():
  with pytest.raises(ValueError, match="kernel_size must be odd, .* got 4"):
    layers.TemporalConv(8, 4)


def test_refuses_a_clip_of_unknown_length():
  with pytest.raises(ValueError, match=r"all but the batch static; got \(None, None, 8, 8, 3\)"):
    layers.TemporalConv(8, 3).build([None, None, 8, 8, 3])

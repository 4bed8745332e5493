"""Convolution and pooling within frames."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers


@pytest.mark.parametrize("strides", [1, 2])
def test_convolves_each_frame_alone(strides):
  clips = np.random.default_rng(0).normal(size=[2, 3, 5, 6, 4]).astype(np.float32)
  layer = layers.SpatialConv(7, 3, strides=strides)
  result = layer(clips)
  assert tuple(result.shape) == layer.compute_output_shape(clips.shape)
  for t in range(3):
    frame = np.pad(clips[:, t], [(0, 0), (1, 1), (1, 1), (0, 0)])
    np.testing.assert_allclose(
      result[:, t], tf.nn.conv2d(frame, layer.kernel, strides, "VALID"), atol=1e-5
    )


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("channels", [3, 512])
def test_a_convolution_of_one_pixel_reads_one_pixel_per_stride(channels, strides):
  clips = np.random.default_rng(0).normal(size=[1, 2, 5, 4, channels]).astype(np.float32)
  layer = layers.SpatialConv(256, 1, strides=strides)
  result = layer(clips)
  expected = clips[:, :, ::strides, ::strides] @ layer.kernel.numpy()[0, 0]
  np.testing.assert_allclose(result, expected, atol=1e-4)


def test_pools_windows_side_by_side():
  clips = np.arange(16, dtype=np.float32).reshape([1, 1, 4, 4, 1])
  np.testing.assert_array_equal(layers.SpatialMaxPool(2)(clips)[0, 0, ..., 0], [[5, 7], [13, 15]])


def test_the_last_window_of_an_odd_side_is_smaller():
  clips = np.arange(9, dtype=np.float32).reshape([1, 1, 3, 3, 1])
  np.testing.assert_array_equal(layers.SpatialMaxPool(2)(clips)[0, 0, ..., 0], [[4, 5], [7, 8]])


def test_windows_overlap_where_strides_are_smaller():
  clips = np.zeros([1, 2, 8, 8, 3], np.float32)
  layer = layers.SpatialMaxPool(3, strides=2)
  assert tuple(layer(clips).shape) == layer.compute_output_shape(clips.shape) == (1, 2, 4, 4, 3)

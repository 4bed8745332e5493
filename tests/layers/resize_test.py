"""Frames in another size."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers
from official.layers import resize


def test_shrinking_by_two_weighs_four_neighbours_along_a_side():
  inside = resize.weights(8, 4)[1]
  np.testing.assert_allclose(inside, [0, 0.125, 0.375, 0.375, 0.125, 0, 0, 0], atol=1e-7)


def test_growing_is_bilinear():
  np.testing.assert_allclose(
    resize.weights(2, 4), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]], atol=1e-7
  )


@pytest.mark.parametrize("size", [(4, 9), (16, 3)])
def test_it_is_what_tensorflow_does_with_antialiasing(size):
  clips = np.random.default_rng(0).normal(size=[2, 3, 8, 6, 5]).astype(np.float32)
  layer = layers.SpatialResize(*size)
  made = layer(clips)
  assert tuple(made.shape) == layer.compute_output_shape(clips.shape)
  expected = tf.image.resize(clips.reshape(6, 8, 6, 5), size, antialias=True)
  np.testing.assert_allclose(made.numpy().reshape(expected.shape), expected, atol=1e-5)

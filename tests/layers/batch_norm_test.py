"""Batch normalization of clips."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers

_CLIPS = (
  np.random.default_rng(0).normal(loc=2.0, scale=3.0, size=[4, 3, 5, 5, 6]).astype(np.float32)
)


@pytest.mark.parametrize("synchronized", [False, True])
def test_normalizes_over_all_axes_but_channels(synchronized):
  result = layers.BatchNorm(synchronized=synchronized)(_CLIPS, training=True)
  mean, variance = _CLIPS.mean(axis=(0, 1, 2, 3)), _CLIPS.var(axis=(0, 1, 2, 3))
  np.testing.assert_allclose(result, (_CLIPS - mean) / np.sqrt(variance + 1e-5), atol=1e-4)


def test_moving_statistics_follow_the_momentum():
  layer = layers.BatchNorm(momentum=0.75)
  layer(_CLIPS, training=True)
  np.testing.assert_allclose(layer.moving_mean, 0.25 * _CLIPS.mean(axis=(0, 1, 2, 3)), rtol=1e-4)


def test_uses_the_fused_kernel_unless_synchronized():
  plain, synchronized = layers.BatchNorm(), layers.BatchNorm(synchronized=True)
  for layer in (plain, synchronized):
    layer.build(_CLIPS.shape)
  assert plain.fused and not synchronized.fused


def test_is_keras_batch_normalization_for_tools_that_look_for_it():
  assert isinstance(layers.BatchNorm(), tf.keras.layers.BatchNormalization)


def test_the_config_of_a_built_layer_makes_an_equal_one():
  layer = layers.BatchNorm(momentum=0.9, gamma_initializer="zeros")
  layer(_CLIPS)
  copy = layers.BatchNorm.from_config(layer.get_config())
  copy(_CLIPS)
  assert copy.get_config() == layer.get_config()
  np.testing.assert_array_equal(copy.gamma, np.zeros(6))

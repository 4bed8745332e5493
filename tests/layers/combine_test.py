"""The weighted sum of a block's inputs against its formula."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers
from official.layers import combine


def _clips(*shape: int) -> np.ndarray:
  return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def _sigmoid(x: np.ndarray) -> np.ndarray:
  return 1 / (1 + np.exp(-x))


def _max_pool(clips: np.ndarray, ratio: int) -> np.ndarray:
  """Windows side by side; height and width are multiples of the ratio."""
  batch, time, height, width, channels = clips.shape
  windows = clips.reshape(batch, time, height // ratio, ratio, width // ratio, ratio, channels)
  return windows.max(axis=(3, 5))


def test_inputs_of_equal_channels_are_scaled_and_summed():
  a, b = _clips(2, 3, 4, 4, 5), _clips(2, 3, 4, 4, 5) + 1
  layer = layers.Combine(["a", "b"], multiplier=3.0)
  layer.build([a.shape, b.shape])
  layer.connection_weights.assign([0.5, -1.0])
  scales = _sigmoid(3.0 * np.array([0.5, -1.0]))
  np.testing.assert_allclose(layer([a, b]), scales[0] * a + scales[1] * b, atol=1e-5)


def test_a_single_input_is_scaled_too():
  a = _clips(1, 2, 3, 3, 4)
  layer = layers.Combine(["a"])
  layer.build([a.shape])
  layer.connection_weights.assign([2.0])
  np.testing.assert_allclose(layer([a]), _sigmoid(2.0) * a, atol=1e-6)


def test_pooled_and_projected_inputs_equal_scaling_before_pooling():
  """Three channel counts, two sizes: scale, pool, sum by channels, project smaller sums, sum."""
  a, b, c, d = (
    _clips(2, 3, 8, 8, 4),
    _clips(2, 3, 4, 4, 4),
    _clips(2, 3, 4, 4, 6),
    _clips(2, 3, 8, 8, 2),
  )
  pool = layers.SpatialMaxPool(2)
  layer = layers.Combine("abcd")
  inputs = [pool(a), b, c, pool(d)]
  layer(inputs)
  layer.connection_weights.assign([0.3, -0.2, 0.1, 1.5])
  scale = _sigmoid(np.array([0.3, -0.2, 0.1, 1.5]))
  of_two, of_four = (projection.kernel.numpy()[0, 0] for projection in layer.projections)
  assert of_two.shape == (2, 6) and of_four.shape == (4, 6)
  expected = (
    (_max_pool(scale[0] * a, 2) + scale[1] * b) @ of_four
    + scale[2] * c
    + _max_pool(scale[3] * d, 2) @ of_two
  )
  np.testing.assert_allclose(layer(inputs), expected, atol=1e-5)


def test_connections_start_near_one_half():
  layer = layers.Combine([str(index) for index in range(500)], multiplier=4.0)
  layer.build([[None, 1, 1, 1, 1]] * 500)
  raw = layer.connection_weights.numpy()
  assert np.std(raw) == pytest.approx(0.8796 * 0.01 / 4.0, rel=0.1)
  assert np.abs(layer.strengths() - 0.5).max() <= 0.0051


def test_gates_are_factors_of_the_strengths_and_leave_no_trace():
  a, b = _clips(1, 2, 3, 3, 4), _clips(1, 2, 3, 3, 4) + 1
  layer = layers.Combine(["a", "b"])
  ungated, config = layer([a, b]).numpy(), layer.get_config()
  layer.gates = tf.constant([0.0, 3.0])
  assert len(layer.variables) == 1 and layer.get_config() == config
  np.testing.assert_allclose(layer([a, b]), 3.0 * layer.strengths()[1] * b, rtol=1e-5)
  layer.gates = None
  np.testing.assert_array_equal(layer([a, b]), ungated)


def test_gradient_of_a_weight_is_that_of_the_sigmoid():
  a = _clips(1, 2, 2, 2, 3)
  layer = layers.Combine(["a"], multiplier=2.0)
  layer.build([a.shape])
  layer.connection_weights.assign([0.7])
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(layer([a]))
  scale = _sigmoid(1.4)
  expected = a.sum() * 2.0 * scale * (1 - scale)
  np.testing.assert_allclose(tape.gradient(loss, layer.connection_weights), [expected], rtol=1e-4)


def test_refuses_inputs_of_different_size():
  with pytest.raises(
    ValueError,
    match=r"inputs differ in time, height or width: a .3, 8, 8, 4., b .3, 4, 4, 4.; "
    "bring them to one height and width first",
  ):
    layers.Combine(["a", "b"]).build([[None, 3, 8, 8, 4], [None, 3, 4, 4, 4]])


def test_refuses_another_number_of_inputs_than_sources():
  with pytest.raises(ValueError, match=r"combine_x combines 2 inputs \(a, b\); got 1"):
    layers.Combine(["a", "b"], name="combine_x").build([[None, 3, 8, 8, 4]])


@pytest.mark.parametrize("multiplier", [1.0, 10.0])
def test_a_connection_of_strength_one_passes_on_and_stays(multiplier):
  clips = tf.constant(_clips(1, 2, 3, 3, 4))
  layer = layers.Combine(["a"], multiplier=multiplier)
  layer.build([clips.shape])
  layer.connection_weights.assign([combine.logit(1) / multiplier])
  with tf.GradientTape() as tape:
    result = layer([clips])
    loss = tf.reduce_sum(1e6 * result)
  np.testing.assert_array_equal(result, clips)
  np.testing.assert_array_equal(layer.strengths(), [1.0])
  np.testing.assert_array_equal(tape.gradient(loss, layer.connection_weights), [0.0])


def test_the_logit_is_what_the_sigmoid_undoes():
  for strength in (1e-6, 0.25, 0.5, 0.999999, 1):
    assert tf.sigmoid(combine.logit(strength)).numpy() == pytest.approx(strength, rel=1e-6)


def test_frozen_connection_weights_are_variables_that_are_not_trained():
  layer = layers.Combine(["a", "b"], frozen=True)
  layer.build([[None, 1, 2, 2, 3], [None, 1, 2, 2, 4]])
  assert [variable.name for variable in layer.non_trainable_variables] == ["connection_weights:0"]
  assert len(layer.trainable_variables) == 1  # The projection.
  copy = layers.Combine.from_config(layer.get_config())
  assert copy.frozen


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_the_gradient_of_a_weight_is_summed_in_float32_under_mixed_precision(policy):
  """20,000 products of 1: bfloat16 counts to 256, float16 to 2,048; and scaled, beyond 65,504."""
  layer = layers.Combine(["a", "b"], dtype=policy)
  clips = tf.ones([2, 4, 50, 50, 1], layer.compute_dtype)
  layer.build([clips.shape] * 2)
  layer.connection_weights.assign([0.0, 0.0])
  with tf.GradientTape() as tape:
    loss = 16.0 * tf.reduce_sum(tf.cast(layer([clips, 2 * clips]), tf.float32))
  assert layer([clips, clips]).dtype == layer.compute_dtype
  np.testing.assert_allclose(tape.gradient(loss, layer.connection_weights), [8e4, 1.6e5], rtol=1e-5)


def test_the_gradient_of_clips_is_scaled_under_mixed_precision():
  layer = layers.Combine(["a"], dtype="mixed_bfloat16")
  clips = tf.ones([1, 1, 2, 2, 3], tf.bfloat16)
  layer.build([clips.shape])
  with tf.GradientTape() as tape:
    tape.watch(clips)
    loss = tf.reduce_sum(layer([clips]))
  gradient = tape.gradient(loss, clips)
  assert gradient.dtype == tf.bfloat16
  np.testing.assert_allclose(tf.cast(gradient, tf.float32), 0.5 * np.ones(clips.shape), atol=0.01)

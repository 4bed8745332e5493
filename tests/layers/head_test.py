"""The head against its formula."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers


def test_averages_joins_by_channels_and_classifies():
  rng = np.random.default_rng(0)
  a, b, c = (
    rng.normal(size=shape).astype(np.float32)
    for shape in ([2, 3, 4, 4, 6], [2, 3, 2, 2, 4], [2, 3, 2, 2, 6])
  )
  head = layers.Head(5)
  logits = head([a, b, c])
  a, b, c = (clips.mean(axis=(2, 3)) for clips in (a, b, c))
  features = np.concatenate([b, (a + c) / 2], axis=-1).mean(axis=1)  # Fewest channels first.
  np.testing.assert_allclose(
    logits, features @ head.dense.kernel.numpy() + head.dense.bias.numpy(), atol=1e-5
  )


def test_a_single_block_needs_no_list():
  clips = np.ones([2, 3, 4, 4, 6], np.float32)
  head = layers.Head(5)
  np.testing.assert_array_equal(head(clips), head([clips]))


def test_the_dense_kernel_is_small_and_the_bias_zero():
  head = layers.Head(50)
  head.build([[None, 1, 1, 1, 100]])
  np.testing.assert_allclose(np.std(head.dense.kernel), 0.01, rtol=0.1)
  np.testing.assert_array_equal(head.dense.bias, np.zeros(50))


def test_logits_are_float32_under_mixed_precision():
  head = layers.Head(5, dtype="mixed_bfloat16")
  assert head([tf.ones([1, 2, 2, 2, 3])]).dtype == tf.float32


def test_max_pools_features_over_time():
  clips = np.random.default_rng(0).normal(size=[2, 3, 4, 4, 6]).astype(np.float32)
  head = layers.Head(5, pooling="max")
  logits = head([clips])
  features = clips.mean(axis=(2, 3)).max(axis=1)
  np.testing.assert_allclose(
    logits, features @ head.dense.kernel.numpy() + head.dense.bias.numpy(), atol=1e-6
  )


def test_softmax_pools_logits_over_time():
  clips = 30 * np.random.default_rng(0).normal(size=[2, 3, 4, 4, 6]).astype(np.float32)
  head = layers.Head(5, pooling="softmax")
  result = head([clips])
  logits = clips.mean(axis=(2, 3)) @ head.dense.kernel.numpy() + head.dense.bias.numpy()
  attention = np.exp(logits / np.sqrt(3))
  attention /= attention.sum(axis=1, keepdims=True)
  np.testing.assert_allclose(result, (attention * logits).sum(axis=1), rtol=1e-5, atol=1e-6)


def test_an_unknown_pooling_is_refused():
  with pytest.raises(ValueError, match="pooling is 'min'; it is one of average, max, softmax"):
    layers.Head(5, pooling="min")


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_means_over_space_are_float32_under_mixed_precision(policy):
  """As many pixels as bfloat16 and float16 cannot sum: the mean, and its gradient, are exact."""
  head = layers.Head(2, dtype=policy)
  clips = tf.fill([1, 2, 100, 100, 3], tf.cast(1.5, head.compute_dtype))
  head.build(clips.shape)
  head.dense.kernel.assign(tf.ones([3, 2]))
  np.testing.assert_allclose(head(clips), [[4.5, 4.5]], rtol=1e-6)


def test_no_mean_over_space_is_of_16_bits():
  head = layers.Head(2, dtype="mixed_bfloat16")
  function = tf.function(lambda clips: head(clips)).get_concrete_function(
    tf.TensorSpec([1, 2, 4, 4, 3], tf.bfloat16)
  )
  means = [op for op in function.graph.get_operations() if op.type == "Mean"]
  assert means and all(op.inputs[0].dtype == tf.float32 for op in means)

"""The dense head against its formula in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers


def _head(strides, *, scale=1, size=(8, 8), channels=2, **settings):
  return layers.DenseHead(
    channels,
    sources=[f"block{number}" for number in range(len(strides))],
    strides=strides,
    scale=scale,
    height=size[0] * scale,
    width=size[1] * scale,
    features=4,
    **settings,
  )


def _clips(*shapes):
  rng = np.random.default_rng(0)
  return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def test_every_level_is_weighted_projected_repeated_added_and_shuffled():
  fine, also_fine, coarse = _clips([1, 3, 4, 4, 5], [1, 3, 4, 4, 5], [1, 3, 2, 2, 6])
  head = _head([2, 2, 4], size=(8, 8))
  head([fine, also_fine, coarse])
  head.head_weights.assign([0.5, -1.0, 2.0])
  head.kernel.assign(np.random.default_rng(1).normal(size=head.kernel.shape))
  head.bias.assign([0.1, -0.2, 0.3, 0.0])
  strength = 1 / (1 + np.exp(-np.array([0.5, -1.0, 2.0])))
  np.testing.assert_allclose(head.strengths(), strength, rtol=1e-6)
  kernels = {name: one.kernel.numpy()[0, 0] for name, one in head.projections.items()}
  summed = (strength[0] * fine + strength[1] * also_fine) @ kernels["projection_2_5"]
  above = (strength[2] * coarse) @ kernels["projection_4_6"]
  total = np.maximum(summed + above.repeat(2, axis=2).repeat(2, axis=3) + head.bias.numpy(), 0)
  padded = np.pad(total, [(0, 0), (0, 0), (1, 1), (1, 1), (0, 0)])
  values = sum(
    padded[:, :, y : y + 4, x : x + 4] @ head.kernel.numpy()[y, x]
    for y in range(3)
    for x in range(3)
  )
  shuffled = values.reshape(1, 3, 4, 4, 2, 2, 2).transpose(0, 1, 2, 4, 3, 5, 6)
  found = head([fine, also_fine, coarse])
  np.testing.assert_allclose(found, shuffled.reshape(1, 3, 8, 8, 2), rtol=1e-3, atol=1e-4)


def test_sides_that_no_stride_divides_are_cut_off():
  found = _head([2, 4], scale=3, size=(7, 5))(_clips([1, 2, 4, 3, 3], [1, 2, 2, 2, 3]))
  assert found.shape == (1, 2, 21, 15, 2)


def test_first_answers_are_near_zero():
  assert np.abs(_head([1])(_clips([1, 2, 8, 8, 3]))).max() < 1e-3


def test_outputs_and_weights_are_float32_under_mixed_precision():
  head = _head([1], dtype="mixed_bfloat16")
  assert head([tf.ones([1, 2, 8, 8, 3])]).dtype == tf.float32
  assert head.head_weights.dtype == tf.float32


def test_time_is_neither_strided_nor_mixed():
  clips = _clips([1, 3, 8, 8, 3])
  head = _head([1])
  before = head(clips).numpy()
  clips[0][:, 1] = 0
  changed = np.abs(head(clips).numpy() - before).max(axis=(0, 2, 3, 4)) > 0
  assert changed.tolist() == [False, True, False]


def test_its_configuration_makes_the_same_head():
  head = _head([2, 4], scale=2, multiplier=3.0, name="head")
  assert layers.DenseHead.from_config(head.get_config()).get_config() == head.get_config()


def test_sources_and_strides_are_of_one_length():
  with pytest.raises(ValueError, match="1 sources have 2 strides"):
    layers.DenseHead(1, sources=["a"], strides=[1, 2], scale=1, height=4, width=4, features=2)

"""Block kinds: the table, what is particular to each, and how one adds a kind."""

import numpy as np
import pytest
import tensorflow as tf

from official import layers
from official.layers import blocks

_CLIPS = np.random.default_rng(0).normal(size=[2, 4, 8, 8, 6]).astype(np.float32)


def test_an_unknown_kind_is_refused_with_the_known_ones():
  with pytest.raises(
    ValueError, match="no layer is registered for block kind 'basic_3d'; there are basic_2plus1d, "
  ):
    blocks.get("basic_3d")


def test_a_kind_is_registered_once():
  with pytest.raises(
    ValueError, match="already a layer for block kind 'basic_2plus1d': Basic2Plus1D"
  ):
    blocks.register("basic_2plus1d")(blocks.Block)


def test_a_new_kind_is_one_class_and_a_decorator(monkeypatch):
  monkeypatch.setattr(blocks, "_KINDS", dict(blocks._KINDS))

  @blocks.register("spatial_only")
  class SpatialOnly(blocks.Block):
    def chain(self) -> list[tf.keras.layers.Layer]:
      return [self.over_space(self.channels, 3, strides=self.spatial_stride, name="space")]

  layer = blocks.get("spatial_only")(5, spatial_stride=2)
  assert isinstance(layer, SpatialOnly)
  assert tuple(layer(_CLIPS).shape) == (2, 4, 4, 4, 5)


@pytest.mark.parametrize(
  ("kind", "output_channels"),
  [
    ("basic_2plus1d", 5),
    ("growing_2plus1d", 5),
    ("spacetime_3d", 5),
    ("interleaved_bottleneck", 20),
    ("bottleneck_2plus1d", 20),
  ],
)
def test_a_block_starts_as_its_projection(kind, output_channels):
  """The last gamma of every module is zero: the branches add nothing yet."""
  layer = blocks.get(kind)(5, modules=2, intermediate_channels=3, spatial_stride=2)
  result = layer(_CLIPS, training=False)
  projection = layer.layers[0].shortcut
  assert result.shape[-1] == output_channels
  np.testing.assert_allclose(result, tf.nn.relu(projection(_CLIPS, training=False)), atol=1e-6)


def test_bottlenecks_take_turns_between_space_and_time():
  layer = blocks.get("interleaved_bottleneck")(
    5, modules=4, intermediate_channels=3, temporal_dilation=2
  )
  reduce = [module.branch[0].convolution for module in layer.layers]
  assert [type(convolution) for convolution in reduce] == [
    layers.SpatialConv,
    layers.TemporalConv,
  ] * 2
  assert reduce[1].dilation == 2


def test_a_bottleneck_needs_its_intermediate_channels():
  with pytest.raises(ValueError, match="intermediate_channels is None"):
    blocks.get("interleaved_bottleneck")(5)


@pytest.mark.parametrize("kind", ["stem_2plus1d", "stem_2d"])
@pytest.mark.parametrize("spatial_stride", [2, 4])
def test_a_stem_has_its_stride(kind, spatial_stride):
  layer = blocks.get(kind)(5, spatial_stride=spatial_stride)
  result = layer(_CLIPS)
  assert (
    tuple(result.shape)
    == layer.compute_output_shape(_CLIPS.shape)
    == (2, 4, 8 // spatial_stride, 8 // spatial_stride, 5)
  )


def test_a_stem_of_stride_three_is_refused():
  with pytest.raises(ValueError, match="spatial_stride is 3; a stem has 2 or 4"):
    blocks.get("stem_2d")(5, spatial_stride=3)


def test_a_stem_joins_its_streams_by_channels_in_order():
  layer = blocks.get("stem_2plus1d")(5, spatial_stride=2)
  joined = layer([_CLIPS[..., :4], _CLIPS[..., 4:]])
  np.testing.assert_array_equal(layer(_CLIPS), joined)
  assert layer.layers[0].convolution.kernel.shape == (7, 7, 6, 5)


def test_a_residual_module_whose_sides_differ_is_refused():
  module = layers.Residual([layers.SpatialConv(4, 3)], name="module")
  with pytest.raises(
    ValueError, match=r"module: the branch gives \(2, 4, 8, 8, 4\), the shortcut \(2, 4, 8, 8, 6\)"
  ):
    module.build(_CLIPS.shape)


@pytest.mark.parametrize("kind, reach", [("basic_2plus1d", 3), ("growing_2plus1d", 7)])
def test_the_frames_that_an_output_depends_on(kind, reach):
  """Three modules over time reach r to either side each, or r, 2 r and 4 r."""
  layer = blocks.get(kind)(2, modules=3)
  clips = tf.Variable(np.random.default_rng(0).normal(size=(1, 21, 4, 4, 3)).astype(np.float32))
  layer(clips)
  for weight in layer.weights:
    weight.assign(tf.abs(tf.random.stateless_normal(weight.shape, [0, 1])) + 0.1)
  with tf.GradientTape() as tape:
    middle = tf.reduce_sum(layer(tf.abs(clips), training=False)[:, 10])
  seen = np.abs(tape.gradient(middle, clips).numpy()).sum(axis=(0, 2, 3, 4)) > 0
  assert np.flatnonzero(seen).tolist() == list(range(10 - reach, 10 + reach + 1))

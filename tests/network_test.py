"""Networks from architectures."""

import numpy as np
import pytest
import tensorflow as tf

from official import network
from official.architecture import cost
from official.architecture import kinds
from official.architecture import presets
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.layers import blocks

_SIZE = dict(num_frames=4, height=16, width=16, num_classes=5)


def _stem(name: str, *streams: str, stride: int = 2) -> Block:
  return Block(id=name, level=0, kind="stem_2d", streams=streams, channels=4, spatial_stride=stride)


def _block(name: str, level: int, **settings) -> Block:
  return Block(id=name, level=level, kind="basic_2plus1d", channels=4, **settings)


def _connect(*pairs: str) -> tuple[Connection, ...]:
  return tuple(Connection(*pair.split("->")) for pair in pairs)


def test_inputs_are_the_streams_that_stems_read():
  architecture = Architecture((_stem("s", "flow"), _block("a", 1)), _connect("s->a"))
  model = network.build_network(architecture, streams={"rgb": 3, "flow": 2}, **_SIZE)
  assert {name: tuple(tensor.shape) for name, tensor in model.input.items()} == {
    "flow": (None, 4, 16, 16, 2)
  }


def test_a_stem_reads_several_streams_together():
  architecture = Architecture((_stem("s", "rgb", "flow"), _block("a", 1)), _connect("s->a"))
  model = network.build_network(architecture, streams={"rgb": 3, "flow": 2}, **_SIZE)
  clips = {
    "rgb": np.ones([2, 4, 16, 16, 3], np.float32),
    "flow": np.ones([2, 4, 16, 16, 2], np.float32),
  }
  assert model(clips).shape == (2, 5)
  assert model.get_layer("block_s").layers[0].convolution.kernel.shape == (7, 7, 5, 4)


def test_a_missing_stream_is_refused():
  architecture = Architecture((_stem("s", "depth"), _block("a", 1)), _connect("s->a"))
  with pytest.raises(
    ValueError, match="stem 's' reads the stream 'depth'; the dataset has flow, rgb"
  ):
    network.build_network(architecture, streams={"rgb": 3, "flow": 2}, **_SIZE)


def test_a_source_is_pooled_once_for_all_blocks_that_need_it_so():
  architecture = Architecture(
    (_stem("s", "rgb"), _stem("u", "rgb", stride=4), _block("a", 1), _block("b", 1)),
    _connect("s->a", "u->a", "s->b", "u->b"),
  )
  model = network.build_network(architecture, streams={"rgb": 3}, **_SIZE)
  assert [layer.name for layer in model.layers if layer.name.startswith("pool_")] == ["pool_s_by_2"]


def test_sides_that_strides_do_not_divide_still_meet():
  """13 pixels: 7 after stride 2, 4 after stride 4; pooling 7 by 2 gives 4 as well."""
  architecture = Architecture(
    (_stem("s", "rgb"), _stem("u", "rgb", stride=4), _block("a", 1, spatial_stride=2)),
    _connect("s->a", "u->a"),
  )
  model = network.build_network(
    architecture, streams={"rgb": 3}, **_SIZE | {"height": 13, "width": 13}
  )
  assert model.get_layer("block_a").output_shape == (None, 4, 2, 2, 4)


def test_several_blocks_on_the_last_level_feed_the_head():
  architecture = Architecture(
    (_stem("s", "rgb"), _block("a", 1), _block("b", 1, spatial_stride=2)), _connect("s->a", "s->b")
  )
  model = network.build_network(architecture, streams={"rgb": 3}, **_SIZE)
  assert len(model.get_layer("head").input) == 2


def test_connection_weights_are_those_after_the_sigmoid_by_connection():
  architecture = Architecture(
    (_stem("s", "rgb"), _stem("u", "rgb"), _block("a", 1)), _connect("s->a", "u->a")
  )
  model = network.build_network(
    architecture, streams={"rgb": 3}, connection_multiplier=2.0, **_SIZE
  )
  model.get_layer("combine_a").connection_weights.assign([0.5, -1.0])
  assert network.connection_weights(model) == {
    ("s", "a"): pytest.approx(1 / (1 + np.exp(-1.0))),
    ("u", "a"): pytest.approx(1 / (1 + np.exp(2.0))),
  }


def test_given_connection_weights_are_where_training_starts():
  architecture = Architecture(
    (_stem("s", "rgb"), _stem("u", "rgb"), _block("a", 1)), _connect("s->a", "u->a")
  )
  model = network.build_network(
    architecture,
    streams={"rgb": 3},
    connection_multiplier=2.0,
    connection_weights={Connection("u", "a"): 0.9},
    **_SIZE,
  )
  weights = network.connection_weights(model)
  assert weights["u", "a"] == pytest.approx(0.9)
  assert weights["s", "a"] == pytest.approx(0.5, abs=0.02)


def test_a_given_weight_of_one_passes_an_input_on_and_round_trips(tmp_path):
  architecture = Architecture((_stem("s", "rgb"), _block("a", 1)), _connect("s->a"))

  def build(**settings) -> tf.keras.Model:
    return network.build_network(architecture, streams={"rgb": 3}, **settings, **_SIZE)

  model = build(connection_weights={Connection("s", "a"): 1}, connection_multiplier=10.0)
  assert network.connection_weights(model) == {("s", "a"): 1.0}
  path = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
  fresh = build(connection_multiplier=10.0)
  tf.train.Checkpoint(model=fresh).read(path).assert_consumed()
  assert network.connection_weights(fresh) == {("s", "a"): 1.0}


def test_frozen_connection_weights_are_not_trained_and_an_only_input_is_passed_on():
  architecture = Architecture(
    (_stem("s", "rgb"), _stem("u", "rgb"), _block("a", 1), _block("b", 2)),
    _connect("s->a", "u->a", "a->b"),
  )
  given = {Connection("s", "a"): 0.25, Connection("u", "a"): 0.75}
  trained, frozen = (
    network.build_network(
      architecture,
      streams={"rgb": 3},
      connection_weights=given,
      freeze_connection_weights=freeze,
      **_SIZE,
    )
    for freeze in (False, True)
  )
  assert network.connection_weights(frozen) == {
    ("a", "b"): 1.0,
    ("s", "a"): pytest.approx(0.25),
    ("u", "a"): pytest.approx(0.75),
  }
  assert network.connection_weights(trained)["a", "b"] == pytest.approx(0.5, abs=0.02)
  names = [{variable.name for variable in model.trainable_variables} for model in (trained, frozen)]
  assert names[0] - names[1] == {"combine_a/connection_weights:0", "combine_b/connection_weights:0"}
  assert {v.name for v in trained.variables} == {v.name for v in frozen.variables}


def test_epsilon_and_activation_reach_every_layer():
  architecture = Architecture((_stem("s", "rgb"), _block("a", 1)), _connect("s->a"))
  model = network.build_network(
    architecture, streams={"rgb": 3}, batch_norm_epsilon=0.25, activation="swish", **_SIZE
  )
  norms = [
    layer for layer in model.submodules if isinstance(layer, tf.keras.layers.BatchNormalization)
  ]
  assert norms and {norm.epsilon for norm in norms} == {0.25}
  clips = {"rgb": np.random.default_rng(0).normal(size=[1, 4, 16, 16, 3]).astype(np.float32)}
  stem = model.get_layer("block_s")
  unit = stem.layers[0]
  expected = tf.nn.silu(unit.norm(unit.convolution(clips["rgb"]), training=False))
  np.testing.assert_allclose(stem(clips["rgb"], training=False), expected, atol=1e-6)


def test_time_is_folded_once_a_block():
  """At every layer there were 25. Now the stem and the block have two each, and so have the two
  convolutions over time."""
  architecture = Architecture((_stem("s", "rgb"), _block("a", 1, modules=2)), _connect("s->a"))
  model = network.build_network(architecture, streams={"rgb": 3}, **_SIZE)

  @tf.function
  def run(clips):
    return model(clips, training=True)

  graph = run.get_concrete_function({"rgb": tf.TensorSpec([1, 4, 16, 16, 3])}).graph
  reshapes = [op for op in graph.get_operations() if op.type == "Reshape"]
  assert len(reshapes) == 2 * 2 + 2 * 2


@pytest.mark.slow
def test_the_graph_of_assemblenet_50_is_not_full_of_reshapes():
  """687 while every layer folded: 75 are of the matrix products, which convolutions of 1x1 are."""
  preset = presets.load("assemblenet-50")
  model = network.build_network(
    preset.architecture,
    streams={"rgb": 3, "flow": 2},
    num_frames=8,
    height=32,
    width=32,
    num_classes=5,
  )

  @tf.function
  def run(clips):
    return model(clips, training=True)

  clips = {
    name: tf.TensorSpec([1, 8, 32, 32, channels], name=name)
    for name, channels in (("rgb", 3), ("flow", 2))
  }
  operations = run.get_concrete_function(clips).graph.get_operations()
  assert sum(operation.type == "Reshape" for operation in operations) <= 160


@pytest.mark.parametrize(
  ("source", "weight", "text"),
  [
    ("u", 0.5, "there is no connection u->a to give the weight 0.5"),
    ("s", 1.5, "connection s->a has the weight 1.5; weights after the sigmoid are between"),
    ("s", 0.0, "connection s->a has the weight 0.0; weights after the sigmoid are between"),
  ],
)
def test_a_wrong_connection_weight_is_refused(source, weight, text):
  architecture = Architecture((_stem("s", "rgb"), _block("a", 1)), _connect("s->a"))
  with pytest.raises(ValueError, match=text):
    network.build_network(
      architecture,
      streams={"rgb": 3},
      connection_weights={Connection(source, "a"): weight},
      **_SIZE,
    )


_KIND_OF_ONES_OWN = '''
from official import network
from official.architecture.kinds import Convolution
from official.layers import blocks


def _convolutions(block, input_channels):
  yield Convolution((1, 3, 3), input_channels, block.channels, block.spatial_stride)


@network.register_kind("kinds_of_ones_own.spatial_only", convolutions=_convolutions,
                       has_temporal=lambda block: False)
class SpatialOnly(blocks.Block):
  """A 3x3 convolution."""

  def chain(self):
    return [self.over_space(self.channels, 3, strides=self.spatial_stride, name="space")]
'''


def test_a_kind_of_ones_own_is_a_class_and_a_decorator_in_a_file(tmp_path, monkeypatch):
  (tmp_path / "kinds_of_ones_own.py").write_text(_KIND_OF_ONES_OWN)
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.setattr(kinds, "_KINDS", dict(kinds._KINDS))
  monkeypatch.setattr(blocks, "_KINDS", dict(blocks._KINDS))
  block = Block(id="a", level=1, kind="kinds_of_ones_own.spatial_only", channels=6)
  architecture = Architecture((_stem("s", "rgb"), block), _connect("s->a"))
  model = network.build_network(architecture, streams={"rgb": 3}, **_SIZE)
  trainable = sum(variable.shape.num_elements() for variable in model.trainable_variables)
  assert trainable == cost.parameters(architecture, {"rgb": 3}, 5)


def test_the_same_seed_gives_the_same_weights():
  architecture = Architecture((_stem("s", "rgb"), _block("a", 1)), _connect("s->a"))

  def weights():
    tf.keras.utils.set_random_seed(7)
    return network.build_network(architecture, streams={"rgb": 3}, **_SIZE).get_weights()

  for first, second in zip(weights(), weights(), strict=True):
    np.testing.assert_array_equal(first, second)

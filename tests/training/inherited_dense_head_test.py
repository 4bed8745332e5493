"""First weights of a head that answers for every pixel, from a parent's checkpoint."""

import os

import numpy as np
import pytest
import tensorflow as tf

from official import network
from official.architecture import dense_cost
from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.operators import Operator
from official.training import inheritance
from official.training import inherited_dense_head

_SPLIT = Operator(name="split", blocks=("z",), results=("z", "y"), temporal_dilation=1)
_ARCHITECTURE = Architecture(
  (
    Block(id="rgb", level=0, kind="stem_fine", streams=("rgb",), channels=4, spatial_stride=1),
    Block(id="a", level=1, kind="basic_2plus1d", channels=4, spatial_stride=1),
    Block(id="z", level=2, kind="basic_2plus1d", channels=8, spatial_stride=2),
  ),
  (Connection("rgb", "a"), Connection("rgb", "z"), Connection("a", "z")),
)


def _built(architecture: Architecture, seed: int, *, channels: int = 3) -> tf.keras.Model:
  """Returns a network whose variables, but for strengths, have values of no pattern."""
  tf.keras.backend.clear_session()
  tf.keras.utils.set_random_seed(seed)
  model = network.build_network(
    architecture,
    streams={"rgb": 3},
    num_frames=2,
    height=8,
    width=8,
    dense=dense_cost.Dense(channels=channels, scale=1),
  )
  rng = np.random.default_rng(seed)
  for variable in model.variables:
    if "weights" not in variable.name:
      low, high = (0.5, 1.5) if "variance" in variable.name else (-0.5, 0.5)
      variable.assign(rng.uniform(low, high, variable.shape))
  return model


def _half(model: tf.keras.Model) -> tf.keras.Model:
  """Sets all connection weights, and strengths of the head, to one half."""
  for layer in network.combines(model).values():
    layer.connection_weights.assign(tf.zeros_like(layer.connection_weights))
  head = model.get_layer("head")
  head.head_weights.assign(tf.zeros_like(head.head_weights))
  return model


def _child(parent: tf.keras.Model, applied, folder, **settings) -> tuple[tf.keras.Model, float]:
  checkpoint = tf.train.Checkpoint(model=parent).save(os.path.join(folder, "ckpt"))
  child = _ARCHITECTURE
  for operator in applied:
    child = operators.apply(operator, child)
  model = _built(child, 5, **settings)
  return model, inheritance.apply(
    model,
    serialization.to_json(child),
    inheritance.Parent(
      architecture=serialization.to_json(_ARCHITECTURE),
      operators=[operator.to_json() for operator in applied],
      checkpoint=checkpoint,
    ),
  )


def _answers(model: tf.keras.Model) -> np.ndarray:
  clips = np.random.default_rng(0).normal(size=(2, 2, 8, 8, 3)).astype(np.float32)
  return model({"rgb": clips}).numpy()


def test_the_same_blocks_answer_the_same(tmp_path):
  parent = _half(_built(_ARCHITECTURE, 1))
  model, share = _child(parent, [], str(tmp_path))
  np.testing.assert_array_equal(_answers(_half(model)), _answers(parent))
  count = sum(int(np.prod(variable.shape)) for variable in model.variables)
  strengths = 3 + 3  # Of connections, and of blocks in the head.
  assert share == (count - strengths) / count


def test_strengths_begin_at_one_half(tmp_path):
  parent = _built(_ARCHITECTURE, 1)
  head = parent.get_layer("head")
  head.head_weights.assign(head.head_weights + 3)
  model, _ = _child(parent, [], str(tmp_path))
  assert list(network.head_weights(model).values()) == pytest.approx([0.5] * 3, abs=0.01)


def test_halves_of_a_block_get_the_mean_of_its_rows(tmp_path):
  parent = _built(_ARCHITECTURE, 1)
  model, _ = _child(parent, [_SPLIT], str(tmp_path))
  earlier = parent.get_layer("head").projections["projection_2_8"].kernel.numpy()[0, 0]
  found = model.get_layer("head").projections["projection_2_4"].kernel.numpy()[0, 0]
  np.testing.assert_allclose(found, (earlier[:4] + earlier[4:]) / 2, rtol=1e-6)
  kept = [one.get_layer("head").projections["projection_1_4"].kernel for one in (parent, model)]
  np.testing.assert_array_equal(*kept)


def test_another_output_has_a_last_convolution_of_its_own(tmp_path):
  parent = _built(_ARCHITECTURE, 1)
  model, _ = _child(parent, [], str(tmp_path), channels=5)
  head, fresh = model.get_layer("head"), _built(_ARCHITECTURE, 5, channels=5).get_layer("head")
  np.testing.assert_array_equal(head.kernel, fresh.kernel)
  np.testing.assert_array_equal(head.bias, parent.get_layer("head").bias)


def test_nothing_is_taken_over_of_what_the_parent_lacks():
  heritage = inherited_dense_head.DenseHeritage(
    _ARCHITECTURE, _ARCHITECTURE, {block.id: () for block in _ARCHITECTURE.blocks}, {}
  )
  assert heritage.of_projection(1, 4, np.zeros([1, 1, 4, 32], np.float32)) is None
  assert heritage.of_rest("kernel", np.zeros([3, 3, 32, 3], np.float32)) is None

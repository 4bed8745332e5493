"""First weights from a parent's checkpoint: real networks, real checkpoints."""

import json
import os

import numpy as np
from official.modeling import optimization
import pytest
import tensorflow as tf

from data_prep.common import cli
from official import network
from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.operators import Operator
from official.training import inheritance
from tests.training import variable_shapes

CLIP = {"num_frames": 4, "height": 16, "width": 16}
MERGE = Operator(name="merge", blocks=("a", "b"), results=("a",), temporal_dilation=1)
SPLIT = Operator(name="split", blocks=("a",), results=("a", "b"), temporal_dilation=1)


def architecture(**last) -> Architecture:
  """Returns two streams, two equal blocks on level 1, and one on level 2."""
  stems = (
    Block(id="rgb_0", level=0, kind="stem_2plus1d", streams=("rgb",), channels=4, spatial_stride=2),
    Block(id="flow_0", level=0, kind="stem_2d", streams=("flow",), channels=4, spatial_stride=2),
  )
  blocks = [Block(id=name, level=1, kind="basic_2plus1d", channels=4, modules=2) for name in "ab"]
  end = Block(id="z", level=2, **{"kind": "basic_2plus1d", "channels": 8, **last})
  return Architecture(
    (*stems, *blocks, end),
    (
      *(Connection(stem.id, block.id) for stem in stems for block in blocks),
      *(Connection(block.id, "z") for block in blocks),
    ),
  )


def built(architecture: Architecture, seed: int) -> tf.keras.Model:
  """Returns a network whose variables, but for connection weights, have values of no pattern."""
  tf.keras.backend.clear_session()
  tf.keras.utils.set_random_seed(seed)
  model = network.build_network(
    architecture, streams=variable_shapes.STREAMS, num_classes=5, **CLIP
  )
  rng = np.random.default_rng(seed)
  for variable in model.variables:
    if "connection_weights" not in variable.name:
      low, high = (0.5, 1.5) if "variance" in variable.name else (-0.5, 0.5)
      variable.assign(rng.uniform(low, high, variable.shape))
  return model


def begun(model, parent, applied, folder):
  """Returns a network of the child that operators make, with weights of the parent's network, and
  the share that is the parent's."""
  checkpoint = tf.train.Checkpoint(model=model).save(os.path.join(folder, "ckpt"))
  child = parent
  for operator in applied:
    child = operators.apply(operator, child)
  new = built(child, seed=5)
  share = inheritance.apply(
    new,
    serialization.to_json(child),
    inheritance.Parent(
      architecture=serialization.to_json(parent),
      operators=[operator.to_json() for operator in applied],
      checkpoint=checkpoint,
    ),
  )
  return child, new, share


def half(model):
  """Sets all connection weights to one half."""
  for layer in network.combines(model).values():
    layer.connection_weights.assign(tf.zeros_like(layer.connection_weights))
  return model


def answers(model):
  rng = np.random.default_rng(0)
  return model(
    {
      name: rng.normal(size=(2, *CLIP.values(), channels)).astype(np.float32)
      for name, channels in variable_shapes.STREAMS.items()
    }
  ).numpy()


@pytest.mark.parametrize("kind", ["basic_2plus1d", "interleaved_bottleneck"])
def test_variables_have_the_names_and_shapes_that_the_values_are_worked_out_by(kind):
  deep = architecture(
    kind=kind, modules=2, intermediate_channels=6 if "bottleneck" in kind else None
  )
  expected = variable_shapes.variables(deep, np.random.default_rng(0))
  found = {
    variable.name.removesuffix(":0"): tuple(variable.shape)
    for variable in built(deep, 0).variables
    if "connection_weights" not in variable.name
  }
  assert found == {name: value.shape for name, value in expected.items()}


def test_the_same_blocks_answer_the_same(tmp_path):
  parent = half(built(architecture(), 1))
  _, model, share = begun(parent, architecture(), [], str(tmp_path))
  np.testing.assert_array_equal(answers(half(model)), answers(parent))
  count = sum(int(np.prod(v.shape)) for v in model.variables)
  assert share == (count - 6) / count  # There are six connection weights.


def test_connection_weights_begin_anew(tmp_path):
  parent = built(architecture(), 1)
  for layer in network.combines(parent).values():
    layer.connection_weights.assign(3 + layer.connection_weights)
  _, model, _ = begun(parent, architecture(), [], str(tmp_path))
  fresh = network.connection_weights(built(architecture(), 5))
  assert network.connection_weights(model) == fresh
  assert all(abs(weight - 0.5) < 0.01 for weight in fresh.values())


def test_two_blocks_of_the_same_inputs_and_their_merger_answer_the_same_and_so_does_its_split(
  tmp_path,
):
  parent = half(built(architecture(), 1))
  child, merged, share = begun(parent, architecture(), [MERGE], str(tmp_path / "a"))
  np.testing.assert_allclose(answers(half(merged)), answers(parent), rtol=1e-4, atol=1e-5)
  assert share > 0.99
  _, parted, _ = begun(half(merged), child, [SPLIT], str(tmp_path / "b"))
  np.testing.assert_allclose(answers(half(parted)), answers(parent), rtol=1e-4, atol=1e-5)


def test_another_dilation_keeps_every_weight(tmp_path):
  parent = built(architecture(), 1)
  change = Operator(name="temporal_dilation", blocks=("z",), results=("z",), temporal_dilation=2)
  _, model, _ = begun(parent, architecture(), [change], str(tmp_path))
  for before, after in zip(
    parent.get_layer("block_z").variables, model.get_layer("block_z").variables, strict=True
  ):
    np.testing.assert_array_equal(before, after)


def test_averages_are_taken_where_the_training_averages(tmp_path):
  model = built(architecture(), 1)
  optimizer = optimization.ExponentialMovingAverage(
    tf.keras.optimizers.legacy.SGD(0.1), trainable_weights_only=False
  )
  optimizer.shadow_copy(model)
  expected = {}
  for index, variable in enumerate(model.variables):
    optimizer.get_slot(variable, "average").assign(tf.fill(variable.shape, float(index)))
    expected[variable.name.removesuffix(":0")] = float(index)
  path = tf.train.Checkpoint(model=model, optimizer=optimizer).save(str(tmp_path / "ckpt"))
  found = inheritance.read(path)
  assert {name: value.flat[0] for name, value in found.items() if name in expected} == expected


def candidate(**changes):
  made = serialization.to_json(architecture())
  return {
    "number": 12,
    "parent": 3,
    "child": {"operators": []},
    "lineage_steps": 40,
    "parent_architecture": made,
    "architecture": made,
    **changes,
  }


@pytest.fixture
def folders(tmp_path):
  """The folders of candidates 3, which has weights, and 12."""
  for name in ("000003/training", "000012"):
    (tmp_path / name).mkdir(parents=True)
  checkpoint = tf.train.Checkpoint(model=built(architecture(), 1))
  tf.train.CheckpointManager(checkpoint, str(tmp_path / "000003/training"), max_to_keep=1).save()
  return tmp_path / "000003/training", str(tmp_path / "000012")


def test_a_child_begins_with_the_weights_beside_it_and_says_so(folders):
  first = inheritance.FirstWeights(candidate(), folders[1])
  first(built(architecture(), 5))
  assert first.facts(10) == {"lineage_steps": 50, "inherited": pytest.approx(0.998, abs=0.002)}


def test_a_candidate_without_a_parent_begins_at_random(folders):
  first = inheritance.FirstWeights(
    candidate(parent=None, parent_architecture=None, lineage_steps=0), folders[1]
  )
  model, same = built(architecture(), 5), built(architecture(), 5)
  first(model)
  np.testing.assert_array_equal(answers(model), answers(same))
  assert first.facts(10) == {"lineage_steps": 10, "inherited": 0.0}


def test_where_the_weights_were_deleted_a_child_begins_at_random_and_says_so(folders):
  for name in os.listdir(folders[0]):
    os.remove(folders[0] / name)
  first = inheritance.FirstWeights(candidate(), folders[1])
  first(built(architecture(), 5))
  assert first.facts(10) == {"lineage_steps": 10, "inherited": 0.0}


def test_damaged_weights_are_told_with_the_remedy(folders):
  index = next(path for path in folders[0].iterdir() if path.name.endswith(".index"))
  index.write_bytes(b"damaged")
  with pytest.raises(cli.UserError) as told:
    inheritance.FirstWeights(candidate(), folders[1])(built(architecture(), 5))
  assert "candidate 000012 begins with these weights of its parent: restore them" in str(told.value)
  assert str(folders[0]) in str(told.value) and "\n" not in str(told.value)
  assert not os.path.exists(os.path.join(folders[1], inheritance.FILE))


def test_how_it_began_is_a_file_of_one_line(folders):
  first = inheritance.FirstWeights(candidate(), folders[1])
  first(built(architecture(), 5))
  with open(os.path.join(folders[1], "inheritance.json"), encoding="utf-8") as file:
    assert set(json.load(file)) == {"lineage_steps", "inherited"}

"""What a child begins with whose parent's blocks of two kinds were merged: arrays, no network."""

import dataclasses

import numpy as np

from official.architecture import lineage
from official.architecture import operators
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.operators import Operator
from official.training import inherited_values
from tests.training import variable_shapes as shapes

ACROSS = Operator(
  name="merge", blocks=("a", "b"), results=("a",), temporal_dilation=1, kind="basic_2plus1d"
)


def block(name, **facts):
  return Block(**{"id": name, "level": 1, "kind": "basic_2plus1d", "channels": 4, **facts})


def begun(*last):
  """Returns the heritage of a child of a parent with blocks a, b and c, and its fresh values."""
  stem = block("rgb_0", level=0, kind="stem_2d", spatial_stride=2, streams=("rgb",))
  other = {"kind": "bottleneck_2plus1d", "intermediate_channels": 4}
  middle = [block("a"), block("b", **other), block("c")]
  parent = Architecture(
    (stem, *middle, *last),
    (
      *(Connection("rgb_0", each.id) for each in middle),
      *(Connection(each.id, target.id) for each in middle for target in last),
    ),
  )
  child = operators.apply(ACROSS, parent)
  rng = np.random.default_rng(0)
  before, fresh = shapes.variables(parent, rng), shapes.variables(child, rng)
  made = lineage.parts(parent, [ACROSS])
  return inherited_values.Heritage(parent, child, made, before), fresh


def test_the_merged_block_begins_at_random():
  heritage, fresh = begun(block("z", level=2, channels=8))
  names = [name.removeprefix("block_a/") for name in fresh if name.startswith("block_a/")]
  assert names
  for name in names:
    value = fresh[f"block_a/{name}"]
    assert heritage.of_block("a", name, value, reads_input=False) is None
  assert heritage.of_unknown("a", "gate", np.zeros(3)) is None


def test_who_reads_it_keeps_what_does_not_depend_on_its_inputs():
  heritage, fresh = begun(block("z", level=2, channels=8))
  scale = next(each for each in fresh if each.startswith("block_z/") and each.endswith("gamma"))
  value = heritage.of_block("z", scale.removeprefix("block_z/"), fresh[scale], reads_input=False)
  assert value is not None and value.known.all()


def test_the_head_keeps_the_rows_of_the_other_blocks():
  heritage, fresh = begun()
  first = fresh["head/dense/kernel"]
  kernel = heritage.of_head(first)
  np.testing.assert_array_equal(kernel.value[4:], first[4:])
  assert kernel.known[:4].all() and not kernel.known[4:].any()
  assert not np.array_equal(kernel.value[:4], first[:4])


def test_an_operator_of_one_kind_inherits_as_before():
  parts = {"a": (lineage.Part("a", 0, 4), lineage.Part("c", 0, 4))}
  stem = block("rgb_0", level=0, kind="stem_2d", spatial_stride=2, streams=("rgb",))
  parent = Architecture(
    (stem, block("a"), block("c")), (Connection("rgb_0", "a"), Connection("rgb_0", "c"))
  )
  alike = dataclasses.replace(ACROSS, blocks=("a", "c"), kind=None)
  assert lineage.parts(parent, [alike])["a"] == parts["a"]

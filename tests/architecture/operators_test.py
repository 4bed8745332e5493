"""Operators on blocks: split, merge, new temporal dilation."""

import collections
import dataclasses

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from official.architecture import operators
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.architecture.operators import Operator
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space
from official.architecture.space import names

SPLIT = Operator(
  name="split", blocks=("level1_0",), results=("level1_0", "level1_2"), temporal_dilation=2
)
MERGE = Operator(
  name="merge", blocks=("level1_0", "level1_1"), results=("level1_0",), temporal_dilation=1
)
DILATION = Operator(
  name="temporal_dilation", blocks=("rgb_0",), results=("rgb_0",), temporal_dilation=4
)


def test_split_halves_the_channels(tiny):
  after = operators.apply(SPLIT, tiny)
  assert [(b.id, b.channels, b.temporal_dilation) for b in after.level(1)] == [
    ("level1_0", 4, 2),
    ("level1_1", 4, 1),
    ("level1_2", 4, 2),
  ]


def test_split_copies_inputs_and_outputs(tiny):
  after = operators.apply(SPLIT, tiny)
  for block_id in ("level1_0", "level1_2"):
    assert after.inputs(block_id) == tiny.inputs("level1_0")
    assert after.outputs(block_id) == tiny.outputs("level1_0")


def test_merge_sums_the_channels_and_takes_the_given_dilation(tiny):
  after = operators.apply(MERGE, tiny)
  assert [(b.id, b.channels, b.temporal_dilation) for b in after.level(1)] == [("level1_0", 12, 1)]


def test_merge_unites_inputs_and_outputs(tiny):
  gone = {
    Connection("rgb_0", "level1_0"),
    Connection("flow_0", "level1_1"),
    Connection("level1_1", "level2_0"),
  }
  parent = dataclasses.replace(
    tiny,
    blocks=tiny.blocks + (dataclasses.replace(tiny.block("level2_0"), id="level2_1"),),
    connections=tuple(c for c in tiny.connections if c not in gone)
    + (Connection("level1_1", "level2_1"),),
  )
  after = operators.apply(MERGE, parent)
  assert after.inputs("level1_0") == ("flow_0", "rgb_0")
  assert after.outputs("level1_0") == ("level2_0", "level2_1")


def test_a_new_dilation_changes_nothing_else(tiny):
  after = operators.apply(DILATION, tiny)
  assert after.connections == tiny.connections
  assert after.block("rgb_0") == dataclasses.replace(tiny.block("rgb_0"), temporal_dilation=4)
  assert [b for b in after.blocks if b.id != "rgb_0"] == [b for b in tiny.blocks if b.id != "rgb_0"]


@pytest.mark.parametrize("operator", [SPLIT, MERGE, DILATION])
def test_json_round_trips(operator):
  assert Operator.from_json(operator.to_json()) == operator


def test_json_is_exactly_this():
  assert SPLIT.to_json() == {
    "operator": "split",
    "blocks": ["level1_0"],
    "results": ["level1_0", "level1_2"],
    "temporal_dilation": 2,
  }


@pytest.fixture
def two_kinds(tiny):
  other = dataclasses.replace(
    tiny.block("level1_1"), kind="bottleneck_2plus1d", intermediate_channels=6
  )
  return dataclasses.replace(
    tiny, blocks=tuple(other if block.id == other.id else block for block in tiny.blocks)
  )


def test_blocks_of_different_kinds_merge_only_if_the_space_says_so(two_kinds, tiny_space):
  assert operators.draw(two_kinds, tiny_space, np.random.default_rng(0), ["merge"]) is None
  space = dataclasses.replace(tiny_space, merges_across_kinds=True)
  found = {
    operator.kind: operators.apply(operator, two_kinds).block("level1_0")
    for operator in drawn(two_kinds, space, names=("merge",))
  }
  assert {kind: (block.kind, block.channels) for kind, block in found.items()} == {
    "basic_2plus1d": ("basic_2plus1d", 12),
    "bottleneck_2plus1d": ("bottleneck_2plus1d", 12),
  }
  assert [block.intermediate_channels for _, block in sorted(found.items())] == [None, 6]


def test_a_merge_across_kinds_is_recorded_with_its_kind():
  merge = dataclasses.replace(MERGE, kind="basic_2plus1d")
  assert merge.to_json()["kind"] == "basic_2plus1d" and "kind" not in MERGE.to_json()
  assert Operator.from_json(merge.to_json()) == merge


@pytest.mark.parametrize("changes", [{"modules": 2}, {"spatial_stride": 2}])
def test_blocks_of_other_shapes_do_not_merge_across_kinds(two_kinds, tiny_space, changes):
  space = dataclasses.replace(tiny_space, merges_across_kinds=True)
  other = dataclasses.replace(two_kinds.block("level1_1"), **changes)
  different = dataclasses.replace(
    two_kinds, blocks=tuple(other if b.id == other.id else b for b in two_kinds.blocks)
  )
  assert operators.draw(different, space, np.random.default_rng(0), ["merge"]) is None


def test_an_unknown_operator_is_refused(tiny):
  with pytest.raises(ArchitectureError, match="unknown operator 'grow'; there are merge, split, "):
    operators.apply(dataclasses.replace(SPLIT, name="grow"), tiny)


def test_a_new_block_gets_the_smallest_free_number():
  assert operators.free_id("level1", ["level1_0", "level1_2", "level2_1"]) == "level1_1"


def drawn(architecture, space, times=100, **options):
  """Returns the operators of many draws."""
  rng = np.random.default_rng(0)
  return [operators.draw(architecture, space, rng, **options) for _ in range(times)]


def test_stems_are_never_split_or_merged(tiny, tiny_space):
  for operator in drawn(tiny, tiny_space, names=("split", "merge")):
    assert all(block_id.startswith("level") for block_id in operator.blocks)


def test_a_stem_without_convolution_over_time_gets_no_dilation(tiny, tiny_space):
  changed = {o.blocks[0] for o in drawn(tiny, tiny_space, names=("temporal_dilation",))}
  assert changed == {"rgb_0", "level1_0", "level1_1", "level2_0"}


def test_a_new_dilation_is_new_and_of_the_set(tiny, tiny_space):
  found = {
    o.temporal_dilation
    for o in drawn(tiny, tiny_space, names=("temporal_dilation",))
    if o.blocks == ("level1_0",)
  }
  assert found == {1, 4}


def test_merge_takes_the_dilation_of_either(tiny, tiny_space):
  assert {o.temporal_dilation for o in drawn(tiny, tiny_space, names=("merge",))} == {1, 2}


def test_a_split_stops_at_the_least_channels(tiny, tiny_space):
  level = dataclasses.replace(tiny_space.levels[0], min_channels=4)
  space = dataclasses.replace(tiny_space, levels=(level, tiny_space.levels[1]))
  assert {o.blocks for o in drawn(tiny, space, names=("split",))} == {("level1_0",), ("level2_0",)}


def test_a_split_stops_at_the_most_blocks(tiny, tiny_space):
  level = dataclasses.replace(tiny_space.levels[0], max_blocks=2)
  space = dataclasses.replace(tiny_space, levels=(level, tiny_space.levels[1]))
  assert {o.blocks for o in drawn(tiny, space, names=("split",))} == {("level2_0",)}


def test_results_keep_to_the_allowed_channels(tiny, tiny_space):
  level = dataclasses.replace(tiny_space.levels[0], allowed_channels=(4, 8))
  space = dataclasses.replace(tiny_space, levels=(level, tiny_space.levels[1]))
  assert {o.blocks for o in drawn(tiny, space, names=("split",))} == {("level1_0",), ("level2_0",)}
  assert set(drawn(tiny, space, names=("merge",))) == {None}


def test_blocks_of_different_strides_do_not_merge(tiny, tiny_space):
  faster = dataclasses.replace(tiny.block("level1_0"), spatial_stride=2)
  other = dataclasses.replace(
    tiny, blocks=(faster, *(b for b in tiny.blocks if b.id != "level1_0"))
  )
  assert set(drawn(other, tiny_space, names=("merge",))) == {None}


def test_where_one_operator_fits_no_block_another_is_drawn(tiny, tiny_space):
  level = dataclasses.replace(tiny_space.levels[0], allowed_channels=(4, 8), max_blocks=2)
  last = dataclasses.replace(tiny_space.levels[1], max_blocks=1)
  space = dataclasses.replace(tiny_space, levels=(level, last))
  assert {o.name for o in drawn(tiny, space)} == {"temporal_dilation"}


def test_operators_that_fit_are_equally_likely(tiny, tiny_space):
  counts = collections.Counter(o.name for o in drawn(tiny, tiny_space, times=3000))
  assert min(counts.values()) > 900 and len(counts) == 3


@hypothesis.settings(max_examples=500)
@hypothesis.given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from([*names(), "mixed"]))
def test_operators_keep_what_they_promise(mixed_space, seed, name):
  space = mixed_space if name == "mixed" else load_space(name)
  rng = np.random.default_rng(seed)
  before = random_architecture(space, rng)
  for _ in range(4):
    operator = operators.draw(before, space, rng)
    after = operators.apply(operator, before)
    assert after.depth >= before.depth
    for level in range(before.last_level + 1):
      assert sum(b.channels for b in after.level(level)) == sum(
        b.channels for b in before.level(level)
      )
    taken = [before.block(block_id) for block_id in operator.blocks]
    made = [after.block(block_id) for block_id in operator.results]
    for block in made:
      assert after.inputs(block.id) == tuple(
        s.id for s in before.blocks if any(s.id in before.inputs(t.id) for t in taken)
      )
      assert after.outputs(block.id) == tuple(
        o.id for o in before.blocks if any(o.id in before.outputs(t.id) for t in taken)
      )
      assert block.temporal_dilation in space.temporal_dilations
    if operator.name == "split":
      assert [b.channels for b in made] == [taken[0].channels // 2] * 2
      assert {b.temporal_dilation for b in made} == {taken[0].temporal_dilation}
    if operator.name == "merge":
      assert made[0].temporal_dilation in {b.temporal_dilation for b in taken}
    untouched = [b for b in before.blocks if b not in taken]
    assert untouched == [b for b in after.blocks if b not in made]
    before = after

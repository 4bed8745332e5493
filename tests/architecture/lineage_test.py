"""Which parts of the parent's blocks a child's blocks are made of, and what their inputs were."""

import collections
import dataclasses

import hypothesis
from hypothesis import strategies as st
import numpy as np

from official.architecture import lineage
from official.architecture import operators
from official.architecture.architecture import Architecture
from official.architecture.architecture import Connection
from official.architecture.lineage import Group
from official.architecture.lineage import Part
from official.architecture.lineage import Rows
from official.architecture.mutation import mutate
from official.architecture.operators import Operator
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space

SPLIT = Operator(
  name="split", blocks=("level1_0",), results=("level1_0", "level1_2"), temporal_dilation=2
)
MERGE = Operator(
  name="merge", blocks=("level1_0", "level1_1"), results=("level1_0",), temporal_dilation=1
)


def of(tiny, *applied):
  """Returns the child that operators make of `tiny`, and its parts."""
  child = tiny
  for operator in applied:
    child = operators.apply(operator, child)
  return child, lineage.parts(tiny, applied)


def test_a_split_gives_each_block_a_half(tiny):
  _, made = of(tiny, SPLIT)
  assert made["level1_0"] == (Part("level1_0", 0, 4),)
  assert made["level1_2"] == (Part("level1_0", 4, 8),)
  assert made["level1_1"] == (Part("level1_1", 0, 4),)


def test_a_merge_joins_in_the_order_of_the_operator(tiny):
  _, made = of(tiny, MERGE)
  assert made["level1_0"] == (Part("level1_0", 0, 8), Part("level1_1", 0, 4))
  assert "level1_1" not in made


def test_halves_that_are_merged_again_are_whole(tiny):
  back = Operator(
    name="merge", blocks=("level1_0", "level1_2"), results=("level1_0",), temporal_dilation=2
  )
  _, made = of(tiny, SPLIT, back)
  assert made["level1_0"] == (Part("level1_0", 0, 8),)


def test_a_split_of_a_merge_cuts_between_its_parts(tiny):
  cut = Operator(
    name="split", blocks=("level1_0",), results=("level1_0", "level1_1"), temporal_dilation=1
  )
  _, made = of(tiny, MERGE, cut)
  assert made["level1_0"] == (Part("level1_0", 0, 6),)
  assert made["level1_1"] == (Part("level1_0", 6, 8), Part("level1_1", 0, 4))


def test_a_merge_across_kinds_and_what_comes_of_it_are_made_of_nothing(tiny):
  across = dataclasses.replace(MERGE, kind="basic_2plus1d")
  cut = Operator(
    name="split", blocks=("level1_0",), results=("level1_0", "level1_1"), temporal_dilation=1
  )
  child, made = of(tiny, across, cut)
  assert made["level1_0"] == made["level1_1"] == ()
  assert made["level2_0"] == (Part("level2_0", 0, 16),)
  groups = {
    group.channels: group.maps
    for group in lineage.groups(tiny, child, made, "level2_0", "level2_0")
  }
  assert groups[6] == () and groups[8] == ((Rows(8, 0, 8),),)


def test_inputs_that_stayed_have_their_own_maps(tiny):
  assert lineage.groups(tiny, tiny, lineage.parts(tiny, ()), "level2_0", "level2_0") == (
    Group(4, 2, ((Rows(4, 0, 4),),)),
    Group(8, 2, ((Rows(8, 0, 8),),)),
  )


def test_the_halves_of_an_input_have_two_maps_of_which_one_that_stayed_wins(tiny):
  child, made = of(tiny, SPLIT)
  # flow_0 and level1_1 have 4 channels, as each half of level1_0 has now.
  assert lineage.groups(tiny, child, made, "level2_0", "level2_0")[0] == Group(
    4, 4, ((Rows(4, 0, 4),),)
  )


def test_a_merged_input_has_the_maps_of_both_and_zeros_for_one_that_was_none(tiny):
  blocks = (*tiny.blocks, dataclasses.replace(tiny.block("level2_0"), id="level2_1"))
  kept = (c for c in tiny.connections if str(c) != "level1_1->level2_0")
  parent = Architecture(blocks, (*kept, Connection("level1_1", "level2_1")))
  made = lineage.parts(parent, [MERGE])
  child = operators.apply(MERGE, parent)
  assert lineage.groups(parent, child, made, "level2_0", "level2_0")[-1] == Group(
    12, 1, ((Rows(8, 0, 8), Rows(None, 0, 4)),)
  )


def test_an_input_that_the_parent_had_not_is_unknown(tiny):
  parent = Architecture(
    tiny.blocks, tuple(c for c in tiny.connections if str(c) != "flow_0->level1_0")
  )
  made = lineage.parts(parent, ())
  assert lineage.groups(parent, tiny, made, "level1_0", "level1_0")[0] == Group(4, 1, ())


@hypothesis.settings(max_examples=200)
@hypothesis.given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["paper", "small", "mixed"]))
def test_a_child_has_every_channel_of_its_parent_once(mixed_space, seed, name):
  space = mixed_space if name == "mixed" else load_space(name)
  rng = np.random.default_rng(seed)
  parent = random_architecture(space, rng)
  weights = dict(zip(parent.connections, rng.random(len(parent.connections)).tolist()))
  child = mutate(parent, weights, space, rng, max_operators=6)
  made = lineage.parts(parent, child.operators)
  assert set(made) == {block.id for block in child.architecture.blocks}
  used = collections.Counter()
  for block, found in made.items():
    assert sum(part.channels for part in found) == child.architecture.block(block).channels
    for part in found:
      assert parent.block(part.block).level == child.architecture.block(block).level
      used.update((part.block, channel) for channel in range(part.start, part.stop))
  assert used == {
    (block.id, channel): 1 for block in parent.blocks for channel in range(block.channels)
  }

"""Membership in a space: it contains what it draws, and nothing that breaks a rule."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from official.architecture import cost
from official.architecture import membership
from official.architecture.architecture import Architecture
from official.architecture.mutation import mutate
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space

CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)
SMALL = load_space("small")


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
  seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["paper", "patent", "small", "mixed"])
)
def test_a_space_holds_what_it_draws_and_their_children(mixed_space, seed, name):
  space = mixed_space if name == "mixed" else load_space(name)
  rng = np.random.default_rng(seed)
  drawn = random_architecture(space, rng)
  for _ in range(3):
    assert membership.objection(space, drawn, CLIP) is None
    drawn = mutate(drawn, {c: rng.random() for c in drawn.connections}, space, rng).architecture


def of_level(index, **changes):
  levels = list(SMALL.levels)
  levels[index] = dataclasses.replace(levels[index], **changes)
  return dataclasses.replace(SMALL, levels=tuple(levels))


@pytest.mark.parametrize(
  "space, text",
  [
    (dataclasses.replace(SMALL, levels=SMALL.levels[:3], min_depth=3), "has 4 levels; the space h"),
    (dataclasses.replace(SMALL, levels=SMALL.levels * 2), "has 4 levels; the space has 8"),
    (of_level(0, kinds=("spacetime_3d",)), "kind basic_2plus1d; level 1 of the space has spacetim"),
    (of_level(1, min_channels=64, channels=(64,)), "channels; level 2 of the space has at least 6"),
    (
      of_level(1, channels=(64,)),
      "has 64 channels on level 2, all blocks together; 2 blocks of 64 make 128",
    ),
    (of_level(2, modules=3), "2 modules; level 3 of the space has 3"),
    (of_level(2, spatial_strides=(1,)), "spatial stride 2; level 3 of the space has 1"),
    (of_level(0, allowed_channels=(64,)), "level 1 of the space has at least 8 of 64"),
    (dataclasses.replace(SMALL, temporal_dilations=(16,)), "; the space has 16"),
    (
      dataclasses.replace(SMALL, stems=((dataclasses.replace(SMALL.stems[0][0], channels=24),),)),
      "the space has no such set",
    ),
    (dataclasses.replace(SMALL, max_params=1), "parameters, max_params is 1"),
  ],
)
def test_the_broken_rule_is_named(space, text):
  found = membership.objection(space, random_architecture(SMALL, np.random.default_rng(0)), CLIP)
  assert text in found


def test_too_many_blocks_are_named():
  architecture = random_architecture(
    dataclasses.replace(SMALL, initial_splits=(6, 6)), np.random.default_rng(0)
  )
  space = dataclasses.replace(
    SMALL,
    levels=tuple(dataclasses.replace(level, max_blocks=level.blocks) for level in SMALL.levels),
  )
  assert "; max_blocks is " in membership.objection(space, architecture, CLIP)


def test_a_dilation_that_has_no_effect_breaks_no_rule():
  architecture = random_architecture(SMALL, np.random.default_rng(0))
  blocks = tuple(
    dataclasses.replace(block, temporal_dilation=9) if block.kind == "stem_2d" else block
    for block in architecture.blocks
  )
  assert membership.objection(SMALL, Architecture(blocks, architecture.connections), CLIP) is None


def test_a_space_holds_its_merges_across_kinds(mixed_space):
  space = dataclasses.replace(mixed_space, merges_across_kinds=True)
  kinds = []
  for seed in range(30):
    rng = np.random.default_rng(seed)
    parent = random_architecture(space, rng)
    for _ in range(3):
      weights = dict(zip(parent.connections, rng.random(len(parent.connections)).tolist()))
      child = mutate(parent, weights, space, rng)
      parent = child.architecture
      assert membership.objection(space, parent, CLIP) is None
      kinds += [operator.kind for operator in child.operators if operator.name == "merge"]
  assert {None, *space.level(1).kinds} == set(kinds)

"""Random architectures."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from official.architecture import feasibility
from official.architecture import kinds
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import possible_connections
from official.architecture.random_generation import found
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space

ANY_SEED = st.integers(0, 2**32 - 1)
ANY_SPACE = st.sampled_from(["paper", "patent", "small", "mixed"])


def space_of(name, mixed_space):
  return mixed_space if name == "mixed" else load_space(name)


@hypothesis.settings(max_examples=600)
@hypothesis.given(seed=ANY_SEED, name=ANY_SPACE)
def test_a_random_architecture_keeps_the_rules(mixed_space, seed, name):
  space = space_of(name, mixed_space)
  architecture = random_architecture(space, np.random.default_rng(seed))
  assert architecture.depth >= space.min_depth
  for connection in architecture.connections:
    assert architecture.block(connection.source).level < architecture.block(connection.target).level
  for block in architecture.blocks:
    assert bool(architecture.inputs(block.id)) == (block.level > 0)
    assert bool(architecture.outputs(block.id)) == (block.level < architecture.last_level)
    assert block.temporal_dilation in space.temporal_dilations
    if block.level:
      spec = space.level(block.level)
      assert spec.allows(block.channels)
      assert block.kind in spec.kinds and block.spatial_stride in spec.spatial_strides
    if space.max_stride:
      assert architecture.stride(block.id) <= space.max_stride
  assert serialization.from_json(serialization.to_json(architecture)) == architecture


@hypothesis.settings(max_examples=100)
@hypothesis.given(seed=ANY_SEED)
def test_paper_keeps_the_sum_of_channels_of_each_level(seed):
  founder = found(load_space("paper"), np.random.default_rng(seed))
  assert [sum(b.channels for b in founder.architecture.level(level)) for level in range(5)] == [
    128,
    128,
    256,
    512,
    512,
  ]


@hypothesis.settings(max_examples=100)
@hypothesis.given(seed=ANY_SEED)
def test_paper_starts_with_one_to_five_splits(seed):
  founder = found(load_space("paper"), np.random.default_rng(seed))
  assert {operator.name for operator in founder.operators} == {"split"}
  assert 1 <= len(founder.operators) <= 5
  blocks = [len(founder.architecture.level(level)) for level in range(1, 5)]
  assert sum(blocks) == 7 + len(founder.operators)


def test_patent_starts_with_splits_and_merges():
  space = load_space("patent")
  names = {
    operator.name
    for seed in range(20)
    for operator in found(space, np.random.default_rng(seed)).operators
  }
  assert names == {"split", "merge"}


def test_patent_draws_every_stride_on_every_level():
  space = load_space("patent")
  drawn = {
    (block.level, block.spatial_stride)
    for seed in range(100)
    for block in random_architecture(space, np.random.default_rng(seed)).blocks
  }
  assert drawn == {(0, 4)} | {(level, stride) for level in range(1, 5) for stride in (1, 2, 4, 8)}


def test_both_sets_of_stems_and_every_dilation_appear():
  space = load_space("small")
  drawn = [random_architecture(space, np.random.default_rng(seed)) for seed in range(30)]
  assert {tuple(stem.id for stem in a.stems) for a in drawn} == {
    ("flow_0", "rgb_0"),
    ("flow_0", "flow_1", "rgb_0", "rgb_1"),
  }
  dilations = {b.temporal_dilation for a in drawn for b in a.blocks if kinds.has_temporal(b)}
  assert dilations == {1, 2, 4}


def test_a_stem_without_convolution_over_time_has_the_least_dilation():
  for seed in range(20):
    architecture = random_architecture(load_space("paper"), np.random.default_rng(seed))
    assert {b.temporal_dilation for b in architecture.stems if b.kind == "stem_2d"} == {1}


def test_joint_stems_are_named_after_their_streams(mixed_space):
  drawn = [random_architecture(mixed_space, np.random.default_rng(seed)) for seed in range(20)]
  assert {stem.id for a in drawn for stem in a.stems} == {"rgb_flow_0", "flow_0"}


@pytest.mark.parametrize("probability", [0.5, 0.8])
def test_connections_appear_with_the_probability_of_the_space(probability):
  space = dataclasses.replace(load_space("paper"), connection_probability=probability, min_depth=1)
  there = possible = 0
  # Between the stems and level 2 hardly any are added for want of an input or output.
  for seed in range(200):
    architecture = random_architecture(space, np.random.default_rng(seed))
    ends = {b.id for b in architecture.blocks if b.level in (0, 2)}
    between = [c for c in architecture.possible_connections() if {c.source, c.target} <= ends]
    possible += len(between)
    there += len(set(between) & set(architecture.connections))
  assert there / possible == pytest.approx(probability, abs=0.04)


# In a small space a third of the possible connections is needed, and too few are left to exchange.
@pytest.mark.parametrize(
  ("name", "tolerance"),
  [
    ("paper", 0.012),
    ("patent", 0.012),
    ("small", 0.012),
    ("restoration", 0.035),
    ("segmentation", 0.035),
  ],
)
def test_what_blocks_need_makes_architectures_hardly_denser(name, tolerance):
  space = dataclasses.replace(load_space(name), min_depth=1)
  drawn = [random_architecture(space, np.random.default_rng(seed)) for seed in range(300)]
  density = np.mean([len(a.connections) / len(a.possible_connections()) for a in drawn])
  assert density == pytest.approx(0.5, abs=tolerance)


def test_sparse_spaces_still_connect_every_block():
  space = dataclasses.replace(load_space("small"), connection_probability=0.0, min_depth=1)
  architecture = random_architecture(space, np.random.default_rng(0))
  assert all(len(architecture.inputs(b.id)) > 0 for b in architecture.blocks if b.level)


def test_full_probability_connects_everything():
  space = dataclasses.replace(load_space("small"), connection_probability=1.0)
  architecture = random_architecture(space, np.random.default_rng(0))
  assert architecture == Architecture(
    architecture.blocks, possible_connections(architecture.blocks)
  )


def test_a_founder_tells_its_story():
  founder = found(load_space("paper"), np.random.default_rng(3))
  data = founder.to_json()
  assert sorted(data) == ["architecture", "attempts", "operators"]
  assert serialization.from_json(data["architecture"]) == founder.architecture
  assert len(data["operators"]) == len(founder.operators)


@pytest.mark.parametrize("levels, probability", [(8, 0.3), (8, 0.05), (12, 0.2)])
def test_a_depth_that_is_hardly_ever_met_by_chance_is_constructed(levels, probability):
  small = load_space("small")
  space = dataclasses.replace(
    small, levels=(small.levels[0],) * levels, min_depth=levels, connection_probability=probability
  )
  founders = [found(space, np.random.default_rng(seed)) for seed in range(20)]
  assert all(founder.architecture.depth == levels for founder in founders)
  assert max(founder.attempts for founder in founders) == feasibility.PATIENCE + 1


def test_what_is_known_is_drawn_again():
  space = load_space("small")
  first = random_architecture(space, np.random.default_rng(5))
  founder = found(space, np.random.default_rng(5), is_new=lambda drawn: drawn != first)
  assert founder.architecture != first
  assert founder.attempts == 1 + found(space, np.random.default_rng(5)).attempts


def test_a_space_whose_architectures_are_all_known_is_told(monkeypatch):
  monkeypatch.setattr(feasibility, "MAX_ATTEMPTS", 20)
  with pytest.raises(feasibility.NothingFeasible, match="20 as known already; the last had an"):
    found(
      dataclasses.replace(load_space("small"), min_depth=1),
      np.random.default_rng(0),
      is_new=lambda drawn: False,
    )

"""Guided mutation: what holds for every child of every parent."""

import dataclasses
import itertools
import json

import hypothesis
from hypothesis import strategies as st
import numpy as np

from official.architecture import guidance
from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.mutation import mutate
from official.architecture.operators import Operator
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space

LINEAGES = {
  "seed": st.integers(0, 2**32 - 1),
  "name": st.sampled_from(["paper", "patent", "small", "mixed"]),
  "guidance_name": st.sampled_from(guidance.names()),
  "threshold": st.sampled_from([0.0, 0.5, 0.9, 1.0, "uniform"]),
}


def lineage(space, seed, guidance_name, threshold, generations=4):
  """Yields parent, weights and child, generation by generation."""
  rng = np.random.default_rng(seed)
  parent = random_architecture(space, rng)
  for _ in range(generations):
    weights = dict(zip(parent.connections, rng.random(len(parent.connections)).tolist()))
    sensitivities = {connection: 1 - weight for connection, weight in weights.items()}
    child = mutate(
      parent,
      weights,
      space,
      rng,
      guidance=guidance_name,
      weight_threshold=threshold,
      sensitivities=sensitivities,
    )
    yield parent, weights, child
    parent = child.architecture


def space_of(name, mixed_space):
  return mixed_space if name == "mixed" else load_space(name)


@hypothesis.settings(max_examples=500)
@hypothesis.given(**LINEAGES)
def test_a_child_keeps_the_rules(mixed_space, seed, name, guidance_name, threshold):
  space = space_of(name, mixed_space)
  for parent, _, child in lineage(space, seed, guidance_name, threshold):
    architecture = child.architecture
    assert architecture.depth >= space.min_depth
    assert [stem.id for stem in architecture.stems] == [stem.id for stem in parent.stems]
    for connection in architecture.connections:
      source, target = architecture.block(connection.source), architecture.block(connection.target)
      assert source.level < target.level
    for block in architecture.blocks:
      assert bool(architecture.inputs(block.id)) == (block.level > 0)
      assert bool(architecture.outputs(block.id)) == (block.level < architecture.last_level)
      assert block.temporal_dilation in space.temporal_dilations
      assert block.level == 0 or space.level(block.level).allows(block.channels)
    for level in range(1, architecture.last_level + 1):
      assert sum(b.channels for b in architecture.level(level)) == sum(
        b.channels for b in parent.level(level)
      )
    text = json.dumps(serialization.to_json(architecture))
    assert serialization.from_json(json.loads(text)) == architecture
    assert len(child.operators) <= space.max_operators


@hypothesis.settings(max_examples=300)
@hypothesis.given(**LINEAGES)
def test_the_record_tells_every_connection(mixed_space, seed, name, guidance_name, threshold):
  space = space_of(name, mixed_space)
  for parent, _, child in lineage(space, seed, guidance_name, threshold):
    assert sorted(child.kept + child.pruned) == list(parent.connections)
    assert set(child.added) <= set(parent.possible_connections()) - set(parent.connections)
    returned = [repair.connection for repair in child.repairs]
    assert set(returned) <= set(child.pruned)
    assert len(set(returned)) == len(returned)
    again = Architecture(parent.blocks, (*child.kept, *child.added, *returned))
    for operator in child.operators:
      again = operators.apply(Operator.from_json(operator.to_json()), again)
    assert again == child.architecture
    only = {c for c in parent.connections if len(parent.inputs(c.target)) == 1}
    assert only <= set(child.kept)


@hypothesis.settings(max_examples=150)
@hypothesis.given(seed=LINEAGES["seed"], name=LINEAGES["name"], threshold=LINEAGES["threshold"])
def test_connections_follow_from_weights_and_thresholds(mixed_space, seed, name, threshold):
  space = space_of(name, mixed_space)
  for parent, weights, child in lineage(space, seed, "connection_weights", threshold):
    assert child.scores == weights
    assert set(child.thresholds.values()) == {threshold} or threshold == "uniform"
    assert child.kept == tuple(
      c
      for c in parent.connections
      if weights[c] > child.thresholds[c] or len(parent.inputs(c.target)) == 1
    )


@hypothesis.settings(max_examples=150)
@hypothesis.given(**LINEAGES)
def test_repairs_are_needed_and_bring_back_the_strongest(
  mixed_space, seed, name, guidance_name, threshold
):
  space = space_of(name, mixed_space)
  for _, _, child in lineage(space, seed, guidance_name, threshold):
    there = child.kept  # Repairs are settled before anything is added.
    for repair in child.repairs:
      if repair.lacked == "depth":
        continue
      end = "target" if repair.lacked == "input" else "source"
      assert getattr(repair.connection, end) == repair.block
      assert not [c for c in there if getattr(c, end) == repair.block]
      rivals = [c for c in child.pruned if getattr(c, end) == repair.block]
      assert child.scores[repair.connection] == max(child.scores[c] for c in rivals)
      there += (repair.connection,)


@hypothesis.settings(max_examples=150)
@hypothesis.given(**LINEAGES)
def test_no_repair_for_depth_is_idle(mixed_space, seed, name, guidance_name, threshold):
  space = space_of(name, mixed_space)
  for parent, _, child in lineage(space, seed, guidance_name, threshold):
    others = [repair.connection for repair in child.repairs if repair.lacked != "depth"]
    deepening = [repair.connection for repair in child.repairs if repair.lacked == "depth"]
    for some in itertools.combinations(deepening, max(len(deepening) - 1, 0)):
      if deepening:
        shallow = Architecture(parent.blocks, (*child.kept, *child.added, *others, *some))
        assert shallow.depth < space.min_depth


@hypothesis.settings(max_examples=100)
@hypothesis.given(**LINEAGES)
def test_equal_seeds_make_equal_children(mixed_space, seed, name, guidance_name, threshold):
  space = space_of(name, mixed_space)
  first, second = (
    [child.to_json() for _, _, child in lineage(space, seed, guidance_name, threshold)]
    for _ in range(2)
  )
  assert first == second


@hypothesis.settings(max_examples=50)
@hypothesis.given(seed=LINEAGES["seed"])
def test_a_shallow_parent_has_children_as_deep_as_the_space_wants(seed):
  space = load_space("small")
  rng = np.random.default_rng(seed)
  parent = random_architecture(dataclasses.replace(space, min_depth=1, max_operators=0), rng)
  child = mutate(parent, dict.fromkeys(parent.connections, 0.4), space, rng)
  assert child.architecture.depth >= space.min_depth

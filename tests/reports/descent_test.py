"""How a child came from its parent, in words and in pictures."""

import numpy as np
import pytest

from official.architecture import mutation
from official.architecture import random_generation
from official.architecture import serialization
from official.architecture.space import load_space
from official.reports import descent
from official.runs.records import Candidate

TOLD = {
  "kept": [{"source": "rgb_0", "target": "level1_0"}] * 3,
  "pruned": [{"source": "rgb_0", "target": "level2_0"}] * 2,
  "repairs": [{"source": "rgb_0", "target": "level2_0", "block": "level2_0", "lacked": "input"}],
  "added": [{"source": "flow_0", "target": "level1_0"}] * 2,
  "operators": [
    {"operator": "split", "blocks": ["a"], "results": ["a", "b"], "temporal_dilation": 1},
    {"operator": "merge", "blocks": ["c", "d"], "results": ["c"], "temporal_dilation": 1},
    {"operator": "temporal_dilation", "blocks": ["e"], "results": ["e"], "temporal_dilation": 4},
  ],
}


def _child(**fields):
  return Candidate(
    **{"number": 7, "seed": 0, "architecture": {}, "parent": 3, "child": TOLD, **fields}
  )


def test_a_child_in_words():
  assert descent.sentence(_child()) == (
    "kept 3 of 5 connections (1 more came back for want of another), dropped 1, added 2; split a; "
    "merged c and d; temporal dilation of e is now 4"
  )
  assert descent.short(_child()) == "+2 −1 split merge dilation"


def test_candidates_without_parents_in_words():
  drawn = _child(parent=None, child=None, founder={"operators": []})
  taken = _child(parent=None, child=None, founder={"start_from": 12})
  assert descent.sentence(drawn) == "drawn at random"
  assert descent.sentence(taken) == "taken over from candidate 000012 of the earlier run"


@pytest.mark.parametrize("seed", range(4))
def test_new_and_gone_connections_are_those_of_the_mutation(seed):
  rng = np.random.default_rng(seed)
  space = load_space("small")
  parent = random_generation.random_architecture(space, rng)
  weights = {c: rng.random() for c in parent.connections}
  child = mutation.mutate(parent, weights, space, rng)
  candidate = _child(architecture=serialization.to_json(child.architecture), child=child.to_json())
  changes = descent.changes(candidate, serialization.to_json(parent))
  back = {repair.connection for repair in child.repairs}
  assert changes.gone == set(child.pruned) - back
  if not child.operators:
    assert changes.new == set(child.added)
  assert changes.new <= set(child.architecture.connections)
  assert set(changes.child_blocks) <= {block.id for block in child.architecture.blocks}


def test_records_that_do_not_fit_each_other_give_no_marks():
  assert descent.changes(_child(), {"format_version": 1, "blocks": [], "connections": []}) is None
  assert descent.changes(_child(child=None), {}) is None

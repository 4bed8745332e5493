"""Guided mutation: the rule on small examples, and on average."""

import dataclasses
import json
import math

import numpy as np
import pytest

from official.architecture import balance
from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.mutation import Repair
from official.architecture.mutation import mutate
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space


def connections(text):
  """Reads `a->b c->d`."""
  return tuple(sorted(Connection(*edge.split("->")) for edge in text.split()))


def weighted(text):
  """Reads `a->b:0.3 c->d:0.7`."""
  pairs = [edge.split(":") for edge in text.split()]
  return {Connection(*edge.split("->")): float(weight) for edge, weight in pairs}


def graph(levels, edges):
  """An architecture with blocks of one letter each: `graph("ab cd e", "a->c ...")`."""
  blocks = tuple(
    Block(
      id=name,
      level=level,
      channels=8,
      **(
        {"kind": "basic_2plus1d"}
        if level
        else {"kind": "stem_2plus1d", "streams": ("rgb",), "spatial_stride": 2}
      ),
    )
    for level, letters in enumerate(levels.split())
    for name in letters
  )
  return Architecture(blocks, connections(edges))


@pytest.fixture
def space(tiny_space):
  """Three levels, no bounds, no operators."""
  return dataclasses.replace(tiny_space, levels=(tiny_space.levels[0],) * 3, max_operators=0)


def child_of(levels, weights, space, seed=0, **options):
  weights = weighted(weights)
  parent = graph(levels, " ".join(map(str, weights)))
  return mutate(parent, weights, space, np.random.default_rng(seed), **options)


def test_strong_connections_stay_and_weak_ones_go(space):
  child = child_of("ab cd", "a->c:0.9 b->c:0.4 a->d:0.5 b->d:0.51", space)
  assert child.kept == connections("a->c b->d")
  assert child.pruned == connections("b->c a->d")


@pytest.mark.parametrize("drop, pruned", [("weakest", "a->c a->d"), ("strongest", "b->c b->d")])
def test_sensitivities_decide_where_they_guide(space, drop, pruned):
  child = child_of(
    "ab cd",
    "a->c:0.9 b->c:0.1 a->d:0.9 b->d:0.1",
    space,
    guidance="sensitivity",
    prune_fraction=0.5,
    sensitivity_drop=drop,
    sensitivities=weighted("a->c:0.01 b->c:0.04 a->d:0.02 b->d:0.03"),
  )
  assert child.pruned == connections(pruned)


@pytest.mark.parametrize("drop, back", [("weakest", "b->c"), ("strongest", "a->c")])
def test_a_repair_undoes_the_last_choice_of_sensitivity(space, drop, back):
  child = child_of(
    "ab c",
    "a->c:0.5 b->c:0.5",
    space,
    guidance="sensitivity",
    prune_fraction=1.0,
    sensitivity_drop=drop,
    sensitivities=weighted("a->c:0.01 b->c:0.04"),
  )
  assert child.repairs[0].connection == connections(back)[0]


def test_nothing_can_be_added_to_a_full_graph(space):
  child = child_of("ab cd", "a->c:0.9 b->c:0.4 a->d:0.5 b->d:0.51", space)
  assert child.added == ()
  assert child.architecture == graph("ab cd", "a->c b->d")


def test_an_only_input_stays_however_weak(space):
  child = child_of("ab cd", "a->c:0.1 b->d:0.9 a->d:0.1", space)
  assert child.kept == connections("a->c b->d")


def test_as_many_pruned_as_absent_does_not_add_them_all_for_certain(space):
  added = []
  for seed in range(200):
    child = child_of("ab cde", "a->c:0.9 b->d:0.8 a->e:0.2 b->e:0.9 a->d:0.3", space, seed=seed)
    assert child.pruned == connections("a->e a->d")
    added.append(child.added == connections("b->c"))
  assert np.mean(added) == pytest.approx(balance.MOST_LIKELY, abs=0.1)


def test_of_several_absent_connections_at_least_one_stays_absent(space):
  # Of a->d and b->c, three go for each that is absent.
  weights = "a->c:0.9 b->d:0.9 a->e:0.1 b->e:0.1 c->e:0.9 d->e:0.9 a->f:0.1 b->f:0.1 c->f:0.9"
  counts = {len(child_of("ab cd ef", weights, space, seed=seed).added) for seed in range(100)}
  assert counts == {0, 1, 2}  # d->f is absent, too.


def test_nothing_pruned_adds_nothing(space):
  child = child_of("ab cde", "a->c:0.9 b->d:0.8 a->e:0.7 b->e:0.9", space)
  assert child.added == child.pruned == ()


def test_a_block_without_input_gets_its_strongest_pruned_one_back(space):
  child = child_of("abc d", "a->d:0.2 b->d:0.4 c->d:0.3", space)
  assert child.pruned == connections("a->d b->d c->d")
  assert child.repairs[0] == Repair(connection=Connection("b", "d"), block="d", lacked="input")


def test_a_block_without_output_gets_its_strongest_pruned_one_back(space):
  child = child_of("abc d", "a->d:0.2 b->d:0.4 c->d:0.3", space)
  assert child.repairs[1:] == (
    Repair(connection=Connection("a", "d"), block="a", lacked="output"),
    Repair(connection=Connection("c", "d"), block="c", lacked="output"),
  )


def test_repairs_are_settled_before_anything_is_added(space):
  # Both inputs of d go; one comes back, whether or not c->d, which is absent, is added.
  for seed in range(20):
    child = child_of("abc de", "a->d:0.1 b->d:0.2 a->e:0.9 b->e:0.9 c->e:0.9", space, seed=seed)
    assert child.repairs == (Repair(connection=Connection("b", "d"), block="d", lacked="input"),)


def test_what_comes_back_is_not_made_up_for(space):
  # All that goes comes back: nothing is added, however much is absent.
  for seed in range(20):
    child = child_of("ab cd", "a->c:0.1 b->c:0.2 b->d:0.9", space, seed=seed)
    assert child.pruned == connections("a->c b->c")
    assert [repair.lacked for repair in child.repairs] == ["input", "output"]
    assert child.added == ()


def test_equal_scores_are_settled_by_name(space):
  child = child_of("abc d", "a->d:0.3 b->d:0.3 c->d:0.3", space)
  assert child.repairs[0].connection == Connection("a", "d")


def test_depth_comes_back_where_no_draw_could_restore_it(space):
  # Every connection that could join levels 1 and 2 is the pruned b->c.
  deep = dataclasses.replace(space, min_depth=3)
  child = child_of("a b c d", "a->b:0.9 a->c:0.8 b->c:0.1 c->d:0.9 b->d:0.9", deep)
  assert child.repairs == (Repair(connection=Connection("b", "c"), block="c", lacked="depth"),)
  assert child.architecture.depth == 3


def test_depth_repairs_leave_out_what_does_not_deepen(space):
  deep = dataclasses.replace(space, min_depth=3)
  weights = "a->b:0.9 a->c:0.4 b->c:0.1 c->d:0.3 b->d:0.9 a->d:0.2"
  child = child_of("a b c d", weights, deep)
  assert [(str(r.connection), r.lacked) for r in child.repairs] == [
    ("a->c", "input"),
    ("c->d", "output"),
    ("b->c", "depth"),
  ]


def test_without_a_bound_depth_is_not_repaired(space):
  child = child_of("a b c d", "a->b:0.9 a->c:0.8 b->c:0.1 c->d:0.9 b->d:0.9", space)
  assert child.repairs == ()
  assert child.architecture.depth == 2


def test_a_child_that_is_too_shallow_is_drawn_again(space):
  # b->c goes; of a->d and b->x, which come with a probability of 1/2, b->x restores the depth.
  deep = dataclasses.replace(space, min_depth=3)
  weights = "a->b:0.9 a->c:0.8 a->x:0.9 b->c:0.1 c->d:0.9 x->d:0.9 b->d:0.9"
  attempts = []
  for seed in range(20):
    child = child_of("a b cx d", weights, deep, seed=seed)
    assert Connection("b", "x") in child.added
    assert child.repairs == ()
    attempts.append(child.attempts)
  assert max(attempts) > 1


def test_thresholds_are_recorded_with_the_weights(space):
  child = child_of(
    "ab cd", "a->c:0.9 b->c:0.4 a->d:0.5 b->d:0.51", space, weight_threshold="uniform"
  )
  for connection in child.kept + child.pruned:
    assert (connection in child.kept) == (child.scores[connection] > child.thresholds[connection])


def test_the_number_of_operators_is_drawn_up_to_the_most(tiny, tiny_space):
  weights = {connection: 0.9 for connection in tiny.connections}
  counts = {
    len(mutate(tiny, weights, tiny_space, np.random.default_rng(seed), max_operators=3).operators)
    for seed in range(40)
  }
  assert counts == {0, 1, 2, 3}


def test_the_space_says_how_many_operators_unless_told(tiny, tiny_space):
  weights = {connection: 0.9 for connection in tiny.connections}
  space = dataclasses.replace(tiny_space, max_operators=0)
  for seed in range(10):
    assert mutate(tiny, weights, space, np.random.default_rng(seed)).operators == ()


def test_operators_follow_the_repaired_connections(tiny, tiny_space):
  rng = np.random.default_rng(0)
  for _ in range(50):
    weights = {connection: rng.random() for connection in tiny.connections}
    child = mutate(tiny, weights, tiny_space, rng)
    again = Architecture(
      tiny.blocks, child.kept + child.added + tuple(repair.connection for repair in child.repairs)
    )
    for operator in child.operators:
      again = operators.apply(operator, again)
    assert again == child.architecture


@pytest.mark.parametrize("threshold", [0.5, "uniform"])
def test_on_average_as_many_connections_are_added_as_are_lost(threshold):
  space = dataclasses.replace(load_space("paper"), min_depth=1)
  rng = np.random.default_rng(0)
  parent = random_architecture(space, rng)
  weights = {connection: float(rng.uniform(0.3, 0.9)) for connection in parent.connections}
  absent = len(parent.possible_connections()) - len(parent.connections)
  differences = []
  for _ in range(10_000):
    child = mutate(parent, weights, space, rng, weight_threshold=threshold, max_operators=0)
    assert 0 < len(child.pruned) <= absent
    differences.append(len(child.added) - len(child.pruned) + len(child.repairs))
  error = np.std(differences, ddof=1) / math.sqrt(len(differences))
  assert abs(np.mean(differences)) < 2.58 * error  # The 99 % confidence interval.


@pytest.mark.parametrize("name", ["small", "patent"])
def test_operators_leave_a_child_as_dense_as_its_parent_on_average(name):
  space = dataclasses.replace(load_space(name), min_depth=1)
  rng = np.random.default_rng(0)
  parent = random_architecture(space, rng)
  differences = []
  for _ in range(600):
    weights = {connection: float(rng.random()) for connection in parent.connections}
    differences.append(
      density(mutate(parent, weights, space, rng, max_operators=4).architecture) - density(parent)
    )
  assert abs(np.mean(differences)) < 0.01


def density(architecture):
  return len(architecture.connections) / len(architecture.possible_connections())


def test_a_child_is_plain_data(tiny, tiny_space):
  weights = {connection: 0.1 * index for index, connection in enumerate(tiny.connections)}
  child = mutate(tiny, weights, tiny_space, np.random.default_rng(1))
  data = json.loads(json.dumps(child.to_json()))
  assert sorted(data) == [
    "added",
    "architecture",
    "attempts",
    "guidance",
    "kept",
    "operators",
    "pruned",
    "repairs",
    "scores",
    "thresholds",
  ]
  assert serialization.from_json(data["architecture"]) == child.architecture
  assert data["scores"][0] == {"source": "flow_0", "target": "level1_0", "value": 0.0}


def test_a_repair_is_plain_data():
  repair = Repair(connection=Connection("a", "b"), block="a", lacked="output")
  assert repair.to_json() == {"source": "a", "target": "b", "block": "a", "lacked": "output"}

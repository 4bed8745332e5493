import math

from hypothesis import given
from hypothesis import strategies as st
import pytest
import search_fakes

from data_prep.common import cli
from official.runs.records import Result
from official.search import front as front_lib
from official.search import objectives
from official.search import population
from official.search.population import Member

# Few values, so that many points are equal, or equal in one objective.
_NUMBERS = st.integers(0, 4).map(float)


def points(least=0, most=12):
  return st.integers(1, 3).flatmap(
    lambda count: st.lists(st.tuples(*[_NUMBERS] * count), min_size=least, max_size=most)
  )


def member(number, fitness=0.5, loss=1.0, costs=(100.0,)):
  return Member(number=number, fitness=fitness, loss=loss, age=number, costs=costs)


def members(least=0):
  values = st.tuples(_NUMBERS, _NUMBERS, st.integers(1, 4).map(float))
  return st.lists(values, min_size=least, max_size=12).map(
    lambda drawn: [
      member(i, fitness, loss, (cost,)) for i, (fitness, loss, cost) in enumerate(drawn)
    ]
  )


def beaten(one, others):
  """Says, from the definition, whether any other is at least as good in all and better in one."""
  return any(
    all(a <= b for a, b in zip(other, one)) and any(a < b for a, b in zip(other, one))
    for other in others
  )


@given(points())
def test_the_first_front_is_what_nothing_beats(drawn):
  expected = tuple(i for i, one in enumerate(drawn) if not beaten(one, drawn))
  assert objectives.first_front(drawn) == expected


@given(points())
def test_every_front_is_the_first_of_those_that_are_left(drawn):
  left = set(range(len(drawn)))
  for front in objectives.fronts(drawn):
    assert front and set(front) == {
      i for i in left if not beaten(drawn[i], [drawn[j] for j in left])
    }
    left -= set(front)
  assert not left


@given(points(least=1))
def test_one_objective_is_an_order_by_it(drawn):
  single = [each[:1] for each in drawn]
  ranked = sorted(range(len(single)), key=lambda i: objectives.ranks(single)[i][0])
  assert [single[i] for i in ranked] == sorted(single)


def test_crowding_is_the_gap_between_neighbours_as_a_share_of_the_range():
  front = [(0.0, 10.0), (1.0, 5.0), (2.0, 4.0), (10.0, 0.0)]
  assert objectives.crowding(front) == [math.inf, 0.2 + 0.6, 0.9 + 0.5, math.inf]


def test_of_equal_points_all_but_the_first_are_crowded():
  assert objectives.crowding([(0.0, 1.0), (1.0, 0.0), (0.0, 1.0)]) == [math.inf, math.inf, 0.0]


@given(points(least=1))
def test_the_ends_of_every_range_have_all_room(drawn):
  distances = objectives.crowding(drawn)
  for objective in range(len(drawn[0])):
    for bound in (min, max):
      end = bound(each[objective] for each in drawn)
      assert any(
        each[objective] == end and distance == math.inf for each, distance in zip(drawn, distances)
      )


@given(points(least=1), st.integers(1, 14))
def test_a_spread_is_as_large_as_it_can_be_and_keeps_the_ends(drawn, count):
  front = [drawn[i] for i in objectives.first_front(drawn)]
  kept = objectives.spread(front, count)
  assert len(kept) == min(count, len(front)) and kept == tuple(sorted(set(kept)))
  if len(front[0]) == 2 and count >= 2:
    assert {min(front), max(front)} <= {front[i] for i in kept}


def test_the_most_crowded_leaves_a_spread_first():
  front = [(0.0, 10.0), (4.9, 5.1), (5.0, 5.0), (5.1, 4.9), (10.0, 0.0)]
  assert objectives.spread(front, 3) == (0, 1, 4)


@pytest.mark.parametrize(
  "front, expected",
  [
    ([(0.0, 3.0)], 0),
    ([(0.0, 3.0), (5.0, 1.0)], 0),
    ([(0.0, 10.0), (1.0, 2.0), (6.0, 1.0), (10.0, 0.0)], 1),
    ([(0.0, 0.0, 9.0), (1.0, 1.0, 1.0), (9.0, 0.5, 0.0), (0.5, 9.0, 0.0)], 1),
  ],
)
def test_the_knee_is_farthest_from_the_line_between_the_ends(front, expected):
  assert objectives.knee(front) == expected


@given(points(least=1), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_knee_does_not_depend_on_units(drawn, factor, shift):
  front = [drawn[i] for i in objectives.first_front(drawn)]
  scaled = [tuple(x * factor + shift for x in each) for each in front]
  assert front[objectives.knee(front)] == front[objectives.knee(scaled)]


@given(points())
def test_the_hypervolume_is_that_of_the_unit_cubes_that_are_dominated(drawn):
  if not drawn:
    return
  size = len(drawn[0])
  cubes = [()]
  for _ in range(size):
    cubes = [(*cube, x) for cube in cubes for x in range(5)]
  dominated = [c for c in cubes if any(all(x <= y for x, y in zip(p, c)) for p in drawn)]
  assert objectives.hypervolume(drawn, (5.0,) * size) == len(dominated)


def test_a_cost_counts_by_its_logarithm():
  halved = objectives.point(0.5, (50.0,))[1] - objectives.point(0.5, (100.0,))[1]
  assert halved == pytest.approx(-math.log(2))
  assert objectives.point(0.5, (0.0,))[1] < objectives.point(0.5, (1e-9,))[1]


@given(members(), st.randoms(use_true_random=False))
def test_the_front_of_a_search_is_that_of_all_that_finished(drawn, order):
  order.shuffle(drawn)
  front = front_lib.Front()
  for each in drawn:
    front = front.admit(each, first=3)
  expected = {each.number for each in drawn if not beaten(each.point, [o.point for o in drawn])}
  assert {each.number for each in front.members} == expected
  assert list(front.members) == sorted(front.members, key=lambda each: each.rank)


@given(members(least=5))
def test_the_hypervolume_never_falls_once_its_reference_is_there(drawn):
  front = front_lib.Front()
  volumes = []
  for each in drawn:
    front = front.admit(each, first=4)
    volumes.append(front.hypervolume())
  assert volumes[3:] == sorted(volumes[3:])


@given(members(least=1))
def test_without_costs_members_are_in_the_order_of_fitness(drawn):
  plain = [member(each.number, each.fitness, each.loss, ()) for each in drawn]
  assert population.best(plain) == min(plain, key=lambda each: each.rank)
  assert population.worst(plain) == max(plain, key=lambda each: each.rank)


@given(members(least=2))
def test_the_worst_is_on_the_last_front_and_the_best_on_the_first(drawn):
  fronts = objectives.fronts([each.point for each in drawn])
  assert population.best(drawn).number in fronts[0]
  assert population.worst(drawn).number in fronts[-1]


def test_ties_go_to_the_lower_loss_then_to_the_older():
  first, second, third = member(0, loss=0.3), member(1, loss=0.2), member(2, loss=0.2)
  assert population.best([first, second, third]) == second
  assert population.worst([second, third]) == third


def test_a_tournament_is_won_by_the_fronts_of_the_whole_population():
  """Alone, 1 and 2 are both on the first front; in the population, 0 beats 1."""
  better, beaten_one, cheap = (
    member(0, 0.9, costs=(50.0,)),
    member(1, 0.8),
    member(2, 0.1, costs=(1.0,)),
  )
  assert population.best([beaten_one, cheap], (better, beaten_one, cheap)) == cheap


def test_the_worst_that_leaves_may_be_of_high_fitness():
  """Two candidates cost more than 0, and are no better."""
  kept = (member(0, 0.9), member(1, 0.3, costs=(10.0,)))
  newcomer = member(2, 0.8, costs=(200.0,))
  assert population.admit(kept, newcomer, size=2, remove="worst") == kept
  assert population.admit(kept, newcomer, size=2, remove="oldest") == (kept[1], newcomer)
  sampled = population.admit(kept, newcomer, size=2, remove="worst_sampled", sampled={0, 1})
  assert newcomer in sampled


@pytest.mark.parametrize(
  "text, message",
  [
    (
      "multiply_adds,accuracy",
      "begins with a cost; begin with the fitness: accuracy,multiply_adds",
    ),
    ("loss,params", "begins with loss, and --fitness=accuracy; the first objective is the fitness"),
    ("accuracy", "is the fitness alone; add a cost (multiply_adds, params, latency), or leave"),
    ("accuracy,size", "names 'size', which is no cost; after the fitness, give one or more of"),
    ("accuracy,params,params", "names a cost twice; give each once"),
  ],
)
def test_other_objectives_are_refused(text, message):
  with pytest.raises(cli.UserError) as error:
    search_fakes.settings(objectives=text)
  assert message in str(error.value) and "\n" not in str(error.value)


def test_costs_follow_from_the_flag_and_it_is_identity_where_it_is_given():
  asked = search_fakes.settings(objectives="accuracy, multiply_adds,latency")
  assert asked.costs == ("multiply_adds", "latency")
  assert "objectives" in asked.identity()
  assert "objectives" not in search_fakes.settings().identity()


@pytest.mark.parametrize("final", ["front", "knee"])
def test_what_is_chosen_from_the_front_needs_several_objectives(final):
  with pytest.raises(cli.UserError, match=f"--final={final} needs several objectives"):
    search_fakes.settings(final=final)


def test_a_result_without_the_cost_is_told():
  result = Result(number=3, status="ok", params=7)
  assert objectives.costs_of(result, ["params"], "candidate 000003") == (7,)
  with pytest.raises(cli.UserError, match="candidate 000003 has no latency_ms"):
    objectives.costs_of(result, ["params", "latency"], "candidate 000003")


@pytest.mark.parametrize(
  "name, cost, text",
  [("multiply_adds", 1234567, "1,234,567"), ("latency", 3.2149, "3.21 ms")],
)
def test_costs_for_people(name, cost, text):
  assert objectives.number(name, cost) == text

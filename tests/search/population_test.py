import numpy as np
import pytest

from official.search import population
from official.search.population import Member


def members(*fitnesses, loss=1.0):
  """Returns members numbered 10, 11, ... in the order of finishing."""
  return tuple(
    Member(number=10 + age, fitness=fitness, loss=loss, age=age)
    for age, fitness in enumerate(fitnesses)
  )


def newcomer(fitness):
  return Member(number=99, fitness=fitness, loss=1.0, age=99)


def numbers(some):
  return [member.number for member in some]


def test_the_best_of_the_sample_is_the_parent():
  assert population.best(members(0.2, 0.9, 0.5)).number == 11


def test_of_equals_the_older_is_better():
  assert population.best(members(0.5, 0.5)).number == 10
  assert population.worst(members(0.5, 0.5)).number == 11


def test_a_tournament_draws_different_members():
  everybody = members(*range(6))
  for seed in range(50):
    drawn = population.tournament(everybody, 3, np.random.default_rng(seed))
    assert len(set(numbers(drawn))) == 3


def test_a_tournament_can_draw_everybody():
  everybody = members(*range(4))
  assert population.tournament(everybody, 4, np.random.default_rng(0)) == everybody
  assert population.tournament(everybody, 5, np.random.default_rng(0)) == everybody


def test_a_tournament_draws_everybody_alike():
  rng = np.random.default_rng(0)
  drawn = [
    number
    for _ in range(3000)
    for number in numbers(population.tournament(members(*range(6)), 2, rng))
  ]
  for number in range(10, 16):
    assert 900 < drawn.count(number) < 1100


def test_nobody_leaves_while_there_is_room():
  grown = population.admit(members(0.5, 0.1), newcomer(0.0), size=3, remove="worst")
  assert numbers(grown) == [10, 11, 99]


@pytest.mark.parametrize(
  "remove, sampled, left",
  [
    ("worst", (), [10, 12, 13, 99]),
    ("worst_sampled", (10, 12), [10, 11, 13, 99]),
    ("worst_sampled", (12, 13), [10, 11, 13, 99]),
    ("worst_sampled", (7, 8), [10, 12, 13, 99]),
    ("worst_sampled", (), [10, 12, 13, 99]),
    ("oldest", (), [11, 12, 13, 99]),
  ],
)
def test_one_leaves_a_full_population(remove, sampled, left):
  full = members(0.5, 0.1, 0.3, 0.4)
  grown = population.admit(full, newcomer(0.2), size=4, remove=remove, sampled=sampled)
  assert numbers(grown) == left


@pytest.mark.parametrize(
  "remove, sampled, left",
  [
    ("worst", (), [10, 13]),
    ("worst_sampled", (10, 12), [13, 99]),  # Those of the tournament, then the worst of all.
    ("worst_sampled", (10, 11, 12), [13, 99]),
    ("oldest", (), [13, 99]),
  ],
)
def test_several_leave_a_full_population(remove, sampled, left):
  full = members(0.5, 0.1, 0.3, 0.4)
  grown = population.admit(
    full, newcomer(0.2), size=4, remove=remove, sampled=sampled, remove_count=3
  )
  assert numbers(grown) == left


def test_nobody_leaves_until_the_population_is_full_again():
  grown = members(0.5, 0.1, 0.3, 0.4)
  sizes = []
  for newer in members(*[0.9] * 10)[4:]:
    grown = population.admit(grown, newer, size=4, remove="oldest", remove_count=3)
    sizes.append(len(grown))
  assert sizes == [2, 3, 4, 2, 3, 4]


def test_a_newcomer_worse_than_all_leaves_at_once():
  full = members(0.5, 0.1)
  assert population.admit(full, newcomer(0.0), size=2, remove="worst") == full


def test_a_newcomer_is_never_the_oldest_and_not_of_its_own_tournament():
  full = members(0.5, 0.1)
  for remove in ("oldest", "worst_sampled"):
    grown = population.admit(full, newcomer(0.0), size=2, remove=remove, sampled=(10, 11))
    assert 99 in numbers(grown)

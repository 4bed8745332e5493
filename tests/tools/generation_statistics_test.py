"""Means by arm, paired differences, bootstrap intervals and noise, on numbers small enough to check
by hand."""

import json
import math

import numpy as np
import pytest

from tools.benchmarks import generation
from tools.benchmarks import generation_statistics as statistics
from tools.benchmarks.generation_statistics import Training

ARM = "weights_0.5"


def training(
  role: str,
  fitness: float | None,
  loss: float | None = 0.0,
  *,
  parent: int = 0,
  pair: int = 0,
  **facts,
) -> Training:
  job = generation.Job(number=0, role=role, parent=parent, pair=pair)
  return Training(job=job, fitness=fitness, loss=loss, **facts)


def of_arm(*trainings: Training, impossible=()) -> dict:
  return statistics.summary(trainings, impossible)["arms"][ARM]


def test_means_are_over_the_children_of_an_arm():
  numbers = of_arm(training(ARM, 0.25, 2.0), training(ARM, 0.75, 1.0), training("random", 9.0))
  assert (numbers["children"], numbers["fitness"], numbers["loss"]) == (2, 0.5, 1.5)


def test_infeasible_children_are_counted_and_in_no_mean():
  numbers = of_arm(training(ARM, 0.25), training(ARM, None, None))
  assert (numbers["children"], numbers["infeasible"], numbers["fitness"]) == (1, 1, 0.25)


def test_impossible_children_are_counted_by_arm():
  impossible = [
    generation.Job(number=1, role=ARM, parent=0, pair=5),
    generation.Job(number=2, role="random", parent=0, pair=5),
  ]
  numbers = of_arm(impossible=impossible)
  assert (numbers["impossible"], numbers["fitness"]) == (1, None)


def test_children_that_are_their_parent_count_like_others():
  numbers = of_arm(training(ARM, 0.5, as_parent=True), training(ARM, 1.0, changed=3))
  assert (numbers["as_parent"], numbers["changed"], numbers["fitness"]) == (1, 1.5, 0.75)


def test_a_child_is_compared_with_the_random_one_of_its_pair():
  difference = of_arm(
    training(ARM, 0.5, 1.0, pair=6),
    training("random", 0.25, 3.0, pair=6),
    training(ARM, 1.0, 2.0, pair=11),
    training("random", 0.25, 2.5, pair=11),
  )["difference"]
  assert difference["pairs"] == 2
  assert difference["fitness"]["mean"] == 0.5
  assert difference["loss"]["mean"] == -1.25


def test_a_child_without_a_counterpart_is_in_no_difference():
  difference = of_arm(
    training(ARM, 0.5, pair=6), training("random", None, None, pair=6), training(ARM, 0.5, pair=11)
  )["difference"]
  assert difference == {
    "pairs": 0,
    "fitness": {"mean": None, "interval": None},
    "loss": {"mean": None, "interval": None},
  }


def test_random_is_not_compared_with_itself():
  assert "difference" not in statistics.summary([], [])["arms"]["random"]


def test_differences_have_an_interval_over_parents():
  pairs = [(0, 6, 0.5), (12, 18, 0.25), (24, 30, 0.5)]
  difference = of_arm(
    *(
      child
      for parent, pair, fitness in pairs
      for child in (
        training(ARM, fitness, parent=parent, pair=pair),
        training("random", 0.25, parent=parent, pair=pair),
      )
    )
  )["difference"]
  assert difference["fitness"]["interval"] == (0.0, 0.25)


def test_equal_values_have_an_interval_without_width():
  assert statistics.interval([[2.0, 2.0], [2.0]], np.random.default_rng(0)) == (2.0, 2.0)


def test_one_group_has_no_interval():
  assert statistics.interval([[1.0, 2.0]], np.random.default_rng(0)) is None


def test_of_two_single_values_either_may_be_drawn_twice():
  assert statistics.interval([[0.0], [1.0]], np.random.default_rng(0)) == (0.0, 1.0)


def test_the_interval_is_that_of_all_resamples():
  groups = [[0.0, 4.0], [10.0, 14.0]]
  drawn = [(value, other) for group in groups for value in group for other in group]
  means = [np.mean(first + second) for first in drawn for second in drawn]
  assert statistics.interval(groups, np.random.default_rng(0)) == (
    np.percentile(means, 2.5),
    np.percentile(means, 97.5),
  )


def test_values_that_go_together_widen_the_interval():
  apart = [[value] for value in (0.0, 1.0) * 6]
  together = [[0.0] * 6, [1.0] * 6]
  widths = [
    high - low
    for low, high in (
      statistics.interval(groups, np.random.default_rng(0)) for groups in (apart, together)
    )
  ]
  assert widths[0] < 0.6 and widths[1] == 1.0


def test_equal_generators_give_equal_intervals():
  groups = np.random.default_rng(1).normal(size=(5, 3)).tolist()
  assert statistics.interval(groups, np.random.default_rng(2)) == statistics.interval(
    groups, np.random.default_rng(2)
  )


def test_noise_is_pooled_within_parents():
  assert statistics.within([[1.0, 3.0], [10.0, 10.0, 13.0]]) == pytest.approx(
    math.sqrt((2.0 + 6.0) / 3)
  )


def test_noise_needs_two_trainings_of_a_parent():
  assert statistics.within([[1.0], [2.0]]) is None


def test_parents_and_their_retrainings_count_together():
  parents = statistics.summary(
    [
      training("parent", 0.25, 1.0),
      training("retraining", 0.75, 2.0),
      training("parent", 0.5, 4.0, parent=12),
      training("retraining", None, None, parent=12),
    ],
    [],
  )["parents"]
  assert parents == {
    "count": 2,
    "trainings": 3,
    "infeasible": 1,
    "fitness": {"mean": 0.5, "within": pytest.approx(math.sqrt(0.125))},
    "loss": {"mean": pytest.approx(7 / 3), "within": pytest.approx(math.sqrt(0.5))},
  }


def test_the_numbers_are_json():
  json.dumps(statistics.summary([training(ARM, 0.5), training("random", 0.5)], []), allow_nan=False)


def generation_of_two() -> list[Training]:
  """Two parents, retrained once, with a child each in two arms."""
  return [
    training(role, fitness, loss, parent=parent, pair=parent + 6, changed=4)
    for role, parent, fitness, loss in [
      ("parent", 0, 0.5, 1.0),
      ("retraining", 0, 0.7, 1.0),
      ("weights_0.5", 0, 0.75, 0.5),
      ("random", 0, 0.5, 1.0),
      ("parent", 7, 0.5, 1.0),
      ("retraining", 7, None, None),
      ("weights_0.5", 7, 0.5, 0.75),
      ("random", 7, 0.5, 1.0),
    ]
  ]


@pytest.fixture(scope="module")
def printed() -> list[list[str]]:
  """The words of every line."""
  text = statistics.text(statistics.summary(generation_of_two(), []), "accuracy")
  return [line.split() for line in text.splitlines()]


def test_an_arm_is_a_line_of_means_and_counts(printed):
  assert "weights_0.5 2 0.6250 0.6250 4.0 0 0 0".split() in printed


def test_an_arm_without_children_has_no_means(printed):
  assert "weights_uniform 0 - - - 0 0 0".split() in printed


def test_a_difference_is_a_line_with_intervals(printed):
  assert "weights_0.5 2 +0.1250 [+0.0000, +0.2500] -0.3750 [-0.5000, -0.2500]".split() in printed


def test_noise_comes_last(printed):
  assert [" ".join(words) for words in printed[-3:]] == [
    "parents: 2, trained 3 times in all; infeasible: 1",
    "accuracy: mean 0.5667, standard deviation within parents 0.1414",
    "loss: mean 1.0000, standard deviation within parents 0.0000",
  ]

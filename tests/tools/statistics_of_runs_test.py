"""Rank correlation against SciPy, bootstrap intervals, and differences pair by pair."""

import math

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy import stats

from tools.benchmarks import statistics_of_runs as statistics

_PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12)


def test_equal_values_share_their_mean_rank():
  assert statistics.ranks([3.0, 1.0, 3.0, 2.0]).tolist() == [3.5, 1.0, 3.5, 2.0]


@given(pairs=_PAIRS)
def test_the_rank_correlation_is_that_of_scipy_with_ties_too(pairs):
  x, y = zip(*pairs)
  ours = statistics.spearman(x, y)
  if len(set(x)) == 1 or len(set(y)) == 1:
    assert math.isnan(ours)
  else:
    assert ours == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("y", [[1.0], [1.0, math.nan]])
def test_values_that_cannot_be_correlated_are_refused(y):
  with pytest.raises(ValueError, match="cannot be correlated with 1|needs finite values"):
    statistics.spearman([1.0, 2.0], y)


def test_a_bootstrap_interval_of_a_mean_is_that_of_its_normal_approximation():
  values = np.random.default_rng(1).normal(size=400)
  low, high = statistics.mean_interval(values, seed=0)
  error = values.std() / math.sqrt(len(values))
  assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
  assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


def test_rows_are_drawn_whole():
  pairs = [(float(n), float(-n)) for n in range(10)]
  interval = statistics.bootstrap_interval(
    pairs, lambda drawn: statistics.spearman(drawn[:, 0], drawn[:, 1]), seed=0, resamples=50
  )
  assert interval == pytest.approx((-1, -1))


def test_an_interval_depends_on_the_seed_alone():
  values = np.random.default_rng(2).random(40)
  assert statistics.mean_interval(values, seed=3) == statistics.mean_interval(values, seed=3)
  assert statistics.mean_interval(values, seed=3) != statistics.mean_interval(values, seed=4)


def test_draws_without_a_value_do_not_count_and_one_row_has_no_interval():
  halves = statistics.bootstrap_interval(
    [0.0, 1.0], lambda drawn: math.nan if drawn[0] == drawn[1] else 5.0, seed=0, resamples=50
  )
  assert halves == (5.0, 5.0)
  assert statistics.bootstrap_interval([0.0, 1.0], lambda _: math.nan, 0, resamples=5) is None
  assert statistics.mean_interval([1.0], seed=0) is None


def test_differences_are_those_of_the_keys_that_both_have():
  differences = statistics.paired_differences({0: 0.5, 1: 0.75, 2: 1.0}, {2: 0.5, 0: 0.25, 7: 9.0})
  assert differences.tolist() == [0.25, 0.5]

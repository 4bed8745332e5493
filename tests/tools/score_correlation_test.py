"""How well scores predict fitness, on results small enough to order by hand."""

import numpy as np
import pytest

from official.runs.records import Result
from tests.tools import loaded_mains

score_correlation = loaded_mains.load("tools.benchmarks.score_correlation")


def _result(number: int, **facts) -> Result:
  return Result(number=number, status="ok", fitness=float(number), metrics={}, **facts)


def test_columns_are_sizes_and_scores_with_nan_where_one_is_missing():
  results = [
    _result(0, params=5, multiply_adds=7, others={"scores": {"synflow": 1.5, "naswot": None}}),
    _result(1, params=6),
  ]
  columns = score_correlation.columns(results)
  assert list(columns) == ["parameters", "multiply_adds", "naswot", "synflow"]
  assert columns["parameters"].tolist() == [5, 6]
  np.testing.assert_array_equal(columns["synflow"], [1.5, np.nan])
  assert np.isnan(columns["naswot"]).all()


def test_a_score_is_compared_with_the_parameters_over_the_candidates_that_have_it():
  fitness = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
  score = np.array([0.0, 10.0, 20.0, 30.0, np.nan])
  count, own, bounds, more, of_more = score_correlation.correlation(score, -fitness, fitness)
  assert (count, own, more) == (4, 1.0, 2.0)
  assert bounds == pytest.approx((1, 1))
  assert of_more == pytest.approx((2, 2))

"""Rank correlation, bootstrap intervals and paired differences, for comparisons of searches.

Every function is pure: equal arguments, seeds among them, give equal answers.

* Spearman's rank correlation is Pearson's correlation of ranks; equal values share the mean of
  their ranks.
* An interval is that of a percentile bootstrap (Davison and Hinkley, "Bootstrap methods and their
  application", 1997, section 5.3): rows are drawn with replacement, the statistic is computed of
  each draw, and percentiles of its values are the bounds. Below some eight rows it is narrower than
  it should be, because a bootstrap cannot draw what it has not seen.
* What was measured under the same conditions, such as the same seed, is compared pair by pair.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
import math
from typing import TypeVar

import numpy as np

RESAMPLES = 10_000
Key = TypeVar("Key", bound=Hashable)


def ranks(values: Sequence[float] | np.ndarray) -> np.ndarray:
  """Returns the rank of every value, float64 [n] from 1; equal values share their mean rank."""
  _, position, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
  return (np.cumsum(counts) - (counts - 1) / 2)[position]


def spearman(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
  """Returns Spearman's rank correlation, from -1 to 1; NaN where one of the two is constant.

  Args:
    x, y: Values of the same things in the same order, [n] each.

  Raises:
    ValueError: There are not as many of one as of the other, or one is not finite.
  """
  if len(x) != len(y):
    raise ValueError(f"{len(x)} values cannot be correlated with {len(y)}")
  if not (np.isfinite(x).all() and np.isfinite(y).all()):
    raise ValueError("a rank correlation needs finite values")
  if len(x) < 2:
    return math.nan
  of_x, of_y = ranks(x), ranks(y)
  of_x, of_y = of_x - of_x.mean(), of_y - of_y.mean()
  scale = math.sqrt(float(of_x @ of_x) * float(of_y @ of_y))
  return float(of_x @ of_y) / scale if scale else math.nan


def bootstrap_interval(
  samples: Sequence | np.ndarray,
  statistic: Callable[[np.ndarray], float],
  seed: int,
  *,
  level: float = 0.95,
  resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
  """Returns the bootstrap interval of a statistic; None where there is none.

  Args:
    samples: Rows that are drawn, [n] or [n, columns]: what belongs together is one row.
    statistic: Called with drawn rows, of the shape of `samples`; draws that give NaN do not count.
    seed: Random seed.
    level: Share of the draws between the bounds.
    resamples: Number of draws.

  For example, the interval of a rank correlation of (x, y) pairs:

      bootstrap_interval(pairs, lambda drawn: spearman(drawn[:, 0], drawn[:, 1]), seed=0)
  """
  rows = np.asarray(samples)
  if len(rows) < 2:
    return None
  rng = np.random.default_rng(seed)
  values = np.array(
    [statistic(rows[rng.integers(len(rows), size=len(rows))]) for _ in range(resamples)]
  )
  values = values[~np.isnan(values)]
  if not len(values):
    return None
  low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
  return float(low), float(high)


def mean_interval(
  samples: Sequence[float] | np.ndarray, seed: int, *, level: float = 0.95
) -> tuple[float, float] | None:
  """Returns the bootstrap interval of the mean of values [n]; None for fewer than two."""
  return bootstrap_interval(samples, lambda drawn: float(drawn.mean()), seed, level=level)


def paired_differences(ours: Mapping[Key, float], theirs: Mapping[Key, float]) -> np.ndarray:
  """Returns ours minus theirs, by key in the order of ours, for the keys that both have, [n].

  Args:
    ours, theirs: Values by what makes a pair, such as the seed.
  """
  return np.array([ours[key] - theirs[key] for key in ours if key in theirs], float)

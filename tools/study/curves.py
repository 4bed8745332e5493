"""What a study compares of searches: best so far, over trainings and over processor time."""

from collections.abc import Mapping, Sequence

import numpy as np

from tools.study import summary

_GRID = 50


def best_so_far(run: summary.Line) -> list[float]:
  """Returns the best fitness after each training of a search, 0 while none is feasible."""
  best, values = 0.0, []
  for candidate in run["candidates"]:
    if candidate["status"] == "ok":
      best = max(best, candidate["fitness"])
    values.append(best)
  return values


def minutes(run: summary.Line) -> list[float]:
  """Returns the processor minutes that a search had used after each of its trainings."""
  return list(np.cumsum([line["processor_seconds"] or 0 for line in run["candidates"]]) / 60)


def total_minutes(run: summary.Line) -> float:
  """Returns the processor minutes of a whole search, trainings that stopped at a rung included."""
  return run.get("processor_seconds", 60 * minutes(run)[-1]) / 60


def over_minutes(runs: Sequence[summary.Line]) -> tuple[np.ndarray, np.ndarray]:
  """Returns minutes [n], and best fitness by run and minute [runs, n].

  The last minute is that of the search that ended first, so that every mean is of all searches.
  """
  ends = [minutes(run)[-1] for run in runs]
  grid = np.linspace(0, min(ends), _GRID)
  values = []
  for run in runs:
    known = np.searchsorted(minutes(run), grid, side="right")
    values.append(np.array([0.0, *best_so_far(run)])[known])
  return grid, np.array(values)


def shares(ours: Mapping[int, summary.Line], baseline: Mapping[int, summary.Line]) -> list[float]:
  """Returns, by seed, after which share of the baseline's trainings ours are as good as it ends.

  A search that never is counts as 1.
  """
  found = []
  for seed in sorted(set(ours) & set(baseline)):
    target = best_so_far(baseline[seed])
    reached = [index for index, value in enumerate(best_so_far(ours[seed])) if value >= target[-1]]
    found.append(min(1.0, (reached[0] + 1) / len(target)) if reached else 1.0)
  return found


def best_by_validation(hand_made: Mapping[str, Mapping[int, summary.Line]]) -> str | None:
  """Returns the pattern of the highest mean validation accuracy; None if there is none."""
  means = {
    pattern: np.mean([run["final"]["validation"]["accuracy"] for run in runs.values()])
    for pattern, runs in hand_made.items()
  }
  return max(means, key=means.__getitem__) if means else None

"""The best fitness so far: of one search, and of several with the same budget as a band."""

from collections.abc import Sequence
import dataclasses
import statistics

from official.reports import clock as clock_lib
from official.reports import facts
from official.reports import words


@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve:
  """A search as a curve; a fitness is as people know it, so that a loss is positive.

  Attributes:
    numbers: The candidates in the order of finishing, the last rung where there are several.
    hours: Hours of searching by then; None where that is unknown.
    fitness: That of each, None unless it is ok.
    best: The best so far, None until there is one.
    mean: The mean of the population.
  """

  numbers: tuple[int, ...]
  hours: tuple[float | None, ...]
  fitness: tuple[float | None, ...]
  best: tuple[float | None, ...]
  mean: tuple[float | None, ...]


def of(run: facts.Run) -> Curve:
  """Returns the curve of a search."""
  clock = clock_lib.Clock(clock_lib.spans(run))
  steps = run.history.steps
  ended = [
    run.timings[step.number].finished_at if step.number in run.timings else None for step in steps
  ]
  return Curve(
    numbers=tuple(step.number for step in steps),
    hours=tuple(None if at is None else clock.hours(at) for at in ended),
    fitness=tuple(words.fitness(run, step.fitness) for step in steps),
    best=tuple(words.fitness(run, step.best_fitness) for step in steps),
    mean=tuple(words.fitness(run, step.mean) for step in steps),
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Band:
  """Several searches at the same places.

  Attributes:
    at: Candidates finished, or hours.
    mean: Mean of the best so far over the searches.
    low, high: The lowest and the highest of them.
  """

  at: tuple[float, ...]
  mean: tuple[float, ...]
  low: tuple[float, ...]
  high: tuple[float, ...]


def band(curves: Sequence[Curve], *, over_hours: bool = False, places: int = 200) -> Band:
  """Returns the band of several searches, from where all have a best to where the first ends.

  Args:
    curves: At least one.
    over_hours: Whether places are hours of searching, and not finished candidates.
    places: How many hours are looked at.
  """
  known = [_points(curve, over_hours) for curve in curves]
  if not all(known):
    return Band(at=(), mean=(), low=(), high=())
  first = max(points[0][0] for points in known)
  last = min(points[-1][0] for points in known)
  if over_hours:
    step = (last - first) / max(places - 1, 1)
    at = tuple(first + step * place for place in range(places)) if last > first else (first,)
  else:
    at = tuple(float(place) for place in range(int(first), int(last) + 1))
  values = [[_value(points, place) for points in known] for place in at]
  return Band(
    at=at,
    mean=tuple(statistics.fmean(each) for each in values),
    low=tuple(min(each) for each in values),
    high=tuple(max(each) for each in values),
  )


def _points(curve: Curve, over_hours: bool) -> list[tuple[float, float]]:
  """Returns (place, best so far), ascending, of those that have both."""
  places = curve.hours if over_hours else range(1, len(curve.numbers) + 1)
  found = zip(places, curve.best, strict=True)
  return sorted((place, best) for place, best in found if place is not None and best is not None)


def _value(points: list[tuple[float, float]], at: float) -> float:
  """Returns the best so far at a place: that of the last point up to it."""
  found = points[0][1]
  for place, best in points:
    if place > at + 1e-12:
      break
    found = best
  return found

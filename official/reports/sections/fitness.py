"""Fitness over evaluations and over hours: every candidate, the best so far, the population."""

from collections.abc import Sequence

from matplotlib import ticker
from matplotlib.axes import Axes

from official.reports import colours
from official.reports import curves
from official.reports import facts
from official.reports import page
from official.reports import pictures
from official.reports import words
from official.runs import fitness as fitness_lib

_WIDTH, _HEIGHT = 660, 360
_CANDIDATES = "finished candidates"
_HOURS = "hours of searching"


def section(run: facts.Run) -> page.Section | None:
  """Returns the section; None until a candidate has a fitness."""
  curve = curves.of(run)
  if all(value is None for value in curve.fitness):
    return None
  over_candidates = _figure(run, curve, range(1, len(curve.numbers) + 1), _CANDIDATES)
  parts: list[page.Part] = [over_candidates]
  known = [(hours, place) for place, hours in enumerate(curve.hours) if hours is not None]
  if len(known) > 1:
    hours, places = zip(*sorted(known), strict=True)
    parts.append(_figure(run, _kept(curve, places), hours, _HOURS))
  return page.Section("fitness", "Fitness", [page.Text(_sentence(run, curve)), page.Grid(parts)])


def _kept(curve: curves.Curve, places: Sequence[int]) -> curves.Curve:
  """Returns a curve with some of its points, in another order."""
  return curves.Curve(
    **{name: tuple(values[each] for each in places) for name, values in vars(curve).items()}
  )


def _improvements(curve: curves.Curve) -> list[int]:
  """Returns the places at which the best so far changed."""
  before = [None, *curve.best]
  return [place for place, best in enumerate(curve.best) if best != before[place]]


def _sentence(run: facts.Run, curve: curves.Curve) -> str:
  places = _improvements(curve)
  first, last = places[0], places[-1]
  name = run.fitness
  begin = (
    f"The first candidate with a fitness, {words.candidate(curve.numbers[first])}, had {name} "
    f"{curve.best[first]:.4f}."
  )
  if first == last:
    return f"{begin} None of the {len(curve.numbers) - first - 1} after it was better."
  since = len(curve.numbers) - last - 1
  improved = words.count(len(places) - 1, "improvement")
  return (
    f"{begin} After {improved} the best has {curve.best[last]:.4f}; it finished as number "
    f"{last + 1} of {len(curve.numbers)}, and "
    + (f"none of the {since} after it was better." if since else "it is the last so far.")
  )


def _figure(run: facts.Run, curve: curves.Curve, at: Sequence[float], label: str) -> page.Figure:
  picture, axes = pictures.chart(_WIDTH, _HEIGHT)
  _draw(run, axes, curve, at)
  axes.set_xlabel(label)
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=label == _CANDIDATES))
  less = "" if fitness_lib.higher_is_better(run.fitness) else " (less is better)"
  axes.set_ylabel(f"{run.fitness} on the validation clips{less}")
  name = "candidates" if label == _CANDIDATES else "hours"
  best = [value for value in curve.best if value is not None]
  return page.Figure(
    f"fitness-over-{name}",
    f"{run.fitness.capitalize()} over {label}",
    f"The best so far goes from {best[0]:.4f} to {best[-1]:.4f}. A point is a candidate; a cross "
    "at the lower edge is one that ended without a fitness.",
    picture,
    page.Table(
      "Candidates in the order of finishing",
      (label, "candidate", run.fitness, "best so far", "mean of the population"),
      [
        (round(place, 4), words.candidate(number), fitness, best_so_far, mean)
        for place, number, fitness, best_so_far, mean in zip(
          at, curve.numbers, curve.fitness, curve.best, curve.mean, strict=True
        )
      ],
    ),
  )


def _draw(run: facts.Run, axes: Axes, curve: curves.Curve, at: Sequence[float]) -> None:
  points = [(x, y, n) for x, y, n in zip(at, curve.fitness, curve.numbers) if y is not None]
  dots = axes.scatter(
    [x for x, _, _ in points],
    [y for _, y, _ in points],
    s=32,
    color=colours.STATES["ok"],
    alpha=0.55,
    linewidths=0,
    label="candidate",
  )
  pictures.hover(dots, [f"{words.candidate(n)}: {run.fitness} {y:.4f}" for _, y, n in points])
  mean = [(x, y) for x, y in zip(at, curve.mean) if y is not None]
  axes.plot(*zip(*mean), color=colours.ORANGE, linewidth=1.5, label="mean of the population")
  best = [(x, y) for x, y in zip(at, curve.best) if y is not None]
  axes.plot(*zip(*best), color=colours.INK, drawstyle="steps-post", label="best so far")
  failed = [(x, n) for x, y, n in zip(at, curve.fitness, curve.numbers) if y is None]
  if failed:
    crosses = axes.scatter(
      [x for x, _ in failed],
      [0.02] * len(failed),
      transform=axes.get_xaxis_transform(),
      marker="x",
      s=22,
      linewidths=1.5,
      color=colours.STATES["failed"],
      label="without a fitness",
    )
    pictures.hover(crosses, [f"{words.candidate(n)}: {run.state_of(n)}" for _, n in failed])
  pictures.legend_above(axes)

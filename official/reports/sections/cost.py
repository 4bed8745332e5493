"""What it cost: the Pareto fronts of fitness and size, and what workers did with their time."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
import numpy as np

from official.reports import colours
from official.reports import facts
from official.reports import page
from official.reports import pictures
from official.reports import timeline
from official.reports import words
from official.runs import fitness as fitness_lib

_WIDTH, _HEIGHT = 660, 360
_COSTS = (
  ("multiply_adds", "multiply-adds", "multiply-adds per clip"),
  ("params", "parameters", "parameters"),
)
_ADVANCE = (0.25, 0.5, 0.75, 1.0)
_MOST_LANES = 64
_STATES = ("ok", "at a rung", "infeasible", "failed", "in flight")
_COLOURS = {**colours.STATES, "at a rung": colours.TEAL}


class Point(NamedTuple):
  """A finished candidate: its number, its cost, and its fitness, of which more is better."""

  number: int
  cost: float
  fitness: float


def section(run: facts.Run) -> page.Section | None:
  """Returns the section; None until a candidate has finished."""
  parts: list[page.Part] = []
  fronts = [figure for each in _COSTS if (figure := _front(run, *each))]
  if fronts:
    parts.append(page.Grid(fronts))
  line = timeline.of(run)
  if line.trainings and line.hours > 0:
    parts += [_timeline(run, line), _time(line)]
  return page.Section("cost", "Cost", parts) if parts else None


def _points(run: facts.Run, field: str) -> list[Point]:
  """Returns the feasible candidates in the order of finishing."""
  found = []
  for step in run.history.steps:
    cost = getattr(run.results[step.number], field)
    if step.fitness is not None and cost:
      found.append(Point(step.number, float(cost), step.fitness))
  return found


def front(points: Sequence[Point]) -> list[Point]:
  """Returns the points that no other dominates, of least cost first."""
  ordered = sorted(points, key=lambda point: (point.cost, -point.fitness, point.number))
  found: list[Point] = []
  for point in ordered:
    if not found or point.fitness > found[-1].fitness:
      found.append(point)
  return found


def _front(run: facts.Run, field: str, name: str, label: str) -> page.Figure | None:
  points = _points(run, field)
  if len(points) < 2:
    return None
  picture, axes = pictures.chart(_WIDTH, _HEIGHT)
  _draw_front(run, axes, points, name)
  axes.set_xlabel(label)
  less = "" if fitness_lib.higher_is_better(run.fitness) else " (less is better)"
  axes.set_ylabel(f"{run.fitness} on the validation clips{less}")
  last = front(points)
  return page.Figure(
    f"front-{field.replace('_', '-')}",
    f"{run.fitness.capitalize()} over {name}",
    f"{words.count(len(last), 'candidate')} of {len(points)} are on the front: no other is both as "
    "good and as small. Dashed are the fronts after a quarter, a half and three quarters of the "
    "candidates.",
    picture,
    page.Table(
      f"The front of {run.fitness} and {name}",
      ("candidate", run.fitness, name),
      [_row(run, point) for point in last],
    ),
  )


def _draw_front(run: facts.Run, axes: Axes, points: Sequence[Point], name: str) -> None:
  dots = axes.scatter(
    [point.cost for point in points],
    [words.shown(run, point.fitness) for point in points],
    s=28,
    color=colours.GREY,
    alpha=0.5,
    linewidths=0,
    label="candidate",
  )
  pictures.hover(dots, [_told(run, point, name) for point in points])
  for share in _ADVANCE:
    early, whole = front(points[: max(round(share * len(points)), 1)]), share == 1
    axes.plot(
      [point.cost for point in early],
      [words.shown(run, point.fitness) for point in early],
      color=colours.BLUE,
      alpha=1.0 if whole else 0.15 + 0.5 * share,
      linewidth=2.0 if whole else 1.2,
      linestyle="-" if whole else "--",
      marker="o" if whole else None,
      drawstyle="steps-post",
      label="front" if whole else f"after {share:.0%}",
    )
  axes.set_xscale("log")
  axes.xaxis.set_minor_locator(ticker.NullLocator())
  axes.set_xticks(*_ticks(points))
  pictures.legend_above(axes, columns=5)


def _ticks(points: Sequence[Point]) -> tuple[list[float], list[str]]:
  """Returns three places between the least and the largest cost, evenly on a logarithmic scale."""
  costs = [point.cost for point in points]
  places = [float(each) for each in np.geomspace(min(costs), max(costs), 4)]
  if max(costs) / min(costs) < 1.001:
    places = places[:1]
  return places, [words.size(place) for place in places]


def _told(run: facts.Run, point: Point, name: str) -> str:
  shown = words.shown(run, point.fitness)
  return f"{words.candidate(point.number)}: {run.fitness} {shown:.4f}, {point.cost:,.0f} {name}"


def _row(run: facts.Run, point: Point) -> tuple[page.Cell, ...]:
  number = words.candidate(point.number)
  link = page.Link(number, f"#candidate-{number}")
  return link, words.shown(run, point.fitness), int(point.cost)


def _timeline(run: facts.Run, line: timeline.Timeline) -> page.Figure:
  lanes = min(line.lanes, _MOST_LANES)
  picture, axes = pictures.chart(1320, 90 + min(max(18 * lanes, 40), 480))
  _draw_timeline(run, axes, line, lanes)
  more = f" {line.lanes - lanes:,} further lanes are not drawn." if line.lanes > lanes else ""
  kills = sum(each.span.kills for each in line.trainings)
  return page.Figure(
    "timeline",
    "Workers",
    f"{words.count(len(line.trainings), 'training')} on {words.count(line.lanes, 'lane')} (as many "
    f"as ever ran side by side) in {line.hours:.2f} hours of searching; "
    f"{words.count(kills, 'process', 'processes')} killed and tried again; "
    f"{words.count(len(line.pauses), 'pause')}, cut out here.{more}",
    picture,
    page.Table(
      "Trainings by when they began",
      ("candidate", "lane", "began at hour", "seconds", "state", "times killed"),
      [
        (
          words.candidate(each.span.number),
          each.lane + 1,
          each.begin,
          round(each.span.finished - each.span.started),
          _state(run, each),
          each.span.kills,
        )
        for each in line.trainings
      ],
    ),
  )


def _draw_timeline(run: facts.Run, axes: Axes, line: timeline.Timeline, lanes: int) -> None:
  shown = [each for each in line.trainings if each.lane < lanes]
  for state in _STATES:
    bars = [each for each in shown if _state(run, each) == state]
    if bars:
      drawn = PolyCollection(
        [_bar(each) for each in bars],
        facecolors=_COLOURS[state],
        edgecolors=colours.PAPER,
        linewidths=0.5,
        label=state,
      )
      axes.add_collection(drawn)
      pictures.hover(drawn, [_training(each, state) for each in bars])
  killed = [each for each in shown if each.span.kills]
  if killed:
    marks = axes.scatter(
      [each.begin for each in killed],
      [each.lane for each in killed],
      marker="v",
      s=40,
      color=colours.INK,
      label="was killed and tried again",
      zorder=3,
    )
    pictures.hover(
      marks, [f"{words.candidate(each.span.number)}: {_kills(each)}" for each in killed]
    )
  for place, pause in enumerate(line.pauses):
    axes.axvline(pause, color=colours.PINK, linestyle=":", label="" if place else "search paused")
  axes.set(xlim=(0, line.hours), ylim=(lanes - 0.4, -0.6), xlabel="hours of searching")
  axes.set_yticks([0] if lanes == 1 else [0, lanes - 1], labels=_names(lanes))
  axes.grid(visible=False, axis="y")
  pictures.legend_above(axes, columns=7)


def _names(lanes: int) -> list[str]:
  return ["lane 1"] if lanes == 1 else ["lane 1", f"lane {lanes}"]


def _bar(each: timeline.Placed) -> list[tuple[float, float]]:
  top, bottom = each.lane - 0.4, each.lane + 0.4
  return [(each.begin, top), (each.end, top), (each.end, bottom), (each.begin, bottom)]


def _state(run: facts.Run, each: timeline.Placed) -> str:
  return "at a rung" if each.span.rung is not None else run.state_of(each.span.number)


def _training(each: timeline.Placed, state: str) -> str:
  seconds = words.seconds(each.span.finished - each.span.started)
  rung = "" if each.span.rung is None else f" {each.span.rung}"
  return f"{words.candidate(each.span.number)}: {state}{rung}, {seconds}"


def _kills(each: timeline.Placed) -> str:
  return "killed once" if each.span.kills == 1 else f"killed {each.span.kills} times"


def _time(line: timeline.Timeline) -> page.Table:
  """Returns what became of the time of all lanes."""
  whole = line.busy + line.idle
  in_steps = line.in_steps
  rows: list[tuple[str, float]] = []
  if in_steps is not None:
    rows.append(("training and evaluation steps", in_steps))
    rows.append(("starting, building, tracing, saving", max(line.busy - in_steps, 0.0)))
  else:
    rows.append(("trainings", line.busy))
  rows.append(("idle", line.idle))
  return page.Table(
    "The time of all lanes",
    ("spent on", "hours", "share"),
    [(name, f"{hours:.3f}", f"{hours / whole:.0%}") for name, hours in rows],
    note="A lane is idle while it waits for a candidate: at the start, at the end, and while the "
    "driver proposes. Pauses of the whole search do not count.",
  )

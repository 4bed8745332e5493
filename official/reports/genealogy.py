"""The genealogy of a search: who came from whom, and how well each did.

    x      birth: the number of a candidate, in the order in which they were proposed
    y      its fitness, as people know it; candidates without one are marks at the lower edge
    line   from parent to child; bold from ancestor to ancestor of a winner, with what changed

Up to MANY candidates, every line is drawn. Beyond, all candidates are dots, and only the ancestors
of the winners and of the BEST have lines. Labels stand where there is room; the rest is said where
the pointer rests, and in the table.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
from typing import Any

from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from official.reports import colours
from official.reports import descent
from official.reports import pictures
from official.runs.records import Candidate

Box = tuple[float, float, float, float]

MANY = 300
BEST = 20
_FEW = 60  # So many have labels at all lines.

_WIDTH, _HEIGHT = 1060, 460
_PLACE = (0.065, 0.12, 0.925, 0.84)  # Left, bottom, width and height of the axes.
_LETTER = (5.6, 11.0)  # Pixels of a letter of a label.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Genealogy:
  """What is drawn.

  Attributes:
    candidates: All, by number.
    fitness: By number, as people know it; those that have one.
    states: What became of each candidate, by number.
    winners: Numbers of those whose ancestors are bold.
    name: The name of the fitness.
    higher_is_better: Whether the best are those with the largest fitness.
  """

  candidates: Mapping[int, Candidate]
  fitness: Mapping[int, float]
  states: Mapping[int, str]
  winners: Sequence[int]
  name: str
  higher_is_better: bool = True

  def parent(self, number: int) -> int | None:
    """Returns the parent of a candidate, if it is known and has a record."""
    candidate = self.candidates.get(number)
    if candidate is None or candidate.parent is None or candidate.parent >= number:
      return None
    return candidate.parent if candidate.parent in self.candidates else None

  def gain(self, number: int) -> float | None:
    """Returns a child's fitness less its parent's, None where either is unknown."""
    parent = self.parent(number)
    if parent is None or parent not in self.fitness or number not in self.fitness:
      return None
    return self.fitness[number] - self.fitness[parent]

  def edge(self, number: int) -> list[tuple[float, float]]:
    """Returns the places of a child's parent and of itself; none where there is no line."""
    parent = self.parent(number)
    if parent is None or self.gain(number) is None:
      return []
    return [(parent, self.fitness[parent]), (number, self.fitness[number])]

  def line(self, number: int) -> list[int]:
    """Returns a candidate and its ancestors, the oldest first."""
    found = [number] if number in self.candidates else []
    while found and (parent := self.parent(found[-1])) is not None:
      found.append(parent)
    return found[::-1]

  def ancestors(self, numbers: Iterable[int]) -> set[int]:
    """Returns all ancestors of candidates, and themselves."""
    return {each for number in numbers for each in self.line(number)}

  def best(self, count: int) -> list[int]:
    """Returns the numbers of the best, best first."""
    sign = -1 if self.higher_is_better else 1
    return sorted(self.fitness, key=lambda number: (sign * self.fitness[number], number))[:count]

  def told(self, number: int) -> str:
    """Returns a candidate in a line."""
    fitness = self.fitness.get(number)
    what = self.states.get(number, "") if fitness is None else f"{self.name} {fitness:.4f}"
    candidate = self.candidates[number]
    came = "" if candidate.parent is None else f"child of {candidate.parent:06d}: "
    return f"{number:06d}, {what}; {came}{descent.sentence(candidate)}"


def draw(family: Genealogy) -> pictures.Picture:
  """Returns the picture."""
  with pictures.style():
    picture = pictures.figure(_WIDTH, _HEIGHT)
    axes = picture.add_axes(_PLACE)
    _frame(axes, family)
    bold = family.ancestors(family.winners)
    lines = set(family.candidates)
    if len(lines) > MANY:
      lines = bold | family.ancestors(family.best(BEST))
    _lines(axes, family, lines - bold, bold)
    _dots(axes, family, bold)
    _without_fitness(axes, family)
    _labels(axes, family, bold)
    return picture


def _frame(axes: Axes, family: Genealogy) -> None:
  values = list(family.fitness.values()) or [0.0, 1.0]
  low, high = min(values), max(values)
  room = (high - low) * 0.08 or 0.05
  last = max(family.candidates, default=0)
  aside = max(0.6, 0.02 * last)
  axes.set(xlim=(-aside, last + aside), ylim=(low - 2 * room, high + 1.4 * room))
  less = ""
  if not family.higher_is_better:
    axes.set_ylim(high + 2 * room, low - 1.4 * room)
    less = " (less is better)"
  axes.set_xlabel("candidate, in the order of birth")
  axes.set_ylabel(f"{family.name} on the validation clips{less}")
  axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))


def _lines(axes: Axes, family: Genealogy, plain: set[int], bold: set[int]) -> None:
  for numbers, colour, width, alpha in (
    (plain, colours.GREY, 1.0, 0.55),
    (bold, colours.BLUE, 3.0, 1.0),
  ):
    children = [number for number in sorted(numbers) if family.edge(number)]
    if not children:
      continue
    lines = LineCollection(
      [family.edge(number) for number in children], colors=colour, linewidths=width, alpha=alpha
    )
    axes.add_collection(lines, autolim=False)
    told = [
      f"{family.parent(number):06d} to {number:06d}: {descent.sentence(family.candidates[number])}"
      for number in children
    ]
    pictures.hover(lines, told if len(told) > 1 else told[0])


def _dots(axes: Axes, family: Genealogy, bold: set[int]) -> None:
  small = len(family.candidates) > MANY
  winners = set(family.winners)
  drawn = [number for number in sorted(family.candidates) if number in family.fitness]
  groups = (
    ([n for n in drawn if n not in bold and family.parent(n) is not None], "o", True),
    ([n for n in drawn if n not in bold and family.parent(n) is None], "o", False),
    ([n for n in drawn if n in bold and n not in winners], "o", None),
    ([n for n in drawn if n in winners], "*", None),
  )
  for numbers, marker, child in groups:
    if not numbers:
      continue
    colour = colours.BLUE if child is None else colours.GREY
    dots = axes.scatter(
      numbers,
      [family.fitness[number] for number in numbers],
      s=210 if marker == "*" else 64 if child is None else 9 if small else 34,
      marker=marker,
      facecolor=colours.PAPER if child is False else colour,
      edgecolor=colour,
      linewidths=0.8 if small and child is not None else 1.4,
      alpha=0.6 if small and child is not None else 1.0,
      zorder=3 if child is not None else 4,
    )
    told = [family.told(number) for number in numbers]
    pictures.hover(dots, told if len(told) > 1 else told[0])


def _without_fitness(axes: Axes, family: Genealogy) -> None:
  numbers = [number for number in sorted(family.candidates) if number not in family.fitness]
  if not numbers:
    return
  for state in dict.fromkeys(family.states.get(number, "") for number in numbers):
    of_state = [number for number in numbers if family.states.get(number, "") == state]
    marks = axes.scatter(
      of_state,
      [0.025] * len(of_state),
      transform=axes.get_xaxis_transform(),
      marker=colours.MARKERS.get(state, "o"),
      s=26,
      linewidths=0,
      color=colours.STATES.get(state, colours.GREY),
      zorder=3,
    )
    told = [family.told(number) for number in of_state]
    pictures.hover(marks, told if len(told) > 1 else told[0])


def _labels(axes: Axes, family: Genealogy, bold: set[int]) -> None:
  """Writes numbers at ancestors and what changed at lines, wherever there is room."""
  few = len(family.candidates) <= _FEW
  dots = family.fitness if few else bold & set(family.fitness)
  taken = [_box(axes, (number, family.fitness[number]), "o", 0.0) for number in sorted(dots)]
  for number in sorted(bold & set(family.fitness), reverse=True):
    at = float(number), family.fitness[number]
    _write(axes, at, str(number), taken, (13.0, -13.0), {"weight": "bold", "color": colours.INK})
  others = set(family.candidates) - bold if few else set()
  for numbers, offsets, style in (
    (bold, (13.0, -13.0, 0.0), {"color": colours.INK}),
    (others, (0.0, 13.0, -13.0), {"color": colours.FAINT, "fontsize": 9.0}),
  ):
    for number in sorted(numbers, reverse=True):
      if edge := family.edge(number):
        (x, y), (x_, y_) = edge
        text = descent.short(family.candidates[number])
        _write(axes, ((x + x_) / 2, (y + y_) / 2), text, taken, offsets, style)


def _write(
  axes: Axes,
  at: tuple[float, float],
  text: str,
  taken: list[Box],
  offsets: Sequence[float],
  style: Mapping[str, Any],
) -> None:
  """Writes a text at the first of some heights above a point at which nothing is yet."""
  for offset in offsets:
    box = _box(axes, at, text, offset)
    if _is_inside(box) and not any(_overlap(box, other) for other in taken):
      taken.append(box)
      axes.annotate(
        text,
        at,
        xytext=(0, offset),
        textcoords="offset points",
        ha="center",
        va="center",
        zorder=6,
        bbox={"facecolor": colours.PAPER, "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        **{"fontsize": 10.5, **style},
      )
      return


def _box(axes: Axes, at: tuple[float, float], text: str, offset: float) -> Box:
  """Returns left, bottom, right and top of a text above a point, in pixels."""
  half = len(text) * _LETTER[0] / 2 + 2
  x, y = (float(each) for each in axes.transData.transform(at))
  height = _LETTER[1] / 2 + 1
  return x - half, y + offset - height, x + half, y + offset + height


def _is_inside(box: Box) -> bool:
  return box[0] > _PLACE[0] * _WIDTH and box[2] < _WIDTH - 2 and 0 < box[1] and box[3] < _HEIGHT - 2


def _overlap(one: Box, other: Box) -> bool:
  return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

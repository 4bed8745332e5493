"""The front of a search as a table for people: in the status, and when a search has ended."""

from collections.abc import Iterator, Sequence
import dataclasses

from official.runs import fitness as fitness_lib
from official.runs.final_records import FinalMember
from official.search import objectives
from official.search.front import Front
from official.search.settings import SearchSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compromise:
  """A member of the front.

  Attributes:
    number: The candidate's.
    fitness: Larger is better.
    costs: By name; lower is better.
    knee: Whether it is the knee of the front.
  """

  number: int
  fitness: float
  costs: dict[str, float]
  knee: bool


def compromises(front: Front, settings: SearchSettings) -> tuple[Compromise, ...]:
  """Returns the members of a front, of best fitness first."""
  return tuple(
    Compromise(
      number=member.number,
      fitness=member.fitness,
      costs=dict(zip(settings.costs, member.costs, strict=True)),
      knee=member == front.knee,
    )
    for member in front.members
  )


def lines(members: Sequence[Compromise], fitness: str) -> Iterator[str]:
  """Yields a headline and a table; nothing for an empty front.

  Args:
    members: The front.
    fitness: Name of the fitness.
  """
  if not members:
    return
  costs = list(members[0].costs)
  count = f"{len(members)} candidate{'s' * (len(members) > 1)}"
  yield f"front of {fitness} against {' and '.join(costs)}: {count}"
  rows = [["candidate", fitness, *costs, ""]]
  for member in members:
    numbers = [objectives.number(name, cost) for name, cost in member.costs.items()]
    reached = fitness_lib.number(fitness, member.fitness)
    rows.append([f"{member.number:06d}", reached, *numbers, "knee" if member.knee else ""])
  yield from _table(rows)


def final_lines(members: Sequence[FinalMember], settings: SearchSettings) -> Iterator[str]:
  """Yields a table of what was trained to the end: fitness by split, costs and export.

  One that another of them dominates by now is marked.
  """
  splits = list(members[0].metrics or {})
  rows = [
    ["candidate", *(f"{settings.fitness}, {each}" for each in splits), *settings.costs, "", ""]
  ]
  points = [
    objectives.point(member.fitness or 0.0, objectives.costs_of(member, settings.costs))
    for member in members
  ]
  front = objectives.first_front(points)
  for index, member in enumerate(members):
    reached = [
      fitness_lib.number(settings.fitness, fitness_lib.compute(settings.fitness, metrics))
      for metrics in (member.metrics or {}).values()
    ]
    costs = objectives.costs_of(member, settings.costs)
    numbers = [objectives.number(*each) for each in zip(settings.costs, costs, strict=True)]
    mark = "" if index in front or not settings.costs else "dominated"
    rows.append([f"{member.candidate:06d}", *reached, *numbers, member.export or "", mark])
  yield from _table(rows, left=2)


def _table(rows: Sequence[Sequence[str]], left: int = 1) -> Iterator[str]:
  """Yields a line for each row; the last `left` columns are flush left, the others right."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  first_left = len(widths) - left
  for row in rows:
    cells = [
      cell.rjust(width) if place < first_left else cell.ljust(width)
      for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    yield f"  {'  '.join(cells)}".rstrip()

"""Several objectives at once: what dominates what, and how crowded it is there.

The first objective is the fitness, the others are costs, which a result has and which are
minimised:

    multiply_adds   of one clip, forward
    params          trainable parameters
    latency         measured milliseconds of one clip, forward

Everything here works on points: tuples of numbers, all of which are minimised. A candidate's point
is (-fitness, log cost, ...). The order of candidates is that of NSGA-II (Deb, Pratap, Agarwal,
Meyarivan 2002, sections III.A and III.B). A point dominates another if it is nowhere larger and
somewhere smaller. The points that nothing dominates are the first front; those that nothing
dominates once the first front is taken away are the second, and so on. Within a front the one with
more room around it is better: its crowding distance, the sum over the objectives of the distance
between its two neighbours as a share of the front's range, infinite at the ends of the range.

Points are given in an order of preference, and whatever is equal is settled by it.
"""

from collections.abc import Sequence
import math
import sys
from typing import Protocol

from data_prep.common import cli

# Objective -> field of a result, and how people are told it.
_FIELDS = {"multiply_adds": "multiply_adds", "params": "params", "latency": "latency_ms"}
COSTS = tuple(_FIELDS)
LATENCY = "latency"
Point = tuple[float, ...]


def parse(text: str | None, fitness: str) -> tuple[str, ...]:
  """Returns the costs in the value of --objectives; none for None.

  Args:
    text: The fitness and at least one cost, separated by commas.
    fitness: The value of --fitness.

  Raises:
    UserError: It is something else.
  """
  if text is None:
    return ()
  flag = f"--objectives={text}"
  first, *costs = (name.strip() for name in text.split(","))
  if first in COSTS:
    raise cli.UserError(f"{flag} begins with a cost; begin with the fitness: {fitness},{text}")
  if first != fitness:
    raise cli.UserError(
      f"{flag} begins with {first}, and --fitness={fitness}; the first objective is the fitness, "
      "so give the same name to both"
    )
  if not costs:
    raise cli.UserError(
      f"{flag} is the fitness alone; add a cost ({', '.join(COSTS)}), or leave the flag out"
    )
  for name in costs:
    if name not in COSTS:
      raise cli.UserError(
        f"{flag} names {name!r}, which is no cost; after the fitness, give one or more of "
        f"{', '.join(COSTS)}"
      )
  if len(set(costs)) < len(costs):
    raise cli.UserError(f"{flag} names a cost twice; give each once")
  return tuple(costs)


class Costly(Protocol):
  """What a result says of costs; a field is None where it says nothing."""

  @property
  def params(self) -> int | None: ...

  @property
  def multiply_adds(self) -> int | None: ...

  @property
  def latency_ms(self) -> float | None: ...


def costs_of(result: Costly, costs: Sequence[str], whose: str = "a candidate") -> tuple[float, ...]:
  """Returns the costs of a feasible candidate.

  Raises:
    UserError: Its result lacks one; `whose` it is, is told.
  """
  found = []
  for name in costs:
    value = getattr(result, _FIELDS[name])
    if value is None:
      raise cli.UserError(
        f"the result.json of {whose} has no {_FIELDS[name]}, which --objectives needs; delete it, "
        "so that the candidate is trained again, or restore it"
      )
    found.append(value)
  return tuple(found)


def number(name: str, cost: float) -> str:
  """Returns a cost for people: `1,234,567`, or `3.21 ms`."""
  return f"{cost:.3g} ms" if name == LATENCY else f"{cost:,.0f}"


def point(fitness: float, costs: Sequence[float]) -> Point:
  """Returns the point of a candidate: a cost counts by its logarithm, so that halving it counts
  alike wherever it is."""
  return (-fitness, *(math.log(max(cost, sys.float_info.min)) for cost in costs))


def dominates(one: Point, other: Point) -> bool:
  """Returns whether `one` is nowhere larger and somewhere smaller."""
  return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def first_front(points: Sequence[Point]) -> tuple[int, ...]:
  """Returns the indices, ascending, of the points that none dominates."""
  return tuple(
    index
    for index, candidate in enumerate(points)
    if not any(dominates(other, candidate) for other in points)
  )


def fronts(points: Sequence[Point]) -> list[tuple[int, ...]]:
  """Returns the indices of every front, the first front first."""
  left = list(range(len(points)))
  found = []
  while left:
    front = tuple(left[place] for place in first_front([points[index] for index in left]))
    found.append(front)
    left = [index for index in left if index not in front]
  return found


def crowding(points: Sequence[Point]) -> list[float]:
  """Returns the crowding distance of each point of a front.

  Of equal points all but the first have none: 0.
  """
  distances = [0.0] * len(points)
  distinct = list({value: index for index, value in reversed(list(enumerate(points)))}.values())
  for objective in range(len(points[0]) if points else 0):
    order = sorted(distinct, key=lambda index: (points[index][objective], index))
    least, most = points[order[0]][objective], points[order[-1]][objective]
    distances[order[0]] = distances[order[-1]] = math.inf
    for before, index, after in zip(order, order[1:], order[2:]):
      if most > least:
        gap = points[after][objective] - points[before][objective]
        distances[index] += gap / (most - least)
  return distances


def ranks(points: Sequence[Point]) -> list[tuple[int, float]]:
  """Returns (front, -crowding distance) of each point, which sorts the better first."""
  found = [(0, 0.0)] * len(points)
  for place, front in enumerate(fronts(points)):
    for index, distance in zip(front, crowding([points[index] for index in front]), strict=True):
      found[index] = (place, -distance)
  return found


def spread(points: Sequence[Point], count: int) -> tuple[int, ...]:
  """Returns the indices, ascending, of at most `count` points of a front that lie far apart.

  The most crowded goes, again and again; of equally crowded ones, the last.
  """
  kept = list(range(len(points)))
  while len(kept) > count:
    distances = crowding([points[index] for index in kept])
    kept.pop(min(range(len(kept)), key=lambda place: (distances[place], -place)))
  return tuple(kept)


def knee(points: Sequence[Point]) -> int:
  """Returns the index of the knee of a front.

  It is the point farthest from the line between the two ends, on the side of the better, where
  every objective is scaled to 0 for the best of the front and 1 for its worst. The line is
  x + y = 1, so that the knee has the least sum, which is also its meaning for more objectives. On
  a straight front every point is a knee; then the first is returned.
  """
  least, most = (tuple(map(bound, zip(*points))) for bound in (min, max))
  sums = [
    sum((x - low) / (high - low) for x, low, high in zip(each, least, most) if high > low)
    for each in points
  ]
  return min(range(len(points)), key=lambda index: (round(sums[index], 9), index))


def hypervolume(points: Sequence[Point], reference: Point) -> float:
  """Returns the volume that some points dominate, up to a point that is worse than all that count.

  (Zitzler and Thiele 1998; here by slices along the last objective.)
  """
  inside = [each for each in points if all(x < bound for x, bound in zip(each, reference))]
  if not inside:
    return 0.0
  if len(reference) == 1:
    return reference[0] - min(inside)[0]
  inside.sort(key=lambda each: each[-1])
  volume = 0.0
  for place, each in enumerate(inside):
    after = inside[place + 1][-1] if place + 1 < len(inside) else reference[-1]
    if after > each[-1]:
      below = [other[:-1] for other in inside[: place + 1]]
      volume += (after - each[-1]) * hypervolume(below, reference[:-1])
  return volume

"""Who is trained on: asynchronous successive halving by promotion.

Candidates are judged at rungs, that is, after growing numbers of steps. Nobody is pruned: a
candidate that was judged rests at its rung with its checkpoint. A worker that becomes free

  1. promotes, from the highest rung where that is possible, the best candidate that rests there, if
     it is among the best third of all that were judged at the rung, and these are at least three;
  2. otherwise begins a new candidate, as long as there are rounds;
  3. otherwise waits for the candidates in flight, whose results may allow a promotion;
  4. otherwise, if fewer have finished the last rung than are trained to the end afterwards,
     promotes the best that rests at the highest rung, whatever its place: a search needs a winner.

There is no barrier, for nobody waits while there are rounds, and nobody starves: whoever is among
the best third of a rung in the end has been promoted. The decision is a function of who was judged
where with what rank, and of who was promoted; both are in the files of the candidates.

Source: Li et al., A System for Massively Parallel Hyperparameter Tuning (ASHA), MLSys 2020,
algorithm 2, with a reduction factor of three. There a rung is promoted from as soon as it has three
results, too.
"""

import bisect
from collections.abc import Iterator
import dataclasses
from typing import Literal

REDUCTION = 3  # One of so many is promoted.
Rank = tuple[float, ...]  # Sorts the better first.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
  """A promotion: candidate `number` is trained on to rung `rung`."""

  number: int
  rung: int


class _Rung:
  """The candidates that were judged at a rung below the last."""

  def __init__(self) -> None:
    self.judged: list[tuple[Rank, int]] = []  # Best first.
    self.resting: list[tuple[Rank, int]] = []  # Those of them that were not promoted, best first.
    self.ranks: dict[int, Rank] = {}

  @property
  def candidate(self) -> int | None:
    """Who can be promoted from here by right, if anybody."""
    if not self.resting or len(self.judged) < REDUCTION:
      return None
    best = self.resting[0]
    place = bisect.bisect_left(self.judged, best)
    return best[1] if place < len(self.judged) // REDUCTION else None


class Ladder:
  """Who was judged at which rung below the last, and who was promoted.

  It is built from records in any order in which a candidate is judged at a rung before it is
  promoted from there. Without rungs it is empty.
  """

  def __init__(self, rungs: int):
    """Makes the ladder of a search with so many rungs, the last one included."""
    self._rungs = [_Rung() for _ in range(rungs - 1)]
    self._reached: dict[int, int] = {}

  def judge(self, number: int, rung: int, rank: Rank) -> None:
    """Takes in that a candidate was judged at a rung below the last."""
    at = self._rungs[rung]
    at.ranks[number] = rank
    bisect.insort(at.judged, (rank, number))
    bisect.insort(at.resting, (rank, number))

  def promote(self, step: Step) -> None:
    """Takes in a promotion."""
    below = self._rungs[step.rung - 1]
    below.resting.remove((below.ranks[step.number], step.number))
    self._reached[step.number] = step.rung

  def reached(self, number: int) -> int:
    """Returns the rung at which a candidate was judged last, or to which it is being trained."""
    return self._reached.get(number, 0)

  def judged(self) -> list[int]:
    """Returns how many were judged at each rung below the last."""
    return [len(rung.judged) for rung in self._rungs]

  def resting(self, rung: int) -> list[int]:
    """Returns the candidates that rest at a rung, the best first."""
    return [number for _, number in self._rungs[rung].resting]

  def promotable(self) -> Step | None:
    """Returns the promotion that is due, if one is: from the highest rung that has one."""
    for index, rung in reversed(list(enumerate(self._rungs))):
      if (number := rung.candidate) is not None:
        return Step(number=number, rung=index + 1)
    return None

  def best_resting(self) -> Step | None:
    """Returns the promotion of the best that rests at the highest rung where anybody rests."""
    for index, rung in reversed(list(enumerate(self._rungs))):
      if rung.resting:
        return Step(number=rung.resting[0][1], rung=index + 1)
    return None

  def hopeless(self, candidates: int) -> Iterator[int]:
    """Yields those at the first place of each rung that is too low for a promotion by right,
    however the rest of the search goes.

    A place never improves, and no rung can have more results than the search has candidates. So,
    called after every `judge`, it yields everybody who loses hope.

    Args:
      candidates: Candidates of the search in all.
    """
    places = candidates // REDUCTION
    for rung in self._rungs:
      if len(rung.judged) > places:
        yield rung.judged[places][1]

  def place(self, number: int) -> int | None:
    """Returns the place of a candidate, from 0, at the rung where it rests; None if at none."""
    for rung in self._rungs:
      if number in rung.ranks:
        entry = (rung.ranks[number], number)
        at = bisect.bisect_left(rung.resting, entry)
        if at < len(rung.resting) and rung.resting[at] == entry:
          return bisect.bisect_left(rung.judged, entry)
    return None

  def may_rise(self, number: int, candidates: int) -> bool:
    """Whether a candidate rests at a rung and may still be promoted by right."""
    place = self.place(number)
    return place is not None and place < candidates // REDUCTION


def decide(
  ladder: Ladder, *, may_begin: bool, is_over: bool, in_flight: int, lacking: int
) -> Step | Literal["begin", "wait", "end"]:
  """Returns what a free worker does: a promotion, `begin` a new candidate, `wait`, or `end`.

  Args:
    ladder: Who was judged and promoted.
    may_begin: Whether there are rounds left for a new candidate.
    is_over: Whether a budget is used up, so that nothing is begun or promoted by right.
    in_flight: Candidates that are being trained.
    lacking: Finished candidates that the final training still needs.
  """
  if not is_over:
    due = ladder.promotable()
    if due is not None:
      return due
    if may_begin:
      return "begin"
  if in_flight:
    return "wait"
  return (ladder.best_resting() if lacking > 0 else None) or "end"


def expected(candidates: int, rungs: int) -> list[int]:
  """Returns how many candidates are expected to be trained to each rung, the last one included.

  It is a lower bound: a candidate that was promoted may fall out of the best third later.

  >>> expected(30, 3)
  [30, 10, 3]
  """
  counts = [candidates]
  for _ in range(rungs - 1):
    counts.append(max(counts[-1] // REDUCTION, min(counts[-1], 1)))
  return counts

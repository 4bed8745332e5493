"""Who worked when: trainings on lanes, one for each that ran at the same time.

Records do not say which worker trained a candidate. A training is put on the first lane that is
free when it starts; lanes are as many as trainings that ever ran side by side, and so as workers
that were ever busy together.
"""

from collections.abc import Sequence
import dataclasses
import heapq

from official.reports import clock
from official.reports import facts
from official.reports.clock import Span


@dataclasses.dataclass(frozen=True, kw_only=True)
class Placed:
  """A training on its lane; hours are those of searching (clock.py)."""

  span: Span
  lane: int
  begin: float
  end: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timeline:
  """All trainings of candidates.

  Attributes:
    trainings: By when they started.
    lanes: How many lanes there are.
    hours: Hours of searching in all.
    pauses: The hours at which nobody trained for a while, such as until a killed search was
      resumed.
  """

  trainings: tuple[Placed, ...]
  lanes: int
  hours: float
  pauses: tuple[float, ...]

  @property
  def busy(self) -> float:
    """Hours of all lanes in trainings."""
    return sum(each.end - each.begin for each in self.trainings)

  @property
  def in_steps(self) -> float | None:
    """Hours of all lanes in training and evaluation steps; None where a training does not tell."""
    seconds = [each.span.in_steps for each in self.trainings]
    known = [each for each in seconds if each is not None]
    return sum(known) / 3600 if len(known) == len(seconds) and known else None

  @property
  def idle(self) -> float:
    """Hours of all lanes without a training."""
    return max(self.lanes * self.hours - self.busy, 0.0)


def of(run: facts.Run) -> Timeline:
  """Returns the timeline of a search."""
  spans = clock.spans(run)
  hours = clock.Clock(spans)
  lanes = _lanes(spans)
  placed = tuple(
    Placed(span=span, lane=lane, begin=hours.hours(span.started), end=hours.hours(span.finished))
    for span, lane in zip(spans, lanes, strict=True)
  )
  return Timeline(
    trainings=placed,
    lanes=max(lanes, default=-1) + 1,
    hours=max((each.end for each in placed), default=0.0),
    pauses=tuple(hours.pauses),
  )


def _lanes(spans: Sequence[Span]) -> list[int]:
  """Returns a lane for each training, of trainings by when they started."""
  free: list[int] = []
  busy: list[tuple[float, int]] = []
  found, lanes = [], 0
  for span in spans:
    while busy and busy[0][0] <= span.started:
      heapq.heappush(free, heapq.heappop(busy)[1])
    if free:
      lane = heapq.heappop(free)
    else:
      lane, lanes = lanes, lanes + 1
    heapq.heappush(busy, (span.finished, lane))
    found.append(lane)
  return found

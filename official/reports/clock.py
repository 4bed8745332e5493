"""The hours of a search, without those in which it was stopped.

A search that was left for a night and resumed has not become slow; so the clock stands still while
nobody trains for more than a minute. Shorter gaps are the driver's, between two trainings.
"""

import bisect
from collections.abc import Iterator
import itertools
from typing import NamedTuple

from official.reports import facts
from official.runs.records import Timing

_PAUSE = 60.0  # Seconds.


class Span(NamedTuple):
  """A training from when it was handed out until it came back.

  Attributes:
    number: The candidate's.
    rung: The rung below the last that it was trained to, None for a whole training.
    started, finished: Seconds since 1970.
    kills: Times that its process was killed.
    in_steps: Seconds in training and evaluation steps, or None.
  """

  number: int
  rung: int | None
  started: float
  finished: float
  kills: int
  in_steps: float | None


def spans(run: facts.Run) -> list[Span]:
  """Returns all trainings of candidates whose times are known, by when they started."""
  return sorted(_spans(run), key=lambda span: (span.started, span.finished, span.number))


def _spans(run: facts.Run) -> Iterator[Span]:
  for number, timings in run.rung_timings.items():
    for rung, timing in enumerate(timings):
      yield from _span(number, rung, timing)
  for number, timing in run.timings.items():
    yield from _span(number, None, timing)


def _span(number: int, rung: int | None, timing: Timing) -> Iterator[Span]:
  started, finished = timing.started_at, timing.finished_at
  if started is not None and finished is not None and finished >= started:
    yield Span(number, rung, started, finished, timing.kills or 0, timing.seconds_in_steps)


class Clock:
  """Tells the hours of a search at a time of the world."""

  def __init__(self, trainings: list[Span]):
    """Makes the clock from trainings, by when they started."""
    self._starts: list[float] = []
    self._ends: list[float] = []
    for span in trainings:
      if self._ends and span.started <= self._ends[-1] + _PAUSE:
        self._ends[-1] = max(self._ends[-1], span.finished)
      else:
        self._starts.append(span.started)
        self._ends.append(span.finished)
    lengths = (end - start for start, end in zip(self._starts, self._ends))
    self._before = [0.0, *itertools.accumulate(lengths)]

  def hours(self, at: float) -> float:
    """Returns the hours of searching until `at`, in seconds since 1970."""
    place = bisect.bisect_right(self._starts, at) - 1
    if place < 0:
      return 0.0
    return (self._before[place] + min(at, self._ends[place]) - self._starts[place]) / 3600

  @property
  def pauses(self) -> list[float]:
    """The hours at which the search stood still for a while."""
    return [seconds / 3600 for seconds in self._before[1:-1]]

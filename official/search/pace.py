"""The pace of a search: trainings an hour, the time left, and what workers spend it on.

It comes from the timings of the candidates that were proposed last. With rungs, every training to a
rung counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from official.runs import rung_records
from official.runs.records import Timing
from official.runs.run_directory import RunDirectory
from official.search import promotion
from official.search.settings import SearchSettings
from official.search.state import SearchState


class Span(NamedTuple):
  """When a training began and ended, and how many of the seconds it spent in steps."""

  started_at: float
  finished_at: float
  seconds_in_steps: float | None


def spans(run: RunDirectory, numbers: Iterable[int], settings: SearchSettings) -> list[Span]:
  """Returns the spans of the trainings of some candidates, of those timings that are whole."""
  return [
    Span(timing.started_at, timing.finished_at, timing.seconds_in_steps)
    for timing in _timings(run, numbers, settings)
    if timing and timing.started_at is not None and timing.finished_at is not None
  ]


def _timings(
  run: RunDirectory, numbers: Iterable[int], settings: SearchSettings
) -> Iterator[Timing | None]:
  for number in numbers:
    if settings.rungs:
      yield from rung_records.read_timings(run, number)
    yield run.read_timing(number)


def evaluations_an_hour(timings: Sequence[Span]) -> float | None:
  """Returns evaluations an hour, counting the hours in which any candidate was at work: a search
  that was left for a night and is resumed has not become slow."""
  busy, until = 0.0, float("-inf")
  for span in sorted(timings, key=lambda span: span.started_at):
    busy += max(span.finished_at - max(span.started_at, until), 0)
    until = max(until, span.finished_at)
  return len(timings) / busy * 3600 if len(timings) > 1 and busy > 0 else None


def seconds_left(
  settings: SearchSettings,
  state: SearchState,
  left: int,
  pace: float | None,
  searched_seconds: float,
  enough: str | None,
) -> float | None:
  """Returns the seconds that `left` candidates take, or that --max_hours leaves, if fewer."""
  trainings = _trainings_left(settings, state, left)
  seconds = trainings / pace * 3600 if pace and trainings else None
  if seconds is None or enough or settings.max_hours is None:
    return seconds
  return min(seconds, settings.max_hours * 3600 - searched_seconds)


def _trainings_left(settings: SearchSettings, state: SearchState, left: int) -> int:
  """Returns about how many trainings `left` candidates make, those of promoted ones included."""
  if not settings.rungs or not left:
    return left
  begun = max(settings.candidates, state.proposed)
  expected = sum(promotion.expected(begun, len(settings.rung_steps)))
  return max(expected - state.known_results, left)


def share_in_steps(timings: Iterable[Span]) -> float | None:
  """Returns the share of the trainings' time that they spent in steps; None if none tells."""
  in_steps = seconds = 0.0
  for span in timings:
    if span.seconds_in_steps is not None:
      in_steps += span.seconds_in_steps
      seconds += span.finished_at - span.started_at
  return in_steps / seconds if seconds > 0 else None

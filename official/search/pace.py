"""The pace of a search, from when its candidates began and ended."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from official.runs.records import Timing


class Span(NamedTuple):
  """When a candidate began and ended, and how many of the seconds it spent in steps."""

  started_at: float
  finished_at: float
  seconds_in_steps: float | None


def spans(timings: Iterable[Timing | None]) -> list[Span]:
  """Returns the spans of those timings that are whole."""
  return [
    Span(timing.started_at, timing.finished_at, timing.seconds_in_steps)
    for timing in timings
    if timing and timing.started_at is not None and timing.finished_at is not None
  ]


def evaluations_an_hour(timings: Sequence[Span]) -> float | None:
  """Returns evaluations an hour, counting the hours in which any candidate was at work: a search
  that was left for a night and is resumed has not become slow."""
  busy, until = 0.0, float("-inf")
  for span in sorted(timings, key=lambda span: span.started_at):
    busy += max(span.finished_at - max(span.started_at, until), 0)
    until = max(until, span.finished_at)
  return len(timings) / busy * 3600 if len(timings) > 1 and busy > 0 else None


def share_in_steps(spans: Iterable[Span]) -> float | None:
  """Returns the share of the workers' time inside steps; None where no candidate tells."""
  in_steps = seconds = 0.0
  for span in spans:
    if span.seconds_in_steps is not None:
      in_steps += span.seconds_in_steps
      seconds += span.finished_at - span.started_at
  return in_steps / seconds if seconds > 0 else None

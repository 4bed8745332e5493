"""The time in steps adds up."""

import time

import pytest

from official.training import progress_file


@pytest.fixture
def clock(monkeypatch):
  """A clock that moves when told to."""
  now = [0.0]
  monkeypatch.setattr(time, "monotonic", lambda: now[0])

  def move(seconds: float) -> None:
    now[0] += seconds

  return move


def test_the_first_step_counts_as_much_as_a_later_one(clock):
  stopwatch = progress_file.Stopwatch()
  with stopwatch.steps(1, first=True):
    clock(10)
  with stopwatch.steps(4):
    clock(2)
  with stopwatch.steps(4):
    clock(3)
  assert stopwatch.seconds == 0.5 + 2 + 3


def test_a_first_step_that_is_the_only_one_does_not_count(clock):
  stopwatch = progress_file.Stopwatch()
  with stopwatch.steps(1, first=True):
    clock(10)
  assert stopwatch.seconds == 0


def test_time_between_blocks_does_not_count(clock):
  stopwatch = progress_file.Stopwatch()
  with stopwatch.steps(2):
    clock(1)
  clock(100)
  assert stopwatch.seconds == 1

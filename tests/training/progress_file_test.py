"""The time in steps adds up."""

import json
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


def test_metrics_are_written_once_there_are_some_that_are_finite(tmp_path):
  report = progress_file.Progress(str(tmp_path))
  report("tracing", 0, 5)
  first = json.loads((tmp_path / "progress.json").read_text())
  assert first == {"phase": "tracing", "step": 0, "steps": 5}
  report("training", 5, 5, {"loss": float("nan"), "accuracy": 0.5})
  assert json.loads((tmp_path / "progress.json").read_text())["metrics"] == {"accuracy": 0.5}


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

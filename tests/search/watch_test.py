"""The status of a search on one screen, again and again."""

import dataclasses
import io
import os

from official.search import overview
from official.search import watch


class _Terminal(io.StringIO):
  def isatty(self):
    return True


def _status(condition: str, population: int = 0) -> overview.Status:
  values = {field.name: None for field in dataclasses.fields(overview.Status)}
  empty = ("resting", "failures", "population", "front", "confirmation", "final_in_flight")
  flight = overview.InFlight(
    number=3,
    phase="training",
    step=20,
    steps=100,
    metrics={"loss": 1.5, "accuracy": 0.25},
    checkpoint=None,
  )
  return overview.Status(
    **{
      **values,
      **dict.fromkeys(empty, ()),
      "model_dir": "run",
      "condition": condition,
      "asked": 8,
      "finished": 2,
      "by_status": {"ok": 2},
      "fitness": "accuracy",
      "in_flight": (flight,) * max(1, population),
    }
  )


def _watched(statuses, out) -> tuple[str, list[float]]:
  slept: list[float] = []
  looks = iter(statuses)
  last = watch.watch(lambda: next(looks), 7.0, out=out, sleep=slept.append, clock=lambda: "noon")
  assert last is statuses[-1]
  return out.getvalue(), slept


def test_looks_are_repeated_until_nobody_is_at_work():
  shown, slept = _watched([_status("alive"), _status("alive"), _status("dead")], io.StringIO())
  assert slept == [7.0, 7.0]
  assert shown.count("in flight: candidate 000003, training step 20/100, loss 1.5") == 2
  assert shown.count("noon, every 7 s; Ctrl-C ends") == 2
  assert shown.endswith("noon, the last look\n\n")


def test_on_a_terminal_a_look_replaces_the_one_before():
  shown, _ = _watched([_status("alive"), _status("finished")], _Terminal())
  assert shown.startswith("\x1b[H\x1b[2J") and shown.count("\x1b[2J") == 2


def test_what_does_not_fit_on_the_screen_is_cut_and_counted(monkeypatch):
  monkeypatch.setattr(watch.shutil, "get_terminal_size", lambda: os.terminal_size((80, 10)))
  shown, _ = _watched([_status("dead", population=50)], _Terminal())
  lines = shown.splitlines()
  assert len(lines) <= 10
  assert lines[-2] == "... and 46 more lines: a higher window shows them"
  assert lines[-1] == "noon, the last look"

"""The output of a running search: a bar on a terminal, lines elsewhere, and never silence.

On a terminal one bar shows finished candidates, time left, the best fitness, and what those in
flight are doing. Elsewhere there is a line for every candidate that starts or finishes, and,
whenever nothing was said for ten seconds, one on what is in flight:

    in flight: candidate 000003 (child of 000001): training step 40/200, loss 1.23, accuracy 0.41;
      candidate 000004 (random): tracing (TensorFlow builds its graph, once; no step yet), 12 s

That comes from each training's `progress.json`, read by a thread, so that it also speaks where the
driver itself trains. Steps come from the file; the seconds are how long this console has seen the
phase.
"""

import contextlib
import dataclasses
import itertools
import math
import sys
import threading
import time
from typing import TextIO

import tqdm

from data_prep.common import cli
from official.runs import json_files
from official.runs import phases
from official.runs import record_files
from official.runs.records import Progress

HEARTBEAT_SECONDS = 10.0
_SHOWN = 4


@dataclasses.dataclass
class _Activity:
  """A training in flight: its candidate, its folder, and its phase since when."""

  label: str
  directory: str
  phase: str = "waiting"
  since: float = dataclasses.field(default_factory=time.monotonic)


class Console:
  """Tells the user. The search's thread calls its methods; the heartbeat is a thread of its own."""

  def __init__(
    self,
    *,
    lines: TextIO | None = None,
    terminal: bool | None = None,
    heartbeat: float = HEARTBEAT_SECONDS,
  ):
    """Makes a console.

    Args:
      lines: Where lines go; standard output by default.
      terminal: Whether to draw a bar; by default, whether standard error is a terminal.
      heartbeat: Seconds of silence at most.
    """
    self._lines = lines or sys.stdout
    self._terminal = sys.stderr.isatty() if terminal is None else terminal
    self._heartbeat = heartbeat
    self._activities: dict[str, _Activity] = {}
    self._lock = threading.Lock()
    self._spoke = time.monotonic()
    self._ended = threading.Event()
    self._thread: threading.Thread | None = None
    self._bar: tqdm.tqdm | None = None
    self._best: str = ""
    self._total = 0
    self._unit = "candidates"
    self._finished = 0
    self._finished_before = 0
    self._started = time.monotonic()

  def __enter__(self) -> "Console":
    self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
    self._thread.start()
    return self

  def __exit__(self, *unused: object) -> None:
    self._ended.set()
    if self._thread is not None:
      self._thread.join()
    self.end_bar()

  def say(self, text: str) -> None:
    """Prints a line."""
    with self._lock:
      self._print(text)

  def begin_search(self, *, total: int, finished: int, best: str, unit: str = "candidates") -> None:
    """Starts counting: `finished` of `total` candidates are done already, the best of them
    `best`. `unit` says what is counted; `total` is an estimate if it is not candidates."""
    self._unit = unit
    self._total, self._finished, self._finished_before, self._best = total, finished, finished, best
    self._started = time.monotonic()
    if self._terminal:
      self._bar = tqdm.tqdm(
        total=total,
        initial=finished,
        unit=unit.removesuffix("s"),
        dynamic_ncols=True,
        file=sys.stderr,
      )

  def begin(self, key: str, label: str, directory: str) -> None:
    """A training was handed to a worker."""
    with self._lock:
      self._activities[key] = _Activity(label, directory)
      if self._bar is None:
        self._print(f"{label}: started")

  def end(self, key: str, text: str) -> None:
    """A training came back, for good or for another try; `text` says how."""
    with self._lock:
      activity = self._activities.pop(key)
      if self._bar is None:
        self._print(f"{activity.label}: {text}")

  def count(self, best: str) -> None:
    """One more is finished; `best` describes the best so far."""
    self._finished += 1
    self._best = best
    with self._lock:
      if self._bar is not None:
        self._bar.set_postfix_str(self._postfix(), refresh=False)
        self._bar.update()
      else:
        total = max(self._total, self._finished)
        about = "" if self._unit == "candidates" else "about "
        self._print(
          f"{self._finished} of {about}{total} {self._unit} finished; {best}{self._time_left()}"
        )

  def end_bar(self) -> None:
    """Closes the bar; lines from here on."""
    with self._lock:
      if self._bar is not None:
        self._bar.close()
        self._bar = None

  def _beat(self) -> None:
    tick = min(1.0, self._heartbeat)
    while not self._ended.wait(tick):
      with self._lock:
        shown = self._shown()
      for activity in shown:  # Unlocked, and no others: the driver of a thousand does not wait.
        _look(activity)
      with self._lock:
        if self._bar is not None:
          self._bar.set_postfix_str(self._postfix())
        elif self._activities and time.monotonic() - self._spoke >= self._heartbeat:
          self._print(f"in flight: {self._in_flight()}")

  def _print(self, text: str) -> None:
    self._spoke = time.monotonic()
    if self._bar is not None:
      self._bar.write(text, file=self._lines)
    else:
      print(text, file=self._lines, flush=True)

  def _postfix(self) -> str:
    return "; ".join(filter(None, [self._best, self._in_flight()]))

  def _shown(self) -> list[_Activity]:
    """Returns the trainings that are told of: those that are in flight for longest."""
    return list(itertools.islice(self._activities.values(), _SHOWN))

  def _in_flight(self) -> str:
    shown = [
      f"{activity.label}: {activity.phase}{_seconds(activity)}" for activity in self._shown()
    ]
    more = len(self._activities) - len(shown)
    return "; ".join([*shown, f"and {more} more"] if more else shown)

  def _time_left(self) -> str:
    done = self._finished - self._finished_before
    seconds = (time.monotonic() - self._started) / done * (self._total - self._finished)
    return f"; about {duration(seconds)} left" if self._finished < self._total else ""


def _look(activity: _Activity) -> None:
  """Reads what a training says of itself. The file of an earlier driver's life may be there until
  it speaks."""
  with contextlib.suppress(OSError, cli.UserError):
    path = json_files.join(activity.directory, "progress.json")
    progress = record_files.read(path, Progress)
    phase = "" if progress is None else phases.text(progress)
    if phase and phase != activity.phase:
      activity.phase, activity.since = phase, time.monotonic()


def _seconds(activity: _Activity) -> str:
  elapsed = time.monotonic() - activity.since
  return f", {elapsed:.0f} s" if elapsed >= 5 or "/" not in activity.phase else ""


def duration(seconds: float) -> str:
  """Returns a duration for people: 45 s, 12 min, 3.4 h."""
  if seconds < 90:
    return f"{math.ceil(seconds)} s"
  return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"

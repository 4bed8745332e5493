"""The progress of a training, in a file that others may read at any time; and the time of steps.

`progress.json` holds `{"phase", "step", "steps"}`; phases are starting, preparing, building,
tracing, training, evaluating, measuring sensitivity. Once steps were made, it also has `metrics`,
loss and metrics of the last training batches, for people to watch. It is replaced whole. It says
how far something is, never what came out of it.
"""

from collections.abc import Iterator, Mapping
import contextlib
import json
import math
import os
import time
import types

FILE = "progress.json"


class Progress:
  """Writes `progress.json` in a folder."""

  def __init__(self, directory: str):
    self._path = os.path.join(directory, FILE)

  def __call__(
    self,
    phase: str,
    step: int = 0,
    steps: int = 0,
    metrics: Mapping[str, float] = types.MappingProxyType({}),
  ) -> None:
    content: dict[str, object] = {"phase": phase, "step": int(step), "steps": int(steps)}
    finite = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
    if finite:
      content["metrics"] = finite
    temporary = self._path + ".tmp"
    with open(temporary, "w", encoding="utf-8") as file:
      json.dump(content, file)
    os.replace(temporary, self._path)


class Stopwatch:
  """Adds up the time in steps of training and evaluation.

  The first step of a graph traces and optimizes it too. It counts as much as one of the steps after
  it, and not at all if there is none, so that `seconds` is what the steps alone took.

  Attributes:
    seconds: In steps so far.
    processor_start: Processor time of this process when the stopwatch was made.
  """

  def __init__(self):
    self.seconds = 0.0
    self.processor_start = time.process_time()
    self._owed = 0

  @contextlib.contextmanager
  def steps(self, count: int, *, first: bool = False) -> Iterator[None]:
    """Measures a block of `count` steps; `first` are the first ones of their graph."""
    start = time.monotonic()
    yield
    if first:
      self._owed = count
      return
    self.seconds += (time.monotonic() - start) * (count + self._owed) / count
    self._owed = 0

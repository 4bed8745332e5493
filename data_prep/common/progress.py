"""The progress of a preparation, reported while it runs.

Beam's `run()` blocks and says nothing until the end, so the workers leave their counts in a folder
beside the output: each writer owns one file of three integers (clips done, clips failed, frames),
rewritten in place. The driver adds them up, and shows a bar on a terminal, or else a line at least
every ten seconds.
"""

from collections.abc import Callable, Iterable
import contextlib
import glob
import os
import shutil
import struct
import sys
import threading
import time
from typing import IO, NamedTuple
import uuid

import tqdm

_COUNTS = struct.Struct("<qqq")
_PREFIX = "progress-"
SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_WRITES = 0.5


class Counts(NamedTuple):
  """The numbers of clips that are done, clips that failed, and frames of both."""

  done: int = 0
  failed: int = 0
  frames: int = 0


class Counter:
  """A worker's side: counts, and writes them down now and then."""

  def __init__(self, directory: str | None):
    """Counts in `directory`; nowhere when that is None or does not exist on this machine."""
    self._done = self._failed = 0
    self._frames = self._frames_of_clip = 0
    self._written = 0.0
    self._file: int | None = None
    if directory and os.path.isdir(directory):
      name = os.path.join(directory, _PREFIX + uuid.uuid4().hex)
      self._file = os.open(name, os.O_WRONLY | os.O_CREAT, 0o644)

  def frame(self) -> None:
    """Counts a frame of the clip that is being made."""
    self._frames_of_clip += 1
    if time.monotonic() - self._written > _SECONDS_BETWEEN_WRITES:
      self._write()

  def clip(self, frames: int | None) -> None:
    """Counts a clip with that many frames, or a failed one (None); `frame` counts those of the
    next."""
    self._done += frames is not None
    self._failed += frames is None
    self._frames += frames or 0
    self._frames_of_clip = 0
    self._write()

  def close(self) -> None:
    """Ends counting; the file stays."""
    if self._file is not None:
      os.close(self._file)
      self._file = None

  def _write(self) -> None:
    self._written = time.monotonic()
    if self._file is not None:
      counts = _COUNTS.pack(self._done, self._failed, self._frames + self._frames_of_clip)
      os.pwrite(self._file, counts, 0)


def read(directory: str) -> Counts:
  """Returns the sum of the counters in `directory`; one that is deleted meanwhile is left out."""
  found = []
  for path in glob.glob(os.path.join(glob.escape(directory), _PREFIX + "*")):
    try:
      with open(path, "rb") as file:
        content = file.read()
    except FileNotFoundError:
      continue
    if len(content) == _COUNTS.size:
      found.append(Counts(*_COUNTS.unpack(content)))
  return total(found)


def total(counts: Iterable[Counts]) -> Counts:
  """Returns the sum."""
  return Counts(*map(sum, zip(*counts)))


class Reporter(contextlib.AbstractContextManager):
  """The driver's side: shows the counts in a thread of its own until the block ends."""

  def __init__(
    self,
    read_counts: Callable[[], Counts],
    clips: int,
    *,
    begin: Counts | None = None,
    interval: float = 0.5,
    output: IO[str] | None = None,
  ):
    """Shows, on stderr or `output`, what `read_counts` returns of `clips` clips, asking every
    `interval` seconds; `begin` is what was done before, which no rate counts."""
    self._read = read_counts
    self._clips = clips
    self._begin = begin or Counts()
    self._interval = interval
    self._output = output or sys.stderr
    self._ended = threading.Event()
    self._began = time.monotonic()
    self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

  def __enter__(self) -> "Reporter":
    self._thread.start()
    return self

  def __exit__(self, *error) -> None:
    self._ended.set()
    self._thread.join()

  def _run(self) -> None:
    if self._output.isatty():
      # A size also where the terminal does not tell its own, for which tqdm would show nothing.
      columns, lines = shutil.get_terminal_size()
      with tqdm.tqdm(
        total=self._clips,
        initial=self._begin.done + self._begin.failed,
        unit="clip",
        desc="preparing",
        file=self._output,
        ncols=columns,
        nrows=lines,
        mininterval=0.2,
      ) as bar:
        while not self._ended.wait(self._interval):
          self._show(bar)
        self._show(bar)
    else:
      shown = time.monotonic()
      while not self._ended.wait(self._interval):
        counts = self._read()
        if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
          shown = time.monotonic()
          print(self.line(counts), file=self._output, flush=True)

  def _show(self, bar: tqdm.tqdm) -> None:
    done, failed, frames = self._read()
    bar.set_postfix(failed=failed, frames=frames, refresh=False)
    bar.n = done + failed
    bar.refresh()

  def line(self, counts: Counts) -> str:
    """Returns the state as one line."""
    done, failed, frames = counts
    seconds = time.monotonic() - self._began
    rate = (done + failed - self._begin.done - self._begin.failed) / seconds
    left = duration((self._clips - done - failed) / rate) if rate else "unknown"
    return (
      f"prepared {done} of {self._clips} clips ({failed} failed), {frames} frames, "
      f"{rate:.2f} clips/s, {duration(seconds)} so far, time left: {left}"
    )


def duration(seconds: float) -> str:
  """Returns minutes:seconds, with hours where there are any."""
  minutes, seconds = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

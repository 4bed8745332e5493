"""Clips made in a process of their own, so that a crash costs one clip and not the job.

Decoders are C code that is fed with files of any origin. One that crashes takes its process with
it; here that is a child of the worker, the clip becomes a failure of stage `crash`, and the next
clip gets a new child. Only this way can a decoder that hangs be ended, too.

Outcomes cross the border as plain data: an exception that cannot be unpickled would break the pool.
"""

from collections.abc import Callable, Mapping, Sequence
import multiprocessing
import os
import signal
import threading
import time
from typing import Any

import pebble

from data_prep.common import progress
from data_prep.common import url_files
from data_prep.dataset import clip_examples
from data_prep.dataset import rows

_SECONDS_BETWEEN_LOOKS = 0.5


class Child:
  """A process that calls functions for this one, one at a time. It starts with the first call."""

  def __init__(
    self,
    initializer: Callable[..., None] | None = None,
    arguments: Sequence[Any] = (),
    timeout: float = 0.0,
  ):
    """The child begins by calling `initializer`, if there is one; a call is given up after
    `timeout` seconds, if that is not 0."""
    self._timeout = timeout
    _silence_resource_tracker()
    self._pool = pebble.ProcessPool(
      max_workers=1,
      context=multiprocessing.get_context("spawn"),
      initializer=_begin,
      initargs=(os.getpid(), url_files.options(), initializer, tuple(arguments)),
    )

  def call(self, function: Callable[[Any], Any], argument: Any) -> Any:
    """Returns `function(argument)`, which must not raise; raises ClipError where the child died."""
    try:
      return self._pool.schedule(function, [argument], timeout=self._timeout or None).result()
    except TimeoutError as error:
      raise clip_examples.ClipError(
        "limit", f"took longer than --clip_timeout={self._timeout:g} s"
      ) from error
    except pebble.ProcessExpired as error:
      raise clip_examples.ClipError("crash", _death(error.exitcode)) from error

  def close(self) -> None:
    """Ends the child."""
    self._pool.stop()
    self._pool.join()


class IsolatedMaker:
  """A `clips.CountingMaker` in a child process."""

  def __init__(
    self,
    settings: clip_examples.Settings,
    classes: Sequence[str],
    counts_directory: str | None,
    clip_timeout: float = 0.0,
  ):
    """Starts the child with the first clip.

    Args:
      settings: What shapes the clips.
      classes: Class names in index order.
      counts_directory: Where progress is counted; None for nowhere.
      clip_timeout: Seconds after which a clip is given up; 0 for never.
    """
    self._counter = progress.Counter(counts_directory)
    self._child = Child(_make_maker, (settings, tuple(classes), counts_directory), clip_timeout)

  def make(self, row: rows.Row) -> tuple[bytes, int]:
    """Returns the clip's SequenceExample and number of frames; raises ClipError."""
    try:
      made, failure = self._child.call(_make, row)
    except clip_examples.ClipError:
      self._counter.clip(None)
      raise
    if failure:
      raise clip_examples.ClipError(*failure)
    return made

  def close(self) -> None:
    """Ends the child."""
    self._child.close()
    self._counter.close()


def _silence_resource_tracker() -> None:
  """Keeps Python from warning, after a worker was killed, that the pool's semaphores were left."""
  given, filter_ = os.environ.get("PYTHONWARNINGS", ""), "ignore:resource_tracker"
  if filter_ not in given:
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, (given, filter_)))


def end_with(parent: int) -> None:
  """Starts a thread that ends this process when `parent`, which started it, has ended."""
  threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
  while os.getppid() == parent:  # Its id alone would be there until somebody asks how it ended.
    time.sleep(_SECONDS_BETWEEN_LOOKS)
  os._exit(1)


_maker: clip_examples.CountingMaker | None = None  # The child's own.


def _begin(
  worker: int,
  for_urls: Mapping[str, Any],
  initializer: Callable[..., None] | None,
  arguments: tuple,
) -> None:
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which ends the rest.
  end_with(worker)
  url_files.use(for_urls)
  if initializer:
    initializer(*arguments)


def _make_maker(
  settings: clip_examples.Settings, classes: tuple[str, ...], counts_directory: str | None
) -> None:
  global _maker
  _maker = clip_examples.CountingMaker(settings, classes, counts_directory)


def _make(row: rows.Row) -> tuple[tuple[bytes, int] | None, tuple[str, str] | None]:
  """Returns (record and frames, None), or (None, stage and reason)."""
  try:
    return _maker.make(row), None
  except clip_examples.ClipError as error:
    return None, (error.stage, str(error))


def _death(exitcode: int | None) -> str:
  if exitcode == -signal.SIGKILL:
    return "the process that decoded it was killed; memory may have run out"
  if exitcode and exitcode < 0:
    return f"the process that decoded it died of {signal.Signals(-exitcode).name}"
  return f"the process that decoded it ended with status {exitcode}"

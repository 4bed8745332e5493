"""The orderly end of a training that SIGTERM asks for, with a checkpoint.

A search that is stopped, a machine that is taken away and a time limit all send SIGTERM and, a
little later, SIGKILL. A training uses the time in between: it ends the run of steps that it is in,
writes a checkpoint, and then ends by that same signal, so that whoever waits for the process sees
what it would have seen. A training resumed from there gives the bits of one that was never left.

While there is nothing to save (the network is being built or traced, or the last checkpoint is
written) the signal ends the process at once.

Python runs a signal's handler in the main thread, between two steps of Python and not within a call
of TensorFlow; that is why steps run in short runs (trainer.py). A process that handles SIGTERM
itself, as the driver of a search does, keeps its handler.
"""

from collections.abc import Callable, Iterator
import contextlib
import os
import signal
import sys
import threading


class Leaving:
  """Whether SIGTERM came, and whether it has to wait for a checkpoint.

  Attributes:
    asked: Whether SIGTERM came while there was something to save.
  """

  def __init__(self):
    self.asked = False
    self._save: Callable[[], object] | None = None

  def wait_for(self, save: Callable[[], object]) -> None:
    """From here on there is something to save: SIGTERM waits until `leave` or `done`."""
    self._save = save

  def leave(self) -> None:
    """Saves and ends the process: SIGTERM came, here or to one of those that train together."""
    if not self.asked:
      print(
        "leaving with a checkpoint, as another process of the training was asked to",
        file=sys.stderr,
        flush=True,
      )
    self._save()
    _end()

  def done(self) -> None:
    """Everything is saved: ends the process if SIGTERM came; from here on it does so at once."""
    self._save = None
    if self.asked:
      _end()

  def _handle(self, *_) -> None:
    if self._save is None:
      _end_at_once()
    self.asked = True


@contextlib.contextmanager
def listening() -> Iterator[Leaving]:
  """Within the block SIGTERM is heard, where its action was the default one.

  In another thread than the main one, and in a process with a handler of its own, nothing is
  changed, and nobody ever asks.
  """
  leaving = Leaving()
  if (
    threading.current_thread() is not threading.main_thread()
    or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
  ):
    yield leaving
    return
  signal.signal(signal.SIGTERM, leaving._handle)
  try:
    yield leaving
  finally:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    leaving.done()


def _end() -> None:
  sys.stdout.flush()
  _end_at_once()


def _end_at_once() -> None:
  """Ends the process by SIGTERM; without a flush, which a handler must not begin."""
  signal.signal(signal.SIGTERM, signal.SIG_DFL)
  os.kill(os.getpid(), signal.SIGTERM)

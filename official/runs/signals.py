"""Ctrl-C and SIGTERM become one exception in the main thread, once; the second one ends the
process."""

from collections.abc import Iterator
import contextlib
import signal
import types


class Interrupted(KeyboardInterrupt):
  """A signal asked the process to leave; `signum` is its number."""

  def __init__(self, signum: int):
    super().__init__(signal.Signals(signum).name)
    self.signum = signum


@contextlib.contextmanager
def raising() -> Iterator[None]:
  """Within the block, SIGINT and SIGTERM raise Interrupted in the main thread."""

  def interrupt(signum: int, frame: types.FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
      signal.signal(number, signal.SIG_DFL)
    raise Interrupted(signum)

  before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
  try:
    yield
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)

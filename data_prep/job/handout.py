"""The distribution of work among workers that are threads of one process.

Beam deals elements out to its workers beforehand, and so one of them is busy alone at the end,
for nobody knows how long a clip takes. Workers that share a process take elements from one queue as
they become free; what Beam gives them then only says that they may begin. Elsewhere, a worker does
what Beam gives it.
"""

from collections.abc import Iterable, Iterator
import contextlib
import queue
from typing import Any

_waiting: dict[str, queue.SimpleQueue] = {}


@contextlib.contextmanager
def shared(directory: str, elements: Iterable) -> Iterator[None]:
  """Lets the threads of this process that work for a folder share elements, in their order."""
  _waiting[directory] = queue.SimpleQueue()
  for element in elements:
    _waiting[directory].put(element)
  try:
    yield
  finally:
    del _waiting[directory]


def due(directory: str, given: Any) -> Iterator:
  """Yields what a worker does to whom Beam gave an element."""
  waiting = _waiting.get(directory)
  if waiting is None:
    yield given
    return
  with contextlib.suppress(queue.Empty):
    while True:
      yield waiting.get_nowait()


@contextlib.contextmanager
def stopped_by_failure(directory: str) -> Iterator[None]:
  """Leaves nothing for the other threads to start if the body raises."""
  try:
    yield
  except BaseException:
    if directory in _waiting:
      for _ in due(directory, None):
        pass
    raise

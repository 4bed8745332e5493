"""Reading the files of very many candidates, on a disk or on a storage that is slow to answer.

    results = list(reading.each(run.read_result, range(run.count())))

A local disk answers faster than Python reads what it says, and threads would only get in each
other's way. A network file system or an object store answers after milliseconds, 50 say: 10,000
candidates, one after the other, take minutes. So the first few are read one by one, and the rest by
many threads at a time if most of that time was spent waiting.
"""

from collections.abc import Callable, Iterator, Sequence
import concurrent.futures
import time
from typing import TypeVar

_TRIED = 16
_SLOW_SECONDS = 1e-3  # Waiting for a candidate; a disk takes a hundredth of it.
_THREADS = 32
_BATCH = 1024
_Read = TypeVar("_Read")


def each(read: Callable[[int], _Read], numbers: Sequence[int]) -> Iterator[_Read]:
  """Yields what `read` returns for each number, in their order.

  Args:
    read: Reads one candidate's files; several threads may call it.
    numbers: Candidates.
  """
  wall, work = time.monotonic(), time.thread_time()
  first = [read(number) for number in numbers[:_TRIED]]
  waited = time.monotonic() - wall - (time.thread_time() - work)
  yield from first
  rest = numbers[_TRIED:]
  if waited < _SLOW_SECONDS * len(first):
    yield from map(read, rest)
    return
  with concurrent.futures.ThreadPoolExecutor(_THREADS, "reading") as threads:
    for start in range(0, len(rest), _BATCH):
      yield from threads.map(read, rest[start : start + _BATCH])

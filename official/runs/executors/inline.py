"""The executor without processes: a task runs in the driver while its outcome is awaited.

For a TPU, which belongs to one process, for debugging, and for tests. A task that exhausts the
process takes the driver with it; the search resumes when it is started again.
"""

import collections
import os

from official.runs.executors import base
from official.runs.executors import worker
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task


class Inline(base.Executor):
  """Runs one task at a time, in the order of submission."""

  def __init__(self, *, threads: int):
    """Makes the executor; TensorFlow gets `threads` threads for an operation."""
    worker.limit_threads(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    self._tasks: collections.deque[Task] = collections.deque()
    self._cancelled: collections.deque[str] = collections.deque()

  @property
  def capacity(self) -> int:
    return 1

  def submit(self, task: Task) -> None:
    self._tasks.append(task)

  def wait_any(self, timeout: float | None = None) -> Outcome:
    """Runs the next task to its end; `timeout` is ignored."""
    if self._cancelled:
      return Outcome(key=self._cancelled.popleft(), kind="cancelled", reason="cancelled")
    if not self._tasks:
      raise LookupError("no task was submitted")
    task = self._tasks.popleft()
    return Outcome(key=task.key, **worker.run(task, for_one_task=False))

  def cancel(self, key: str) -> None:
    for task in [task for task in self._tasks if task.key == key]:
      self._tasks.remove(task)
      self._cancelled.append(key)

  def close(self) -> None:
    self._tasks.clear()
    self._cancelled.clear()

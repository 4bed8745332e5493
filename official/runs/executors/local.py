"""One process for every candidate, forked from a server that has imported TensorFlow once.

Nothing survives a candidate: not its memory, not its graphs, not what killed it. The server
(multiprocessing's `forkserver`) imports TensorFlow in some seconds; a candidate's process then
starts in a fraction of one. It computes nothing itself, so there is no thread and no GPU to be
copied by the fork.

Each process has a pipe of its own (`pebble.concurrent.process`). pebble's ProcessPool has one pipe
and one lock for all workers: a process that is killed while it holds that lock, or while it idles,
takes the others with it.

A worker must not outlive its driver, or a restarted search would have two writers on one
checkpoint. The kernel's parent-death signal watches the server, its parent; a thread watches the
driver, which holds the other end of a pipe.

A process ends when its driver says so and not before: it ignores Ctrl-C, which a terminal sends to
all of them. `close` asks by SIGTERM, so that a training can write a checkpoint.
"""

from collections.abc import Sequence
import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import queue
import signal
import threading
import time

from pebble import ProcessExpired
from pebble import concurrent as pebble_concurrent

from official.runs import json_files
from official.runs.executors import base
from official.runs.executors import leases
from official.runs.executors import server
from official.runs.executors import worker
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task

_NAME = "candidate "
_SECONDS_TO_END = 25.0
_PR_SET_PDEATHSIG = 1


class Local(base.Executor):
  """Runs tasks on this machine, each in a process of its own."""

  def __init__(
    self,
    *,
    workers: int,
    threads: int,
    preload: Sequence[str] = ("tensorflow",),
    gpus: Sequence[str] = (),
    gpus_per_candidate: int = 0,
    imports: Sequence[str] = (),
  ):
    """Makes the executor; the server starts importing.

    Args:
      workers: Processes at a time.
      threads: CPU threads of one operation in a worker.
      preload: Modules that the server imports. A driver has one server for all its executors, and
        the list of the first counts.
      gpus: GPUs to lease to candidates, as CUDA_VISIBLE_DEVICES names them.
      gpus_per_candidate: GPUs of a candidate; other GPUs it does not see.
      imports: Modules from outside the tree that a worker imports before its task.

    Raises:
      UserError: There are too few GPUs for so many workers.
    """
    self._free = leases.share_out(
      workers=workers, threads=threads, gpus=gpus, gpus_per_candidate=gpus_per_candidate
    )
    self._workers = workers
    self._threads = threads
    self._imports = tuple(imports)
    self._waiting: list[Task] = []
    self._running: dict[str, leases.Lease] = {}
    self._ending: set[str] = set()
    self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    self._undelivered = 0
    self._context = multiprocessing.get_context("forkserver")
    server.start((*preload, *imports))

  @property
  def capacity(self) -> int:
    return self._workers

  def submit(self, task: Task) -> None:
    self._undelivered += 1
    self._waiting.append(task)
    self._fill()

  def wait_any(self, timeout: float | None = None) -> Outcome | None:
    if not self._undelivered:
      raise LookupError("no task was submitted")
    try:
      outcome = self._outcomes.get(timeout=timeout)
    except queue.Empty:
      return None
    self._undelivered -= 1
    if outcome.key in self._running:  # A task that was cancelled while it waited has no lease.
      self._free.append(self._running.pop(outcome.key))
    self._fill()
    if outcome.key in self._ending:
      self._ending.discard(outcome.key)
      return outcome if outcome.kind == "returned" else _cancelled(outcome.key)
    return outcome

  def cancel(self, key: str) -> None:
    for task in [task for task in self._waiting if task.key == key]:
      self._waiting.remove(task)
      self._outcomes.put(_cancelled(key))
    if key in self._running:
      self._ending.add(key)
      for process in self._processes():
        if process.name == _NAME + key:
          process.kill()

  def close(self) -> None:
    self._waiting.clear()
    for process in self._processes():
      process.terminate()
    deadline = time.monotonic() + _SECONDS_TO_END
    while processes := self._processes():
      if time.monotonic() > deadline:
        for process in processes:
          process.kill()
      time.sleep(0.05)
    self._free.extend(self._running.values())
    self._running.clear()
    self._ending.clear()
    self._outcomes = queue.SimpleQueue()
    self._undelivered = 0

  def _fill(self) -> None:
    while self._waiting and self._free:
      self._start(self._waiting.pop(0))

  def _start(self, task: Task) -> None:
    start = pebble_concurrent.process(  # type: ignore[call-overload]  # Its types lack `context`.
      name=_NAME + task.key, timeout=task.timeout, context=self._context
    )(_serve)
    lease = self._running[task.key] = self._free.pop(0)
    future = start(task, self._threads, lease, self._imports)
    outcomes = self._outcomes  # This one: a closed executor's late outcomes go nowhere.
    future.add_done_callback(lambda done: outcomes.put(_outcome(task.key, done)))

  def _processes(self) -> list[multiprocessing.process.BaseProcess]:
    """Returns the processes of running tasks that are alive."""
    ours = {_NAME + key for key in self._running}
    return [process for process in multiprocessing.active_children() if process.name in ours]


def _serve(task: Task, threads: int, lease: leases.Lease, imports: Sequence[str]) -> dict:
  """Runs in the worker."""
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.signal(signal.SIGTERM, signal.SIG_DFL)  # pebble's handler waits for Python to be at work.
  lease.take()
  _die_with_driver()
  worker.limit_threads(threads)
  _print_to_log(task.directory)
  return worker.run(task, for_one_task=True, imports=imports)


def _cancelled(key: str) -> Outcome:
  return Outcome(key=key, kind="cancelled", reason="cancelled")


def _outcome(key: str, future: concurrent.futures.Future) -> Outcome:
  error = future.exception()
  if error is None:
    return Outcome(key=key, **future.result())
  if isinstance(error, concurrent.futures.TimeoutError):
    return Outcome(key=key, kind="timed_out", reason=f"not done after {error.args[-1]:g} s")
  if isinstance(error, ProcessExpired):
    return _expired(key, error.exitcode)
  kind = type(error).__name__
  return Outcome(key=key, **{**worker.told(error), "signature": kind})


def _expired(key: str, code: int) -> Outcome:
  """Tells a signal from a process that left: negative codes are signals, as a shell's above 128."""
  number = -code if code < 0 else code - 128
  if number <= 0:
    reason = f"its process left with status {code} and without a result"
    return Outcome(key=key, kind="raised", reason=reason, signature=reason)
  with contextlib.suppress(ValueError):
    reason = f"its process was ended by {signal.Signals(number).name}"
    return Outcome(key=key, kind="killed", reason=reason)
  return Outcome(key=key, kind="killed", reason=f"its process was lost (status {code})")


def _die_with_driver() -> None:
  with contextlib.suppress(OSError, AttributeError):  # Linux only.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
  threading.Thread(target=_watch_driver, name="driver watch", daemon=True).start()


def _watch_driver() -> None:
  driver = multiprocessing.parent_process()
  assert driver is not None  # This is a worker.
  driver.join()
  os.kill(os.getpid(), signal.SIGKILL)


def _print_to_log(directory: str) -> None:
  """Sends what libraries print, C++ too, to the candidate's log."""
  if json_files.is_url(directory):
    return
  descriptor = os.open(
    os.path.join(directory, "log.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
  )
  for standard in (1, 2):
    os.dup2(descriptor, standard)
  os.close(descriptor)

"""The interface of executors: tasks in, outcomes out, in the order in which they end.

    with Local(workers=2, threads=1) as executor:
      executor.submit(Task(key="000000", function=evaluator, candidate=..., directory=...))
      outcome = executor.wait_any(timeout=10)

Every submitted task comes back exactly once, whatever becomes of it, the cancelled ones too. How
often a task is tried is not the executor's business: a key may be submitted again once its outcome
is there.
"""

import abc
from collections.abc import Callable
import dataclasses
from typing import Literal

from official.runs.json_files import Json

# Trains what the JSON of a candidate says, in a folder. Workers give and take plain data only.
Evaluator = Callable[[Json, str], Json]
Kind = Literal[
  "returned", "raised", "exhausted", "environment", "killed", "lost", "timed_out", "cancelled"
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Resources:
  """The resources with which an executor is made.

  Attributes:
    workers: Tasks at a time.
    threads: CPU threads of one operation in a worker.
    gpus_per_candidate: GPUs of a task; a process of its own sees no others.
    ray_address: "auto" or HOST:PORT of a running Ray cluster, if one was given.
    preload: Modules that may be imported once and not for every task.
    imports: Modules from outside the tree that a worker imports before a task.
  """

  workers: int
  threads: int
  gpus_per_candidate: int = 0
  ray_address: str | None = None
  preload: tuple[str, ...] = ()
  imports: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
  """Work for a worker.

  Attributes:
    key: Name of the task among those in flight.
    function: Picklable; called with (candidate, directory), returns plain data.
    candidate: Plain data, the content of candidate.json.
    directory: Absolute; the function writes there and nowhere else.
    timeout: Seconds that it may take, from its start in a worker; None: as long as it likes.
  """

  key: str
  function: Evaluator
  candidate: Json
  directory: str
  timeout: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
  """The end of a task.

  Attributes:
    key: The task's.
    kind: `returned` a value; `raised` an exception, or left without a result; `exhausted` the
      memory; the `environment` is at fault (data_prep.common.faults); `killed` by a signal;
      `lost` with its machine, which says nothing of the task; `timed_out`; `cancelled`.
    value: What the function returned, plain data.
    reason: For people, one line.
    signature: Equal for equal faults: the type of the exception and where it was raised, not what
      it says.
  """

  key: str
  kind: Kind
  value: Json | None = None
  reason: str | None = None
  signature: str | None = None


class Executor(abc.ABC):
  """Runs tasks. One thread uses it."""

  @property
  @abc.abstractmethod
  def capacity(self) -> int:
    """Tasks that run at a time; more may be submitted and wait."""

  @abc.abstractmethod
  def submit(self, task: Task) -> None:
    """Accepts a task; does not wait for it."""

  @abc.abstractmethod
  def wait_any(self, timeout: float | None = None) -> Outcome | None:
    """Waits for the next outcome, or returns None after `timeout` seconds.

    Raises:
      LookupError: There is nothing to wait for.
    """

  def wait(self) -> Outcome:
    """Waits for the next outcome, however long it takes; LookupError as in `wait_any`."""
    outcome = self.wait_any()
    assert outcome is not None  # Without a timeout.
    return outcome

  @abc.abstractmethod
  def cancel(self, key: str) -> None:
    """Ends a task, running or not; its outcome is `cancelled`, or what it just came to. Unknown
    keys are ignored."""

  @abc.abstractmethod
  def close(self) -> None:
    """Asks what runs to leave, and ends it within half a minute. What was submitted has no outcome
    any more."""

  def __enter__(self) -> "Executor":
    return self

  def __exit__(self, *unused: object) -> None:
    self.close()

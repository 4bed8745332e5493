"""Measures how far one driver scales: a search of very many candidates with simulated trainings.

    python -m tools.benchmarks.search_scale --workers=1000 --candidates=100000

The driver, its files, its console and its proposals are the real ones. Only the trainings are not:
an executor with a virtual clock lets each take a time drawn from a log-normal distribution (mean
600 s, sigma 1), lets 2 % be killed or turn out infeasible, and makes up the numbers. Whatever the
driver does between two calls of the executor is measured and moves the virtual clock by as much,
so that a worker that became free waits for a busy driver as it would in earnest. What a training
would write (progress.json, a checkpoint) is really written, at nobody's expense.

Printed are

busy      the workers' time spent in trainings, of all the time from the first submission until the
          last new candidate is handed out (while there is work for everybody), and of all the time
          to the very end (with the drain, in which workers have nothing left to do)
cycle     ms in which the driver records a result, proposes the next candidate and hands it out:
          from one return of `wait_any` to the next call
memory    the largest resident size of this process, which holds the driver and the simulation
resume    s that a fresh process needs, after its imports, from opening the finished run until the
          driver would hand out work
disk      files and folders of the run, their bytes, and the bytes they occupy
"""

from collections.abc import Iterator, Mapping, Sequence
import concurrent.futures
import contextlib
import dataclasses
import heapq
import math
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from typing import Any

from absl import flags
import numpy as np

from data_prep.common import cli
from official.architecture import cost
from official.architecture import space as space_lib
from official.runs import console as console_lib
from official.runs import json_files
from official.runs.executors import base
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search.settings import SearchSettings

_WORKERS = flags.DEFINE_integer("workers", 1000, "Simulated workers.", lower_bound=1)
_CANDIDATES = flags.DEFINE_integer("candidates", 100_000, "Candidates in all.", lower_bound=20)
_SPACE = flags.DEFINE_string("search_space", "small", "Name of the search space, or a JSON file.")
_SCRATCH = flags.DEFINE_string(
  "scratch_dir",
  None,
  "Folder for the run, which is deleted at the end; by default the system's temporary one.",
)

_MEAN_SECONDS, _SIGMA = 600.0, 1.0
_SHARE_KILLED, _SHARE_INFEASIBLE = 0.01, 0.01
_CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)
_CHECKPOINT = ("checkpoint", "ckpt-40.index", "ckpt-40.data-00000-of-00001")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
  """The settings of a run, picklable.

  Attributes:
    directory: The run directory.
    workers: Simulated workers.
    candidates: Candidates in all.
    space: Name of the search space, or a JSON file.
  """

  directory: str
  workers: int
  candidates: int
  space: str


class Simulated(base.Executor):
  """Workers on a virtual clock that stands still while nobody but the simulation works."""

  def __init__(self, workers: int):
    self._workers = workers
    self._now = 0.0
    self._left = time.perf_counter()
    self._ending: list[tuple[float, str]] = []
    self._tasks: dict[str, tuple[Task, np.random.Generator]] = {}
    self._cycle = 0.0
    self._new = 0
    self._newest = -1
    self.supplied_until = 0.0
    self.started: list[float] = []
    self.seconds: list[float] = []
    self.cycles: list[float] = []

  @property
  def capacity(self) -> int:
    return self._workers

  def submit(self, task: Task) -> None:
    with self._entered():
      rng = np.random.default_rng([task.candidate["seed"], len(self.started)])
      seconds = rng.lognormal(math.log(_MEAN_SECONDS) - _SIGMA**2 / 2, _SIGMA)
      heapq.heappush(self._ending, (self._now + seconds, task.key))
      self._tasks[task.key] = task, rng
      if task.candidate["number"] > self._newest:  # Not one that is tried again.
        self._newest, self.supplied_until = task.candidate["number"], self._now
        self._new += 1
      self.started.append(self._now)
      self.seconds.append(seconds)
      json_files.write_json(
        os.path.join(task.directory, "progress.json"), {"phase": "training", "step": 1, "steps": 40}
      )

  def wait_any(self, timeout: float | None = None) -> Outcome:
    with self._entered():
      if not self._ending:
        raise LookupError("no task was submitted")
      if self._new == 1:  # Neither the first ones for everybody, nor the drain.
        self.cycles.append(self._cycle)
      ending, key = heapq.heappop(self._ending)
      self._now = max(self._now, ending)
      task, rng = self._tasks.pop(key)
      outcome = _outcome(task, rng)
    self._cycle, self._new = 0.0, 0
    return outcome

  def cancel(self, key: str) -> None:
    raise NotImplementedError("nothing is cancelled in this benchmark")

  def close(self) -> None:
    self._ending.clear()
    self._tasks.clear()

  @property
  def end(self) -> float:
    """Time of the end of the last training, in seconds of the virtual clock."""
    return max(map(sum, zip(self.started, self.seconds)))

  def busy(self, until: float) -> float:
    """Returns the share of all workers' time, from the first submission, spent in trainings."""
    spent = sum(
      min(seconds, until - started)
      for started, seconds in zip(self.started, self.seconds)
      if started < until
    )
    whole = self._workers * (until - self.started[0])
    return spent / whole if whole else math.nan

  @contextlib.contextmanager
  def _entered(self) -> Iterator[None]:
    """Charges to the clock what the driver did since it was left; what is inside is free."""
    passed = time.perf_counter() - self._left
    self._now += passed
    self._cycle += passed
    yield
    self._left = time.perf_counter()


def _outcome(task: Task, rng: np.random.Generator) -> Outcome:
  """Returns how a training ends; leaves a checkpoint as one does."""
  training = os.path.join(task.directory, "training")
  os.makedirs(training, exist_ok=True)
  for name in _CHECKPOINT:
    with open(os.path.join(training, name), "wb"):
      pass
  fate = rng.random()
  if fate < _SHARE_KILLED:
    return Outcome(key=task.key, kind="killed", reason="killed by SIGKILL")
  if fate < _SHARE_KILLED + _SHARE_INFEASIBLE:
    value = {"status": "infeasible", "reason": "the loss is not a number at step 3"}
  else:
    value = _trained(task.candidate["architecture"]["connections"], rng)
  return Outcome(key=task.key, kind="returned", value=value)


def _trained(connections: Sequence[Mapping[str, str]], rng: np.random.Generator) -> dict[str, Any]:
  accuracy = float(np.clip(rng.normal(0.5, 0.1), 0, 1))
  return {
    "status": "ok",
    "reason": None,
    "metrics": {
      "accuracy": accuracy,
      "top5_accuracy": (1 + accuracy) / 2,
      "loss": 2 * (1 - accuracy),
    },
    "connection_weights": [
      {**connection, "start": 0.5, "end": rng.random()} for connection in connections
    ],
    "params": int(rng.integers(100_000, 1_000_000)),
    "multiply_adds": int(rng.integers(10**7, 10**9)),
    "sensitivities": [{**connection, "value": rng.exponential()} for connection in connections],
    "timing": {"seconds": 600.0},
  }


def search(run: Run) -> tuple[Simulated, float]:
  """Runs or resumes the driver; returns the executor and the seconds that passed."""
  settings = SearchSettings(workers=run.workers, rounds=run.candidates - 20)
  directory = RunDirectory(run.directory)
  start = time.perf_counter()
  with (
    directory.opened({}, settings.operation()),
    Simulated(run.workers) as executor,
    open(f"{run.directory}.txt", "a", encoding="utf-8") as lines,
    console_lib.Console(lines=lines, terminal=False) as console,
  ):
    loop.search(
      directory, space_lib.load_space(run.space), settings, _CLIP, _no_evaluator, executor, console
    )
    return executor, time.perf_counter() - start


def resume(run: Run) -> float:
  """Returns the seconds that it takes to resume a finished run."""
  return search(run)[1]


def _no_evaluator(candidate: Mapping[str, Any], directory: str) -> Mapping[str, Any]:
  raise NotImplementedError("the executor simulates trainings")


def main(arguments: Sequence[str]) -> None:
  del arguments
  with tempfile.TemporaryDirectory(dir=_SCRATCH.value) as scratch:
    run = Run(
      directory=os.path.join(scratch, "run"),
      workers=_WORKERS.value,
      candidates=_CANDIDATES.value,
      space=_SPACE.value,
    )
    executor, seconds = search(run)
    print(
      f"{run.candidates:,} candidates, {run.workers:,} workers, space {run.space}: driven in "
      f"{seconds:.0f} s, {executor.end / 3600:.1f} simulated hours"
    )
    _report(executor)
    print(f"memory    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most")
    with concurrent.futures.ProcessPoolExecutor(
      max_workers=1, mp_context=multiprocessing.get_context("spawn")
    ) as fresh:
      print(f"resume    {fresh.submit(resume, run).result():.1f} s", flush=True)
    print(f"disk      {_disk(run.directory)}", flush=True)


def _report(executor: Simulated) -> None:
  supplied, end = executor.supplied_until, executor.end
  print(
    f"busy      {executor.busy(supplied):.2%} until the last new candidate, "
    f"{executor.busy(end):.2%} with the drain"
  )
  steady = executor.cycles
  windows = {"of all": steady}
  for middle in (1000, 10_000):
    index = middle - executor.capacity  # The first ones, for everybody, are no cycles.
    windows[f"around the {middle:,}th"] = steady[max(index - 500, 0) : max(index + 500, 0)]
  windows["of the last thousand"] = steady[-1000:]
  for name, cycles in windows.items():
    if cycles:
      print(
        f"cycle     {1e3 * statistics.median(cycles):.2f} ms median, "
        f"{1e3 * float(np.percentile(cycles, 95)):.2f} ms 95th percentile {name}"
      )


def _disk(directory: str) -> str:
  number = size = occupied = 0
  for folder, _, names in os.walk(directory):
    for path in (folder, *(os.path.join(folder, name) for name in names)):
      status = os.stat(path)
      number, size = number + 1, size + status.st_size
      occupied += 512 * status.st_blocks
  return f"{number:,} files and folders, {size / 1e6:.1f} MB, {occupied / 1e6:.1f} MB occupied"


if __name__ == "__main__":
  cli.run(main)

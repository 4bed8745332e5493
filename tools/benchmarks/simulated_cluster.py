"""A cluster that trains nothing: an executor of discrete events on a clock of its own.

    cluster = Cluster(Conditions(workers=1000, storm_hours=2), operations)

The driver in front of it is the real one. Its trainings take a time drawn for each candidate, go
on from their newest checkpoint, may be slow, and are lost when their worker is. While the driver
works, the clock moves on by a fixed time for each training handed out, or by the time that it
really takes, and by the latency of every file operation; so that a free worker waits for a busy
driver as it would in earnest. Everything is drawn from the seed and from the candidate's number and
try: with a fixed time of the driver, equal conditions give equal runs.
"""

import collections
import dataclasses
import heapq
import math
import time
from typing import Literal

import numpy as np

from official.runs.executors import base
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task
from tools.benchmarks import simulated_trainings
from tools.benchmarks.simulated_storage import FileOperations

_TRAINING, _TRY, _STORM = range(3)  # What is drawn.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conditions:
  """What the cluster is like. The defaults are those of an ideal one.

  Attributes:
    workers: Trainings at a time.
    mean_seconds: Mean time of a whole training, without its start.
    sigma: Spread of the times of trainings, which are log-normal: 0 for all alike.
    start_seconds: Time that a try takes before its first step.
    checkpoints: Checkpoints of a whole training, evenly spread.
    slow_share: Share of tries on a worker that is slow,
    slow_factor: and how many times as long they take there.
    killed_share: Share of tries that a signal ends.
    infeasible_share: Share of trainings that come to nothing.
    storm_hours: Hours from one pre-emption storm to the next; 0 for none.
    storm_share: Share of the workers that a storm takes at once,
    storm_minutes: and when they are back.
    driver_ms: Time of the driver for each training that it hands out, records included; None takes
      the time that it really needs here.
    storage_ms: Latency of each file operation of the driver.
    seed: Random seed of everything that is drawn.
  """

  workers: int
  mean_seconds: float = 600.0
  sigma: float = 0.0
  start_seconds: float = 0.0
  checkpoints: int = 10
  slow_share: float = 0.0
  slow_factor: float = 10.0
  killed_share: float = 0.0
  infeasible_share: float = 0.0
  storm_hours: float = 0.0
  storm_share: float = 0.3
  storm_minutes: float = 10.0
  driver_ms: float | None = 0.0
  storage_ms: float = 0.0
  seed: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Try:
  """A part of a training that one worker did at a stretch.

  Attributes:
    number: The candidate's.
    started, ended: On the clock.
    saved, reached, kept: Seconds of the training that were done before, at the end, and that are in
      a checkpoint then.
    goal: Those that were asked for.
    lost_to: What ended it before its goal, if anything did.
  """

  number: int
  started: float
  ended: float
  saved: float
  reached: float
  kept: float
  goal: float
  lost_to: Literal["signal", "storm"] | None


@dataclasses.dataclass(kw_only=True)
class _Running:
  """A try at work."""

  task: Task
  worker: int
  started: float
  saved: float
  goal: float
  pace: float
  ending: int = -1  # The event that ends it, unless a storm comes first.


class Cluster(base.Executor):
  """Workers on a simulated clock.

  Attributes:
    now: Seconds on the clock.
    tries: All that have ended.
    handed_out: When each candidate was first submitted, by number.
    away: When storms took a worker, and when it was back.
    cycles: Seconds in which the driver records a result, proposes the next candidate and hands it
      out: from one return of `wait_any` to the next call.
    driver_operations: File operations of the driver.
    landscape: How good the candidates are.
  """

  def __init__(self, conditions: Conditions, operations: FileOperations):
    self.conditions = conditions
    self.now = 0.0
    self.tries: list[Try] = []
    self.handed_out: dict[int, float] = {}
    self.away: list[tuple[float, float]] = []
    self.cycles: list[float] = []
    self.driver_operations = 0
    self.landscape = simulated_trainings.Landscape(conditions.seed)
    self._operations = operations
    self._seen_operations = 0
    self._left = 0.0
    self._cycle = 0.0
    self._new = 0
    self._events: list[tuple[float, int, str, int]] = []
    self._count = 0
    self._queue: collections.deque[Task] = collections.deque()
    self._free = list(range(conditions.workers))
    self._running: dict[int, _Running] = {}  # By worker.
    self._saved: dict[int, float] = {}
    self._starts: collections.Counter[int] = collections.Counter()
    self._ready: collections.deque[Outcome] = collections.deque()
    self._storms = 0
    if conditions.storm_hours:
      self._add(3600 * conditions.storm_hours, "storm", 0)

  def __enter__(self) -> "Cluster":
    self._entered()
    return self

  @property
  def capacity(self) -> int:
    return self.conditions.workers

  # The clock, as the driver's modules read it in place of `time`.

  def monotonic(self) -> float:
    return self.now

  def time(self) -> float:
    return self.now

  # The executor.

  def submit(self, task: Task) -> None:
    self._charge(handed_out=True)
    self._advance()
    number = task.candidate["number"]
    if number not in self.handed_out:
      self._new += 1
    self.handed_out.setdefault(number, self.now)
    self.landscape.settle(task.candidate)
    self._queue.append(task)
    self._assign(self.now)
    self._entered()

  def wait_any(self, timeout: float | None = None) -> Outcome:
    self._charge()
    if self._new == 1:  # Neither the first ones for everybody, nor the end.
      self.cycles.append(self._cycle)
    self._advance()
    while not self._ready:
      if not self._running and not self._queue:
        raise LookupError("no task was submitted")
      self.now = self._events[0][0]
      self._advance()
    self._cycle, self._new = 0.0, 0
    outcome = self._ready.popleft()
    self._entered()
    return outcome

  def cancel(self, key: str) -> None:
    raise NotImplementedError("nothing is cancelled in this simulation")

  def close(self) -> None:
    self._events.clear()
    self._queue.clear()
    self._running.clear()

  # What happens.

  def _charge(self, *, handed_out: bool = False) -> None:
    """Moves the clock by what the driver did since it was left."""
    driver_ms = self.conditions.driver_ms
    if driver_ms is None:
      seconds = time.perf_counter() - self._left
    else:
      seconds = 1e-3 * driver_ms if handed_out else 0.0
    operations = self._operations.count - self._seen_operations
    self.driver_operations += operations
    seconds += 1e-3 * self.conditions.storage_ms * operations
    self.now += seconds
    self._cycle += seconds

  def _entered(self) -> None:
    """Notes that the driver goes on from here: what the simulation did is free."""
    self._left = time.perf_counter()
    self._seen_operations = self._operations.count

  def _add(self, at: float, kind: str, about: int) -> int:
    self._count += 1
    heapq.heappush(self._events, (at, self._count, kind, about))
    return self._count

  def _advance(self) -> None:
    """Lets everything happen that is due by now, in its order."""
    while self._events and self._events[0][0] <= self.now:
      at, event, kind, about = heapq.heappop(self._events)
      if kind == "storm":
        self._storm(at)
      elif kind == "back":
        heapq.heappush(self._free, about)
        self._assign(at)
      elif (running := self._running.get(about)) and running.ending == event:
        self._end(about, at, None if kind == "done" else "signal")
        heapq.heappush(self._free, about)
        self._assign(at)

  def _assign(self, at: float) -> None:
    while self._queue and self._free:
      self._start(self._queue.popleft(), heapq.heappop(self._free), at)

  def _start(self, task: Task, worker: int, at: float) -> None:
    conditions = self.conditions
    number = task.candidate["number"]
    rng = self._drawn(_TRY, number, self._starts[number])
    self._starts[number] += 1
    pace = conditions.slow_factor if rng.random() < conditions.slow_share else 1.0
    goal = self.whole(number) * simulated_trainings.share(task.candidate)
    saved = self._saved.get(number, 0.0)
    running = _Running(task=task, worker=worker, started=at, saved=saved, goal=goal, pace=pace)
    seconds = conditions.start_seconds + (goal - saved) * pace
    is_killed, where = rng.random() < conditions.killed_share, rng.random()
    kind, after = ("killed", where * seconds) if is_killed else ("done", seconds)
    running.ending = self._add(at + after, kind, worker)
    self._running[worker] = running
    simulated_trainings.leave_progress(task.directory)

  def whole(self, number: int) -> float:
    """Returns the seconds of a candidate's whole training."""
    mean, sigma = self.conditions.mean_seconds, self.conditions.sigma
    rng = self._drawn(_TRAINING, number)
    return float(rng.lognormal(math.log(mean) - sigma**2 / 2, sigma))

  def _end(self, worker: int, at: float, lost_to: Literal["signal", "storm"] | None) -> None:
    """Ends a try: it has reached its goal, or is lost but for its checkpoints."""
    running = self._running.pop(worker)
    candidate, number = running.task.candidate, running.task.candidate["number"]
    reached = kept = running.goal
    if lost_to is not None:
      worked = max(at - running.started - self.conditions.start_seconds, 0.0) / running.pace
      reached = min(running.saved + worked, running.goal)
      each = self.whole(number) / self.conditions.checkpoints
      kept = max(math.floor(reached / each + 1e-9) * each, running.saved)
    self._saved[number] = kept
    self.tries.append(
      Try(
        number=number,
        started=running.started,
        ended=at,
        saved=running.saved,
        reached=reached,
        kept=kept,
        goal=running.goal,
        lost_to=lost_to,
      )
    )
    key = running.task.key
    if lost_to is not None:
      outcome = (
        Outcome(key=key, kind="killed", reason="killed by SIGKILL")
        if lost_to == "signal"
        else Outcome(key=key, kind="lost", reason="its node was lost")
      )
      self._ready.append(outcome)
      return
    simulated_trainings.leave_checkpoint(running.task.directory)
    rng = self._drawn(_TRAINING, number, 1)
    value = (
      simulated_trainings.INFEASIBLE
      if rng.random() < self.conditions.infeasible_share
      else self.landscape.trained(candidate)
    )
    self._ready.append(Outcome(key=key, kind="returned", value=value))

  def _storm(self, at: float) -> None:
    """Takes some of the workers away, with what runs there, and brings them back later."""
    conditions = self.conditions
    rng = self._drawn(_STORM, self._storms)
    self._storms += 1
    back = at + 60 * conditions.storm_minutes
    hit = rng.choice(
      conditions.workers, round(conditions.storm_share * conditions.workers), replace=False
    )
    for worker in sorted(map(int, hit)):
      if worker in self._running:
        self._end(worker, at, "storm")
      elif worker in self._free:
        self._free.remove(worker)
        heapq.heapify(self._free)
      else:
        continue  # It is away since the storm before.
      self.away.append((at, back))
      self._add(back, "back", worker)
    self._add(at + 3600 * conditions.storm_hours, "storm", 0)

  def _drawn(self, *what: int) -> np.random.Generator:
    return np.random.default_rng([self.conditions.seed, *what])

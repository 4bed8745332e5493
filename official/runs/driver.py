"""The one loop in which tasks are handed out, waited for, judged and tried again.

The search, the final training, the dry run and the benchmarks differ in what they hand out and in
what they record:

    for ended in driver.run_all(jobs(), executor, console):
      record(ended)
      console.end(ended.task.key, "finished")

A slot that becomes free takes the next job at once, drawn when the one that ended is recorded; so
`jobs` can be a generator that decides by then what comes next.
"""

import collections
from collections.abc import Callable, Iterable, Iterator
import dataclasses
import sys
import time

from official.runs import judge
from official.runs import signals
from official.runs.console import Console
from official.runs.executors.base import Executor
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task
from official.runs.judge import Verdict
from official.runs.records import Timing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
  """A task and its name for people."""

  label: str
  task: Task


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
  """A job that has ended for good.

  Attributes:
    job: The job.
    outcome: How its last try ended.
    verdict: What that says.
    retries: Times that it was tried again.
    started_at: When it was first handed out, in seconds since 1970.
  """

  job: Job
  outcome: Outcome
  verdict: Verdict
  retries: int
  started_at: float

  @property
  def key(self) -> str:
    """The key of its task."""
    return self.job.task.key

  def timing(self) -> Timing:
    """Returns what the task says of its seconds, and when it began and ended; it ends now."""
    told = Timing.from_json(self.verdict.value.get("timing") or {}, f"the timing of {self.key}")
    return dataclasses.replace(
      told,
      started_at=round(self.started_at, 3),
      finished_at=round(time.time(), 3),
      kills=self.retries,
    )


def run_all(
  jobs: Iterable[Job | None],
  executor: Executor,
  console: Console,
  *,
  retries: int = judge.MAX_RETRIES,
) -> Iterator[Ended]:
  """Runs jobs, as many at a time as there is room for, and yields each when it has ended.

  A job whose process was killed, or its machine lost, is tried again at once. Whoever draws from
  this tells the console how each job ended.

  Args:
    jobs: Drawn one by one, each when there is room for it. None means that there is nothing to hand
      out before another job has ended.
    executor: Runs the tasks; closed by the caller.
    console: Told what begins, and what is tried again.
    retries: Times that a killed job is tried again.

  Raises:
    UserError: The environment is at fault.
  """
  source = iter(jobs)
  running: dict[str, Job] = {}
  started: dict[str, float] = {}
  tries: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)

  def begin(job: Job) -> None:
    key = job.task.key
    running[key] = job
    started.setdefault(key, time.time())
    console.begin(key, job.label, job.task.directory)
    executor.submit(job.task)

  while True:
    while len(running) < executor.capacity and (job := next(source, None)) is not None:
      begin(job)
    if not running:
      return
    outcome = executor.wait()
    key, job = outcome.key, running.pop(outcome.key)
    verdict = judge.judge(outcome, tries[key][outcome.kind], retries)
    if verdict is None:
      tries[key][outcome.kind] += 1
      console.end(key, f"{outcome.reason}; trying again")
      begin(job)
    else:
      yield Ended(
        job=job,
        outcome=outcome,
        verdict=verdict,
        retries=tries.pop(key).total(),
        started_at=started.pop(key),
      )


def exit_status(work: Callable[[], object], left: str | None = None) -> int:
  """Does some work and returns the exit status of the program: 0 when it is done, 1 where it had to
  stop, 128 + signal where a signal ended it. Says on standard error why it is not done.

  Args:
    work: Called once, with SIGINT and SIGTERM as exceptions.
    left: What to say where a signal ended it, after the name of the signal.
  """
  try:
    with signals.raising():
      work()
  except judge.SearchStopped as stopped:
    print(f"stopped: {stopped}", file=sys.stderr, flush=True)
    return 1
  except signals.Interrupted as interrupted:
    if left is not None:
      print(f"left after {interrupted}; {left}", file=sys.stderr, flush=True)
    return 128 + interrupted.signum
  return 0

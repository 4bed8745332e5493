"""The loop that hands out, waits, judges and tries again, on an executor that is a script."""

import collections
import io

import pytest

from data_prep.common import cli
from official.runs import driver
from official.runs import judge
from official.runs import signals
from official.runs.console import Console
from official.runs.executors import base
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task


class Scripted(base.Executor):
  """Ends tasks in the order in which they were submitted, each try as the script says."""

  def __init__(self, endings=None, capacity=1):
    self.submitted = []
    self._endings = {key: list(kinds) for key, kinds in (endings or {}).items()}
    self._capacity = capacity
    self._tasks = collections.deque()

  @property
  def capacity(self):
    return self._capacity

  def submit(self, task):
    self.submitted.append(task.key)
    self._tasks.append(task)

  def wait_any(self, timeout=None):
    task = self._tasks.popleft()
    kinds = self._endings.get(task.key)
    kind = kinds.pop(0) if kinds else "returned"
    value = {"status": "ok", "timing": {"seconds": 2.0}} if kind == "returned" else None
    return Outcome(key=task.key, kind=kind, value=value, reason=f"{kind} {task.key}")

  def cancel(self, key):
    raise NotImplementedError

  def close(self):
    self._tasks.clear()


def job(key):
  return driver.Job(
    label=f"job {key}", task=Task(key=key, function=print, candidate={}, directory="")
  )


def run_all(jobs, executor, text=None, **options):
  with Console(lines=text or io.StringIO(), terminal=False) as console:
    for ended in driver.run_all(jobs, executor, console, **options):
      console.end(ended.key, "ended")
      yield ended


def statuses(*arguments, **options):
  return [(ended.key, ended.verdict.status) for ended in run_all(*arguments, **options)]


def test_all_jobs_are_run_as_many_at_a_time_as_there_is_room_for():
  executor = Scripted(capacity=2)
  endings = run_all(map(job, "abcd"), executor)
  next(endings)
  assert executor.submitted == ["a", "b"]
  next(endings)
  assert executor.submitted == ["a", "b", "c"]
  assert [ended.key for ended in endings] == ["c", "d"]


def test_a_killed_job_is_tried_again_at_once_and_said():
  executor, text = Scripted({"a": ["killed", "returned"]}), io.StringIO()
  (first, second) = run_all(map(job, "ab"), executor, text)
  assert executor.submitted == ["a", "a", "b"]
  assert (first.verdict.status, first.retries, second.retries) == ("ok", 1, 0)
  assert "job a: killed a; trying again" in text.getvalue()


@pytest.mark.parametrize("retries, tries", [(0, 1), (2, 3)])
def test_a_job_that_is_always_killed_is_infeasible_after_its_retries(retries, tries):
  executor = Scripted({"a": ["killed"] * 9})
  assert statuses([job("a")], executor, retries=retries) == [("a", "infeasible")]
  assert len(executor.submitted) == tries


def test_a_lost_machine_is_not_held_against_a_job():
  executor = Scripted(
    {"a": ["lost", "killed", "lost", "lost", "returned"], "b": ["lost", "killed"]}
  )
  (first, second) = run_all(map(job, "ab"), executor, retries=1)
  assert (first.verdict.status, first.retries, second.retries) == ("ok", 4, 2)


def test_a_job_that_ends_every_machine_is_infeasible():
  (ended,) = run_all([job("a")], Scripted({"a": ["lost"] * 99}), retries=0)
  assert (ended.verdict.status, ended.retries) == ("infeasible", judge.MAX_LOSSES)
  assert ended.verdict.reason == f"lost {judge.MAX_LOSSES + 1} times; the last time: lost a"


def test_other_endings_are_not_tried_again():
  endings = {"a": ["raised"], "b": ["exhausted"], "c": ["timed_out"]}
  assert statuses(map(job, "abc"), Scripted(endings)) == [
    ("a", "failed"),
    ("b", "infeasible"),
    ("c", "infeasible"),
  ]


def test_a_fault_of_the_environment_ends_the_loop():
  with pytest.raises(cli.UserError, match="environment a"):
    statuses(map(job, "ab"), Scripted({"a": ["environment"]}))


def test_the_next_job_is_drawn_when_the_one_before_is_recorded():
  recorded = []

  def jobs():
    yield job("a")
    assert recorded == ["a"]
    yield job("b")

  for ended in run_all(jobs(), Scripted()):
    recorded.append(ended.key)
  assert recorded == ["a", "b"]


def test_where_there_is_nothing_yet_it_asks_again_after_the_next_ending():
  ended = [one.key for one in run_all([job("a"), None, job("b"), None], Scripted(capacity=2))]
  assert ended == ["a", "b"]


def test_the_seconds_of_a_job_are_those_it_tells_and_those_the_driver_saw():
  (ended,) = run_all([job("a")], Scripted({"a": ["killed", "returned"]}))
  timing = ended.timing()
  assert (timing.seconds, timing.kills) == (2.0, 1)
  assert timing.started_at <= timing.finished_at


def raises(error):
  def work():
    raise error

  return work


@pytest.mark.parametrize(
  "work, status, told",
  [
    (lambda: None, 0, ""),
    (raises(judge.SearchStopped("nothing fits")), 1, "stopped: nothing fits\n"),
    (raises(signals.Interrupted(15)), 143, "left after SIGTERM; it goes on\n"),
  ],
)
def test_the_exit_status_tells_how_the_work_ended(work, status, told, capsys):
  assert driver.exit_status(work, "it goes on") == status
  assert capsys.readouterr().err == told

"""One generation: the plan of its trainings, its children, and the training of all of them.

A block of trainings belongs to each parent, numbered one after the other, in this order:

    parent        a random architecture
    retraining    the parent's architecture once more, from another seed; as many as asked for
    child         one of each arm, then the next of each arm, and so on

An arm is a way in which the parent's training guides the mutation. The children of one index are
alike in all but the arm: they share the generator of their mutation and the seed of their training,
those of the `random` child among them. Numbers depend on the other numbers asked for, and not on
how many parents there are; so more parents may be asked for later.

Trainings are candidates in a run directory (official/runs/run_directory.py), each in the folder
of its number. What has a result is not trained again; what has none resumes from its checkpoints.
The children of a parent that is not feasible are left out, and so is a child of which the search
space admits none; their numbers have no folder.
"""

from collections.abc import Iterator
import dataclasses
import statistics
from typing import Any

from official.architecture import cost
from official.architecture import mutation
from official.architecture import random_generation
from official.architecture.architecture import ArchitectureError
from official.architecture.space import SearchSpace
from official.runs import driver
from official.runs import judge
from official.runs import records
from official.runs.console import Console
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Task
from official.runs.records import Candidate
from official.runs.records import Result
from official.runs.run_directory import RunDirectory
from official.search import proposals

PARENT, RETRAINING, RANDOM = "parent", "retraining", "random"
# Arguments of `mutation.mutate`, by arm.
ARMS: dict[str, dict[str, Any]] = {
  "weights_0.5": {"guidance": "connection_weights", "weight_threshold": 0.5},
  "weights_uniform": {"guidance": "connection_weights", "weight_threshold": "uniform"},
  "sensitivity_weakest": {"guidance": "sensitivity", "sensitivity_drop": "weakest"},
  "sensitivity_strongest": {"guidance": "sensitivity", "sensitivity_drop": "strongest"},
  RANDOM: {"guidance": "random"},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
  """A training of the plan.

  Attributes:
    number: Number of its folder, and its place in the plan.
    role: PARENT, RETRAINING, or the name of an arm.
    parent: Number of the parent; a parent's own.
    pair: Number from which its randomness comes: children that differ in nothing but the arm have
      it in common.
  """

  number: int
  role: str
  parent: int
  pair: int

  @property
  def is_child(self) -> bool:
    """Whether it is trained for a comparison with other arms."""
    return self.role in ARMS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
  """A generation to be trained.

  Attributes:
    parents: Random architectures.
    children: Children of each parent, in each arm.
    retrainings: Trainings of each parent, besides its first.
    seed: Random seed.
    space: What an architecture can be.
    clip: What networks are built for.
    max_operators: Operators of a child's mutation, 0 to this many; 0 changes connections only.
    fitness: Name of the fitness.
  """

  parents: int
  children: int
  retrainings: int
  seed: int
  space: SearchSpace
  clip: cost.Clip
  max_operators: int
  fitness: str

  def jobs(self) -> Iterator[Job]:
    """Yields all trainings, by number."""
    block = 1 + self.retrainings + self.children * len(ARMS)
    for parent in range(0, self.parents * block, block):
      yield Job(number=parent, role=PARENT, parent=parent, pair=parent)
      first_child = parent + 1 + self.retrainings
      for number in range(parent + 1, first_child):
        yield Job(number=number, role=RETRAINING, parent=parent, pair=number)
      for first in range(first_child, parent + block, len(ARMS)):
        pair = first + list(ARMS).index(RANDOM)
        for number, arm in enumerate(ARMS, start=first):
          yield Job(number=number, role=arm, parent=parent, pair=pair)


def propose(run: RunDirectory, plan: Plan, job: Job) -> Candidate:
  """Returns the candidate of a job.

  Args:
    run: Where the parent's candidate.json is, unless the job is a parent, and for a child its
      result.json.
    plan: What the job is part of.
    job: What is to be trained.

  Raises:
    ArchitectureError: The search space admits none.
  """
  rng = proposals.generator(plan.seed, job.pair)
  story: dict[str, Any] = {}
  if job.role == PARENT:
    story = random_generation.found(plan.space, rng, clip=plan.clip).to_json()
  elif job.is_child:
    trained = run.read_result(job.parent)
    story = mutation.mutate(
      run.read_architecture(job.parent),
      proposals.connection_weights(trained.connection_weights or ()),
      plan.space,
      rng,
      sensitivities=proposals.sensitivities(trained.sensitivities or ()),
      max_operators=plan.max_operators,
      clip=plan.clip,
      **ARMS[job.role],
    ).to_json()
  architecture = story.pop("architecture", None)
  return Candidate(
    number=job.number,
    parent=job.parent,
    seed=proposals.training_seed(plan.seed, job.pair),
    architecture=architecture or run.read_proposal(job.parent).architecture,
    others={"role": job.role, "pair": job.pair, "story": story},
  )


def train(
  run: RunDirectory, plan: Plan, evaluator: Evaluator, executor: Executor, console: Console
) -> list[Job]:
  """Trains what has no result yet; returns the children that the search space does not allow.

  Children of parents that are not feasible are not among those.

  Args:
    run: Opened run directory.
    plan: What to train.
    evaluator: Trains a candidate, and measures sensitivities.
    executor: Runs the evaluator; closed by the caller.
    console: Told what happens.

  Raises:
    SearchStopped: A fault that repeats itself, or no parent is feasible.
  """
  return _Driver(run, plan, evaluator, executor, console).run()


class _Driver:
  """One life of the benchmark."""

  def __init__(
    self, run: RunDirectory, plan: Plan, evaluator: Evaluator, executor: Executor, console: Console
  ):
    self._run = run
    self._plan = plan
    self._evaluator = evaluator
    self._executor = executor
    self._console = console
    self._jobs = list(plan.jobs())
    self._waiting: list[Job] = []
    self._impossible: list[Job] = []
    self._status: dict[int, str] = {}  # Of every training that has a result.
    self._fitness: dict[bool, list[float]] = {False: [], True: []}  # Of parents, of children.

  def run(self) -> list[Job]:
    for job in self._jobs:
      result = self._run.read_result(job.number)
      if result is None:
        self._waiting.append(job)
      else:
        self._note(job, result)
        self._run.drop_weights(job.number)
    self._console.begin_search(
      total=len(self._jobs),
      finished=len(self._jobs) - len(self._waiting),
      best=self._so_far(),
    )
    watch = judge.Watch(
      patience=self._plan.parents * (1 + self._plan.retrainings),
      feasible=any(self._fitness.values()),
    )
    for ended in driver.run_all(self._tasks(), self._executor, self._console):
      result, fault = judge.result(int(ended.key), ended.verdict, self._plan.fitness)
      self._record(ended, result)
      watch.see(result, fault)
    return self._impossible

  def _tasks(self) -> Iterator[driver.Job | None]:
    """Yields trainings; None while those that wait need the result of one in flight."""
    while self._waiting:
      job = next(filter(self._ready, self._waiting), None)
      if job is None:
        yield None
        continue
      self._waiting.remove(job)
      if self._is_possible(job):
        yield self._task(job)

  def _ready(self, job: Job) -> bool:
    return not job.is_child or job.parent in self._status

  def _is_possible(self, job: Job) -> bool:
    """Proposes a job's candidate, unless it is there; False where there is none to be trained."""
    if job.is_child and self._status[job.parent] != "ok":
      self._leave_out(job, f"its parent {job.parent:06d} is not feasible")
      return False
    try:
      if self._run.read_candidate(job.number) is None:
        self._run.write_candidate(propose(self._run, self._plan, job))
    except ArchitectureError as error:
      if not job.is_child:
        raise judge.SearchStopped(f"no parent can be drawn from --search_space: {error}") from error
      self._impossible.append(job)
      self._leave_out(job, str(error))
      return False
    return True

  def _leave_out(self, job: Job, reason: str) -> None:
    self._console.say(f"{_label(job)}: left out, {reason}")
    self._console.count(self._so_far())

  def _task(self, job: Job) -> driver.Job:
    task = Task(
      key=f"{job.number:06d}",
      function=self._evaluator,
      directory=self._run.candidate_directory(job.number),
      candidate=self._run.read_proposal(job.number).to_json(),
    )
    return driver.Job(label=_label(job), task=task)

  def _record(self, ended: driver.Ended, result: Result) -> None:
    job = self._jobs[result.number]
    self._run.write_result(result, ended.timing())
    self._run.drop_weights(job.number)
    self._note(job, result)
    self._console.end(ended.key, _describe(result))
    self._console.count(self._so_far())

  def _note(self, job: Job, result: Result) -> None:
    self._status[job.number] = result.status
    if result.status == "ok":
      self._fitness[job.is_child].append(result.fitness)

  def _so_far(self) -> str:
    parents, children = (
      f"{statistics.mean(values):.4f} ({len(values)})" if values else "-"
      for values in (self._fitness[False], self._fitness[True])
    )
    return f"mean {self._plan.fitness} of parents {parents}, of children {children}"


def _label(job: Job) -> str:
  origin = job.role if job.role == PARENT else f"{job.role} of {job.parent:06d}"
  return f"candidate {job.number:06d} ({origin})"


def _describe(result: Result) -> str:
  if result.status != "ok":
    return f"{result.status}: {result.reason}"
  return records.metrics_text(result.metrics or {})

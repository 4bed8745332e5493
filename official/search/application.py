"""A whole run: check everything, search, train the winner, say where it lies.

Whatever the caller can have got wrong is found before the run directory is made. The exit status is
0 for a finished run, 1 where the search had to stop, 128 + signal where a signal ended it; a
UserError is left to the main (2).
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import dataclasses
import os
import tempfile
import types

from data_prep.common import cli
from data_prep.common import files as data_files
from official.architecture import cost
from official.architecture import dead_choices
from official.architecture.architecture import Architecture
from official.architecture.space import SearchSpace
from official.runs import driver
from official.runs import final_training
from official.runs import json_files
from official.runs import judge
from official.runs.console import Console
from official.runs.executors import base
from official.runs.executors import leases
from official.runs.final_records import FinalResult
from official.runs.json_files import Json
from official.runs.records import Founder
from official.runs.run_directory import RunDirectory
from official.search import dry_run as dry_run_lib
from official.search import front_report
from official.search import loop
from official.search import proposals
from official.search import refinement
from official.search.population import Member
from official.search.settings import SearchSettings

_CHECK = "check"
_FOLDERS = ("candidates", "search", "final", "export")  # What a run makes below its folder.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trainings:
  """The functions that workers run; each is picklable and called like an evaluator.

  Attributes:
    candidate: Trains a candidate.
    final: Trains the winner to the end, or one of several.
    joining: Exports what was trained to the end, where it is several (final.train_several).
    check: Called in a worker before anything is written; raises UserError where trainings cannot
      begin.
  """

  candidate: base.Evaluator
  final: base.Evaluator
  joining: base.Evaluator
  check: base.Evaluator | None = None


def threads(model_dir: str, asked: int | None, workers: int) -> int:
  """Returns a candidate's threads: as asked, as in the run so far, or its share of the cores."""
  if asked is not None:
    return asked
  recorded = RunDirectory(model_dir).recorded()
  if recorded is not None and recorded.threads is not None:
    return recorded.threads
  cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
  return max((cores or 1) // workers, 1)


def gpus(model_dir: str, asked: int | None, workers: int, *, several: bool) -> int:
  """Returns a candidate's GPUs: as asked, as in the run so far, or one if there are any here.

  Args:
    model_dir: The run directory.
    asked: Value of the flag, if it was given.
    workers: Candidates at a time.
    several: Whether a training can use several GPUs; then its share of all is the default.
  """
  if asked is not None:
    return asked
  recorded = RunDirectory(model_dir).recorded()
  if recorded is not None and recorded.gpus is not None:
    return recorded.gpus
  here = len(leases.list_gpus())
  return max(here // workers if several else 1, 1) if here else 0


def run(
  *,
  model_dir: str,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  executor: Callable[[], base.Executor],
  trainings: Callable[[], Trainings],
  identity: Json,
  operation: Json,
  final_settings: Json,
  start_from: str | None = None,
  console: Console | None = None,
  defaults: Json = types.MappingProxyType({}),
  advice: str | None = None,
) -> int:
  """Starts a run or resumes it, and returns the exit status.

  Args:
    model_dir: The run directory.
    space: Search space.
    settings: Numbers of the search.
    clip: What networks are built for.
    executor: Makes the executor.
    trainings: What workers do; called, as `executor` is, once everything else is checked.
    identity: Values, by flag, that decide the outcome besides space and settings.
    operation: Values, by flag, that say how the work is done, to be recorded.
    final_settings: Values, by flag, that the final training alone depends on.
    start_from: Run directory of an earlier search, whose best are the first candidates.
    console: Told what happens.
    defaults: Values, by flag, that a run has which was begun before there was such a flag.
    advice: What is said before a new run.

  Raises:
    UserError: Something cannot be done as asked, or the environment is at fault.
  """
  run_directory = RunDirectory(model_dir)
  defaults = {**defaults, **_search_defaults(space, settings)}
  notes = [advice] if advice and run_directory.recorded() is None else []
  refined = _refined(run_directory, start_from, space, settings, clip, notes)
  identity = _identity(space, settings, identity, refined)
  run_directory.check(identity, defaults)
  _check_possible(model_dir, space, settings, clip)
  whole = _Run(
    directory=run_directory,
    space=space,
    settings=settings,
    clip=clip,
    work=trainings(),
    identity=identity,
    operation={**settings.operation(), **final_settings, **operation},
    final_settings=final_settings,
    defaults=defaults,
    founders=(refined and refined.founders) or (),
    notes=notes,
  )
  return driver.exit_status(
    lambda: whole.search_and_train(executor, console or Console()),
    f"nothing is lost, the same command resumes in {model_dir}",
  )


def _check_possible(
  model_dir: str, space: SearchSpace, settings: SearchSettings, clip: cost.Clip
) -> None:
  """Raises UserError unless what a run makes can be written, and a candidate can be drawn."""
  for name in _FOLDERS:
    data_files.check_writable(json_files.join(model_dir, name), f"--model_dir={model_dir}")
  proposals.check(space, settings, clip)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Run:
  """A whole run that has been checked; attributes as the arguments of `run`.

  Attributes:
    founders: The first candidates, from an earlier run.
    notes: What is said before it begins.
  """

  directory: RunDirectory
  space: SearchSpace
  settings: SearchSettings
  clip: cost.Clip
  work: Trainings
  identity: Json
  operation: Json
  final_settings: Json
  defaults: Json
  founders: Sequence[Founder]
  notes: Sequence[str]

  def search_and_train(self, executor: Callable[[], base.Executor], console: Console) -> None:
    """Searches, and trains the best to the end; SearchStopped or UserError where it cannot."""
    with (
      executor() as pool,
      _checked(self.work.check, pool),
      self.directory.opened(self.identity, self.operation, self.defaults),
      console,
    ):
      for line in (*self.notes, *_dead_choices(self.space, self.settings, self.clip)):
        console.say(line)
      best = loop.search(
        self.directory,
        self.space,
        self.settings,
        self.clip,
        self.work.candidate,
        pool,
        console,
        self.founders,
      )
      console.end_bar()
      _report(console, self.directory, self._train_to_the_end(best, pool, console), self.settings)

  def _train_to_the_end(
    self, best: Sequence[Member], pool: base.Executor, console: Console
  ) -> FinalResult:
    trainings = final_training.FinalTrainings(
      run=self.directory,
      settings=self.final_settings,
      function=self.work.final,
      executor=pool,
      console=console,
      retries=self.settings.max_retries,
      defaults=self.defaults,
    )
    numbers = [member.number for member in best]
    if self.settings.trains_one:
      return trainings.train(numbers[0])
    return trainings.train_several(
      numbers,
      how=self.settings.final,
      fitness=self.settings.fitness,
      joining=self.work.joining,
      export_all=self.settings.export == "all",
    )


def dry_run(
  *,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  executor: Callable[[], base.Executor],
  candidate_steps: int,
  final_steps: int,
  probe: base.Evaluator,
  start_from: str | None = None,
) -> int:
  """Prints what a search would take (dry_run.py), and returns the exit status.

  Raises:
    UserError: Something cannot be done as asked.
  """
  notes: list[str] = []
  founders: Sequence[Architecture] = ()
  if start_from:
    found = refinement.founders(start_from, settings.population_size, space, clip, notes.append)
    founders = tuple(found.values())

  def try_some() -> None:
    with Console() as console, executor() as pool:
      for line in (*notes, *_dead_choices(space, settings, clip)):
        console.say(line)
      dry_run_lib.run(
        space=space,
        settings=settings,
        clip=clip,
        candidate_steps=candidate_steps,
        final_steps=final_steps,
        probe=probe,
        executor=pool,
        console=console,
        founders=founders,
      )

  return driver.exit_status(try_some)


def _refined(
  run_directory: RunDirectory,
  start_from: str | None,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  notes: list[str],
) -> refinement.Refinement | None:
  """Returns with what a search begins, if with an earlier run; notes what is left out of it."""
  if not start_from:
    return None
  count = settings.population_size
  return refinement.begin(run_directory, start_from, count, space, clip, notes.append)


def _identity(
  space: SearchSpace,
  settings: SearchSettings,
  identity: Json,
  refined: refinement.Refinement | None,
) -> Json:
  """Returns all values, by flag, that decide the outcome."""
  return {
    "search_space": space.to_json(),
    **settings.identity(),
    **identity,
    "start_from": refined.to_json() if refined else None,
  }


def _dead_choices(space: SearchSpace, settings: SearchSettings, clip: cost.Clip) -> list[str]:
  """Returns what makes no difference in a search, line by line."""
  lines = [f"--search_space: {line}" for line in dead_choices.dead_choices(space, clip)]
  dead = settings.dead_choice()
  return [*lines, dead] if dead else lines


def _search_defaults(space: SearchSpace, settings: SearchSettings) -> dict[str, object]:
  """Returns, by flag, what was so in every search before there was such a flag."""
  fields = [*dataclasses.fields(SearchSpace), *dataclasses.fields(SearchSettings)]
  known = {
    field.name: field.default for field in fields if field.default is not dataclasses.MISSING
  }
  of_space = {name: known[name] for name in space.to_json() if name in known}
  return {
    **known,
    "initial_candidates": settings.population_size,
    "max_operators": space.max_operators,
    "search_space": json_files.plain(of_space),
  }


@contextlib.contextmanager
def _checked(check: base.Evaluator | None, pool: base.Executor) -> Iterator[None]:
  """Lets a worker check whether trainings can start, before anything is written.

  Raises:
    UserError: They cannot.
  """
  if check is not None:
    with tempfile.TemporaryDirectory() as folder:
      pool.submit(base.Task(key=_CHECK, function=check, candidate={}, directory=folder))
      outcome = pool.wait()
      if outcome.kind == "environment":
        raise cli.UserError(outcome.reason or "the environment is at fault")
      if outcome.kind != "returned":
        raise judge.SearchStopped(f"no training can begin here: {outcome.reason}")
  yield


def _report(
  console: Console, directory: RunDirectory, result: FinalResult, settings: SearchSettings
) -> None:
  """Says what came of the final training; its metrics are by split."""
  exported = [member for member in result.members or () if member.export]
  if exported:
    what = "front" if result.final == final_training.FRONT else f"best {len(exported)}"
    console.say(f"the {what} after the final training, each with its own export:")
    for line in front_report.final_lines(exported, settings):
      console.say(line)
  for line in result.lines():
    console.say(f"final {line}")
  who = (
    f"the ensemble of {len(result.members or ())}"
    if result.candidate is None
    else f"the winner, candidate {result.candidate:06d},"
  )
  console.say(f"{who} lies in {directory.final_directory}")
  if result.export:
    console.say(final_training.where_exported(directory, result.export))

"""A whole run: check everything, search, train the winner, say where it lies.

Whatever the caller can have got wrong is found before the run directory is made. The exit status is
0 for a finished run, 1 where the search had to stop, 128 + signal where a signal ended it; a
UserError is left to the main (2).
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import dataclasses
import os
import sys
import tempfile
import types

from data_prep.common import cli
from data_prep.common import files as data_files
from official.architecture import cost
from official.architecture import dead_choices
from official.architecture.space import SearchSpace
from official.runs import final_training
from official.runs import json_files
from official.runs import judge
from official.runs import records
from official.runs import signals
from official.runs.console import Console
from official.runs.executors import base
from official.runs.executors import leases
from official.runs.final_records import FinalResult
from official.runs.json_files import Json
from official.runs.run_directory import RunDirectory
from official.search import dry_run as dry_run_lib
from official.search import loop
from official.search import proposals
from official.search import refinement
from official.search.population import Member
from official.search.settings import SearchSettings

_CHECK = "check"
_FOLDERS = ("candidates", "search", "final", "export")  # What a run makes below its folder.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trainings:
  """What workers do; each is picklable and called like an evaluator.

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
  return max(cores // workers, 1)


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
) -> int:
  """Runs or goes on, and returns the exit status.

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

  Raises:
    UserError: Something cannot be done as asked, or the environment is at fault.
  """
  directory = RunDirectory(model_dir)
  defaults = {**defaults, **_search_defaults(space, settings)}
  left_out: list[str] = []
  refined = None
  if start_from:
    refined = refinement.begin(
      directory, start_from, settings.population_size, space, clip, left_out.append
    )
  whole_identity = {
    "search_space": space.to_json(),
    **settings.identity(),
    **identity,
    "start_from": refined.to_json() if refined else None,
  }
  directory.check(whole_identity, defaults)
  for name in _FOLDERS:
    data_files.check_writable(json_files.join(model_dir, name), f"--model_dir={model_dir}")
  proposals.check(space, settings, clip)
  work = trainings()
  whole_operation = {**settings.operation(), **final_settings, **operation}
  try:
    with (
      signals.raising(),
      executor() as pool,
      _checked(work.check, pool),
      directory.opened(whole_identity, whole_operation, defaults),
      console or Console() as console,
    ):
      for line in (*left_out, *_dead_choices(space, settings, clip)):
        console.say(line)
      best = loop.search(
        directory,
        space,
        settings,
        clip,
        work.candidate,
        pool,
        console,
        (refined and refined.founders) or (),
      )
      console.end_bar()
      result = _train_to_the_end(
        directory, best, settings, final_settings, defaults, work, pool, console
      )
      _report(console, directory, result)
  except judge.SearchStopped as stopped:
    print(f"stopped: {stopped}", file=sys.stderr, flush=True)
    return 1
  except signals.Interrupted as interrupted:
    print(
      f"left after {interrupted}; nothing is lost, the same command goes on in {model_dir}",
      file=sys.stderr,
      flush=True,
    )
    return 128 + interrupted.signum
  return 0


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
  """Says what a search would take (dry_run.py), and returns the exit status.

  Raises:
    UserError: Something cannot be done as asked.
  """
  left_out: list[str] = []
  founders = (
    list(
      refinement.founders(
        start_from, settings.population_size, space, clip, left_out.append
      ).values()
    )
    if start_from
    else []
  )
  try:
    with signals.raising(), Console() as console, executor() as pool:
      for line in (*left_out, *_dead_choices(space, settings, clip)):
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
  except judge.SearchStopped as stopped:
    print(f"stopped: {stopped}", file=sys.stderr, flush=True)
    return 1
  except signals.Interrupted as interrupted:
    return 128 + interrupted.signum
  return 0


def _train_to_the_end(
  directory: RunDirectory,
  best: Sequence[Member],
  settings: SearchSettings,
  final_settings: Json,
  defaults: Json,
  work: Trainings,
  pool: base.Executor,
  console: Console,
) -> FinalResult:
  numbers = [member.number for member in best]
  how = {"max_retries": settings.max_retries, "defaults": defaults}
  if settings.final == "best":
    return final_training.train(
      directory, numbers[0], final_settings, work.final, pool, console, **how
    )
  return final_training.train_several(
    directory,
    numbers,
    final_settings,
    work.final,
    pool,
    console,
    how=settings.final,
    fitness=settings.fitness,
    joining=work.joining,
    **how,
  )


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
  """Has a worker look whether trainings can begin, before anything is written.

  Raises:
    UserError: They cannot.
  """
  if check is not None:
    with tempfile.TemporaryDirectory() as folder:
      pool.submit(base.Task(key=_CHECK, function=check, candidate={}, directory=folder))
      outcome = pool.wait_any()
      if outcome.kind == "environment":
        raise cli.UserError(outcome.reason)
      if outcome.kind != "returned":
        raise judge.SearchStopped(f"no training can begin here: {outcome.reason}")
  yield


def _report(console: Console, directory: RunDirectory, result: FinalResult) -> None:
  """Says what came of the final training; its metrics are by split."""
  for split, metrics in (result.metrics or {}).items():
    console.say(f"final {split}: {records.metrics_text(metrics)}")
  who = (
    f"the ensemble of {len(result.members or ())}"
    if result.candidate is None
    else f"the winner, candidate {result.candidate:06d},"
  )
  console.say(f"{who} lies in {directory.final_directory}")
  if result.export:
    console.say(final_training.where_exported(directory, result.export))

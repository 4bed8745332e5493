"""A whole run: check everything, search, train the winner, say where it lies.

Whatever the caller can have got wrong is found before the run directory is made. The exit status is
0 for a finished run, 1 where the search had to stop, 128 + signal where a signal ended it; a
UserError is left to the main (2).
"""

from collections.abc import Callable, Mapping, Sequence
import os
import sys
from typing import Any

from official.architecture import cost
from official.architecture.space import SearchSpace
from official.search import dry_run as dry_run_lib
from official.search import failures
from official.search import files
from official.search import final
from official.search import loop
from official.search import proposals
from official.search import signals
from official.search.console import Console
from official.search.executors import base
from official.search.run_directory import RunDirectory
from official.search.settings import SearchSettings

EXECUTORS = ("local", "inline")


def threads(model_dir: str, asked: int | None, workers: int) -> int:
  """Returns a candidate's threads: as asked, as in the run so far, or its share of the cores."""
  if asked is not None:
    return asked
  recorded = RunDirectory(model_dir).recorded()
  if recorded is not None:
    return recorded["identity"]["threads_per_candidate"]
  cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
  return max(cores // workers, 1)


def run(*, model_dir: str, space: SearchSpace, settings: SearchSettings, clip: cost.Clip,
        executor: str, threads: int,
        trainings: Callable[[], tuple[base.Evaluator, base.Evaluator]],
        identity: Mapping[str, Any], final_settings: Mapping[str, Any],
        preload: Sequence[str] = ("tensorflow",), console: Console | None = None) -> int:
  """Runs or goes on, and returns the exit status.

  Args:
    model_dir: The run directory.
    space: Search space.
    settings: Numbers of the search.
    clip: What networks are built for.
    executor: One of EXECUTORS.
    threads: CPU threads of a candidate.
    trainings: Returns the evaluator of candidates and the final training; called once everything is
      checked.
    identity: Values, by flag, that decide the outcome besides space, settings and threads.
    final_settings: Values, by flag, that the final training alone depends on.
    preload: Modules that the server of local workers imports once.
    console: Told what happens.
  """
  directory = RunDirectory(model_dir)
  whole_identity = {"search_space": space.to_json(), **settings.identity(), **identity,
                    "threads_per_candidate": threads}
  directory.check(whole_identity)
  proposals.check(space, settings, clip)
  evaluator, final_training = trainings()
  operation = {**settings.operation(), **final_settings, "executor": executor}
  try:
    with (signals.raising(), directory.opened(whole_identity, operation),
          console or Console() as console,
          _executor(executor, settings.workers, threads, preload) as pool):
      best = loop.search(directory, space, settings, clip, evaluator, pool, console)
      console.end_bar()
      result = final.train(directory, best.number, final_settings, final_training, pool, console)
      _report(console, directory, best.number, result)
  except failures.SearchStopped as stopped:
    print(f"stopped: {stopped}", file=sys.stderr, flush=True)
    return 1
  except signals.Interrupted as interrupted:
    print(f"left after {interrupted}; nothing is lost, the same command goes on in {model_dir}",
          file=sys.stderr, flush=True)
    return 128 + interrupted.signum
  return 0


def dry_run(*, space: SearchSpace, settings: SearchSettings, clip: cost.Clip, executor: str,
            threads: int, candidate_steps: int, final_steps: int, probe: base.Evaluator,
            preload: Sequence[str] = ("tensorflow",)) -> int:
  """Says what a search would take (dry_run.py), and returns the exit status."""
  try:
    with (signals.raising(), Console() as console,
          _executor(executor, settings.workers, threads, preload) as pool):
      dry_run_lib.run(space=space, settings=settings, clip=clip, candidate_steps=candidate_steps,
                      final_steps=final_steps, probe=probe, executor=pool, console=console)
  except failures.SearchStopped as stopped:
    print(f"stopped: {stopped}", file=sys.stderr, flush=True)
    return 1
  except signals.Interrupted as interrupted:
    return 128 + interrupted.signum
  return 0


def _executor(name: str, workers: int, threads: int, preload: Sequence[str]) -> base.Executor:
  if name == "inline":
    from official.search.executors import inline
    return inline.Inline(threads=threads)
  from official.search.executors import local
  return local.Local(workers=workers, threads=threads, preload=preload)


def _report(console: Console, directory: RunDirectory, number: int,
            result: Mapping[str, Any]) -> None:
  """Says what came of the final training; its metrics are by split."""
  for split, metrics in (result.get("metrics") or {}).items():
    numbers = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
    console.say(f"final {split}: {numbers}")
  console.say(f"the winner, candidate {number:06d}, lies in {directory.final_directory}")
  if result.get("export"):
    console.say(f"exported to {files.join(directory.path, result['export'])}")

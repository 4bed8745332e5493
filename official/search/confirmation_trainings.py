"""The trainings of a confirmation (confirmation.py), and their records.

    candidates/000012/confirm_1/result.json   what came of the training with the first other seed
                               /timing.json, log.txt, progress.json, lock, training/
                                              as in a candidate's folder; its weights are deleted

Each record is written once, whole, when its training has ended; so a command that was killed
resumes with what is missing, from the checkpoints that are there. More seeds or candidates may be
asked for later, and those that are recorded are not trained again. A confirmation is trained from
scratch and for all of --candidate_steps, as the final training will be, whatever its candidate was.
"""

from collections.abc import Iterator
import dataclasses
import statistics

import numpy as np

from official.runs import driver
from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.runs import judge
from official.runs import record_files
from official.runs.console import Console
from official.runs.driver import Ended
from official.runs.driver import Job
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Task
from official.runs.records import Result
from official.runs.run_directory import RunDirectory
from official.search import confirmation
from official.search import folds
from official.search.population import Member
from official.search.settings import SearchSettings
from official.search.state import SearchState

_CONFIRMING = 2  # Apart from the streams of proposals and of candidates' trainings (proposals.py).

_OF = "/"  # In the key of a task, between candidate and training.


def finalists(
  run: RunDirectory,
  settings: SearchSettings,
  state: SearchState,
  evaluator: Evaluator,
  executor: Executor,
  console: Console,
) -> tuple[Member, ...]:
  """Returns those to train to the end, the best first, having confirmed them if that is asked for.

  Args:
    run: Opened run directory.
    settings: How to search.
    state: The search, which has ended.
    evaluator: Trains a candidate.
    executor: Runs the evaluator.
    console: Told what happens.

  Raises:
    SearchStopped: A confirmation failed by a fault of the program.
    UserError: The environment is at fault; nothing is lost.
  """
  if not settings.confirmation.trainings:
    return state.finalists
  console.end_bar()
  jobs = list(_jobs(run, settings, state, evaluator))
  for ended in driver.run_all(jobs, executor, console, retries=settings.max_retries):
    console.end(ended.key, _record(settings, ended))
  rows = read(run, settings, state)
  for line in confirmation.lines(rows, settings.fitness):
    console.say(line)
  return ordered(state, settings, rows) or state.finalists


def read(
  run: RunDirectory, settings: SearchSettings, state: SearchState
) -> tuple[confirmation.Row, ...]:
  """Returns what is known of every candidate to be confirmed, the best first."""
  plan = settings.confirmation
  return confirmation.ranked(
    [_row(run, member, plan.seeds) for member in state.leaders[: plan.candidates]]
  )


def ordered(
  state: SearchState, settings: SearchSettings, rows: tuple[confirmation.Row, ...]
) -> tuple[Member, ...] | None:
  """Returns those to train to the end, the best first; None while something is awaited.

  Those that were not confirmed come after those that were, in the order of the search.
  """
  if any(row.awaited for row in rows):
    return None
  members = {member.number: member for member in state.leaders}
  first = [members.pop(row.number) for row in rows]
  return (*first, *members.values())[: settings.trained_to_the_end]


def seed(search_seed: int, number: int, which: int) -> int:
  """Returns the seed of a candidate's confirmation `which`, from 1; below 2**31."""
  sequence = np.random.SeedSequence(search_seed, spawn_key=(number, _CONFIRMING, which))
  return int(sequence.generate_state(1)[0] >> 1)


def _jobs(
  run: RunDirectory, settings: SearchSettings, state: SearchState, evaluator: Evaluator
) -> Iterator[Job]:
  """Yields the trainings that have no result; the first seed of every candidate comes first."""
  plan = settings.confirmation
  for which in range(1, plan.seeds + 1):
    for member in state.leaders[: plan.candidates]:
      directory = _directory(run, member.number, which)
      if _result(directory) is not None:
        json_files.remove_tree(json_files.join(directory, "training"))
        continue
      json_files.make_directory(directory)
      candidate = {
        "number": member.number,
        "seed": seed(settings.seed, member.number, which),
        "architecture": run.read_proposal(member.number).architecture,
        **folds.record(settings.folds, which - 1),  # The same ones for all who are compared.
      }
      task = Task(
        key=f"{member.number:06d}{_OF}{which}",
        function=evaluator,
        candidate=candidate,
        directory=directory,
        timeout=settings.candidate_timeout,
      )
      label = f"confirmation {which} of {plan.seeds} of candidate {member.number:06d}"
      yield Job(label=label, task=task)


def _record(settings: SearchSettings, ended: Ended) -> str:
  """Writes what came of a training, deletes its weights, and says it."""
  task = ended.job.task
  number, _ = task.key.split(_OF)
  result, fault = judge.result(int(number), ended.verdict, settings.fitness)
  if fault is not None:
    log = json_files.join(task.directory, "log.txt")
    raise judge.SearchStopped(
      f"the {ended.job.label} did not succeed: {result.reason} "
      f"({log} has the details); the same command tries again"
    )
  kept = dataclasses.replace(
    result, connection_weights=None, sensitivities=None, others={"seed": task.candidate["seed"]}
  )
  timing = json_files.join(task.directory, "timing.json")
  json_files.write_json(timing, ended.timing().to_json())
  json_files.write_json(json_files.join(task.directory, "result.json"), kept.to_json())
  json_files.remove_tree(json_files.join(task.directory, "training"))
  if result.fitness is None:
    return f"{result.status}: {result.reason}"
  return fitness_lib.text(settings.fitness, result.fitness)


def _row(run: RunDirectory, member: Member, seeds: int) -> confirmation.Row:
  results = [
    result
    for which in range(1, seeds + 1)
    if (result := _result(_directory(run, member.number, which))) is not None
  ]
  losses = [result.loss for result in results if result.loss is not None]
  return confirmation.Row(
    number=member.number,
    searched=member.fitness,
    fitnesses=tuple(result.fitness for result in results),
    loss=statistics.fmean(losses) if losses else None,
    awaited=seeds - len(results),
  )


def _directory(run: RunDirectory, number: int, which: int) -> str:
  return json_files.join(run.candidate_directory(number), f"confirm_{which}")


def _result(directory: str) -> Result | None:
  return record_files.read(json_files.join(directory, "result.json"), Result)

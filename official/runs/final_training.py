"""The best, trained to the end: the winner alone, or several of the best.

    final/final.json    which candidates, and with what settings; written before training
         /result.json   what came of it; written once
         /training, log.txt, progress.json, lock    as in a candidate's folder

Where several are trained, each has a folder like that of its own, and one more task joins them:

    final/final.json, result.json    of all together
         /000012/final.json, result.json, training, ...
         /joining/log.txt, progress.json, lock

    top_k       the one that is best after its final training is exported
    ensemble    one network is exported, which averages the probabilities of all

A training is a task like any other: it runs in a process of its own, is resumed from its newest
checkpoint, is tried again after one signal. When a search goes on and finds a better candidate, or
when the settings change, `final/` is made anew, but for the candidates that are wanted with the
same settings again; what was exported from the old one stays, under its version.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import dataclasses
import functools
import math
import os
import time
import types

from official.runs import fitness as fitness_lib
from official.runs import identity as identity_lib
from official.runs import json_files
from official.runs import judge
from official.runs import record_files
from official.runs.console import Console
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task
from official.runs.final_records import FinalAsked
from official.runs.final_records import FinalMember
from official.runs.final_records import FinalResult
from official.runs.final_records import LeftOut
from official.runs.final_records import TrainedNetwork
from official.runs.json_files import Json
from official.runs.records import Metrics
from official.runs.records import Timing
from official.runs.run_directory import RunDirectory

_KEY = "final"
_JOINING = "joining"
_Runner = Callable[[Iterable[tuple[str, Task]]], Iterator[Outcome]]


def train(
  run: RunDirectory,
  number: int,
  settings: Json,
  final_training: Evaluator,
  executor: Executor,
  console: Console,
  *,
  max_retries: int = judge.MAX_RETRIES,
  defaults: Json = types.MappingProxyType({}),
) -> FinalResult:
  """Trains candidate `number` to the end, or resumes, and returns the content of final/result.json.

  Args:
    run: Opened run directory.
    number: The winner.
    settings: Values, by flag, that the final training depends on besides the search's identity.
    final_training: Called like an evaluator, with the winner's candidate.json and final/.
    executor: Runs it.
    console: Told what happens.
    max_retries: Times that it is tried again after its process was killed.
    defaults: What a flag of the settings was before there was such a flag.

  Raises:
    SearchStopped: It could not be trained.
    UserError: The environment is at fault; nothing is lost.
  """
  directory = run.final_directory
  finished = _begin(directory, FinalAsked(candidate=number, settings=settings), defaults)
  if finished is not None:
    return finished
  started = time.time()
  task = Task(
    key=_KEY,
    function=final_training,
    candidate=run.read_proposal(number).to_json(),
    directory=directory,
  )
  (outcome,) = _run([(_training_of(number), task)], executor, console, max_retries)
  if not _succeeded(outcome):
    raise _stopped(_training_of(number), outcome, directory)
  return _finish(run, directory, {"candidate": number, **(outcome.value or {})}, started)


def train_several(
  run: RunDirectory,
  numbers: Sequence[int],
  settings: Json,
  final_training: Evaluator,
  executor: Executor,
  console: Console,
  *,
  how: str,
  fitness: str,
  joining: Evaluator,
  max_retries: int = judge.MAX_RETRIES,
  defaults: Json = types.MappingProxyType({}),
) -> FinalResult:
  """Trains several candidates to the end, or resumes, and returns the content of final/result.json.

  A candidate that turns out infeasible is left out, and named in the result.

  Args:
    run: Opened run directory.
    numbers: The candidates, best first.
    settings: Values, by flag, that one final training depends on besides the search's identity.
    final_training: Called like an evaluator, with candidate.json and final/<number>; exports
      nothing.
    executor: Runs as many at a time as it has room for.
    console: Told what happens.
    how: `top_k` or `ensemble`.
    fitness: Name of the fitness that tells which is best after the final training.
    joining: Called with `{"members": [{"candidate", "seed", "architecture", "training"}],
      "evaluate"}`, where `training` is a folder of checkpoints, and final/joining; exports them,
      and for an ensemble evaluates it, in `metrics` by split.
    max_retries, defaults: As in `train`.

  Raises:
    UserError: The environment is at fault; nothing is lost.
    SearchStopped: A final training failed, none is feasible, or the joining did not succeed.
  """
  directory = run.final_directory
  folders = {number: json_files.join(directory, f"{number:06d}") for number in numbers}
  asked = FinalAsked(final=how, candidates=tuple(numbers), settings=settings)
  keep = {f"{number:06d}" for number in numbers}
  finished = _begin(directory, asked, defaults, keep)
  if finished is not None:
    return finished
  started = time.time()
  run_tasks = functools.partial(_run, executor=executor, console=console, max_retries=max_retries)
  results, left_out = _train_members(run, folders, settings, defaults, final_training, run_tasks)
  if not results:
    raise judge.SearchStopped(
      f"none of {len(folders)} final trainings is feasible; of candidate "
      f"{left_out[0].candidate:06d}: {left_out[0].reason}; the same command tries again"
    )
  ranked = _ranked(results, fitness)
  chosen = ranked if how == "ensemble" else ranked[:1]
  value = _join(run, {number: folders[number] for number in chosen}, how, joining, run_tasks)
  winner = {}
  if how != "ensemble":
    winner = dataclasses.replace(results[ranked[0]], candidate=ranked[0]).to_json()
  joined = FinalResult(
    final=how,
    members=tuple(_member(number, results[number], fitness) for number in ranked),
    left_out=tuple(left_out),
  )
  return _finish(run, directory, {**winner, **joined.to_json(), **value}, started)


def _train_members(
  run: RunDirectory,
  folders: Mapping[int, str],
  settings: Json,
  defaults: Json,
  final_training: Evaluator,
  run_tasks: _Runner,
) -> tuple[dict[int, FinalResult], list[LeftOut]]:
  """Returns the results by candidate, and those that are infeasible with the reason."""
  started = time.time()
  results: dict[int, FinalResult | None] = {}
  tasks: list[tuple[str, Task]] = []
  for number, folder in folders.items():
    asked = FinalAsked(candidate=number, settings=settings)
    results[number] = _begin(folder, asked, defaults)
    if results[number] is None:
      tasks.append(
        (
          _training_of(number),
          Task(
            key=f"{number:06d}",
            function=final_training,
            candidate=run.read_proposal(number).to_json(),
            directory=folder,
          ),
        )
      )
  left_out: dict[int, Outcome] = {}
  failed: dict[int, Outcome] = {}
  for outcome in run_tasks(tasks):
    number = int(outcome.key)
    if _succeeded(outcome):
      results[number] = _finish(run, folders[number], outcome.value or {}, started)
    else:
      (left_out if _is_infeasible(outcome) else failed)[number] = outcome
  for number, outcome in sorted(failed.items()):
    raise _stopped(_training_of(number), outcome, folders[number])
  return (
    {number: result for number, result in results.items() if result is not None},
    [LeftOut(number, _reason(left_out[number])) for number in folders if number in left_out],
  )


def _join(
  run: RunDirectory, folders: Mapping[int, str], how: str, joining: Evaluator, run_tasks: _Runner
) -> Json:
  """Exports trained candidates, and evaluates an ensemble of them."""
  members = []
  for number, folder in folders.items():
    candidate = run.read_proposal(number)
    member = TrainedNetwork(
      candidate=number,
      seed=candidate.seed,
      architecture=candidate.architecture,
      training=json_files.join(folder, "training"),
    )
    members.append(member.to_json())
  directory = json_files.join(run.final_directory, _JOINING)
  json_files.make_directory(directory)
  names = ", ".join(f"{number:06d}" for number in folders)
  label = f"export of candidate{'s' * (len(folders) > 1)} {names}"
  task = Task(
    key=_JOINING,
    function=joining,
    directory=directory,
    candidate={"members": members, "evaluate": how == "ensemble"},
  )
  (outcome,) = run_tasks([(label, task)])
  if not _succeeded(outcome):
    raise _stopped(label, outcome, directory)
  return outcome.value or {}


def read_asked(directory: str) -> FinalAsked | None:
  """Returns the content of final.json, None where there is none; UserError if it is damaged."""
  return record_files.read(json_files.join(directory, "final.json"), FinalAsked)


def read_result(directory: str) -> FinalResult | None:
  """Returns the content of final/result.json, None where there is none; UserError if it is
  damaged."""
  return record_files.read(json_files.join(directory, "result.json"), FinalResult)


def where_exported(run: RunDirectory, export: str) -> str:
  """Says where a SavedModel is, or that it is gone; `export` is relative to the run."""
  path = json_files.join(run.path, export)
  if json_files.exists(path):
    return f"exported to {path}"
  return (
    f"the SavedModel {path} is not there any more; make it again with python -m "
    f"official.export --model_dir={run.path} --output_dir={os.path.dirname(path)}"
  )


def _begin(
  directory: str, asked: FinalAsked, defaults: Json, keep: Iterable[str] = ()
) -> FinalResult | None:
  """Makes a folder for what is asked, or resumes it; returns its result, if it has one.

  Of a folder for something else only the subfolders named in `keep` are kept.
  """
  content = json_files.plain(asked.to_json())
  recorded = read_asked(directory)
  if (
    recorded is None or identity_lib.with_defaults(recorded.to_json(), content, defaults) != content
  ):
    _clear(directory, keep)
    json_files.make_directory(directory)
    json_files.write_json(json_files.join(directory, "final.json"), content)
  return read_result(directory)


def _clear(directory: str, keep: Iterable[str]) -> None:
  if not keep or json_files.is_url(directory):
    json_files.remove_tree(directory)
    return
  for name in set(json_files.names(directory)) - set(keep):
    path = json_files.join(directory, name)
    json_files.remove_tree(path) if os.path.isdir(path) else os.unlink(path)


def _finish(run: RunDirectory, directory: str, value: Json, started: float) -> FinalResult:
  """Writes timing.json and result.json, and returns the latter."""
  content = json_files.plain({name: item for name, item in value.items() if name != "timing"})
  if content.get("export"):  # Relative to the run: a run that is moved stays what it is.
    content["export"] = os.path.relpath(content["export"], run.path)
  timing = dataclasses.replace(
    Timing.from_json(value.get("timing") or {}, "the final training's timing"),
    started_at=round(started, 3),
    finished_at=round(time.time(), 3),
  )
  json_files.write_json(json_files.join(directory, "timing.json"), timing.to_json())
  path = json_files.join(directory, "result.json")
  result = FinalResult.from_json(content, path)
  json_files.write_json(path, result.to_json())
  return result


def _run(
  tasks: Iterable[tuple[str, Task]], executor: Executor, console: Console, max_retries: int
) -> Iterator[Outcome]:
  """Runs tasks, each with a label, as many at a time as there is room for.

  Yields the last outcome of each: one that a signal ended is tried again first.

  Raises:
    UserError: The environment is at fault.
  """
  waiting, running = collections.deque(tasks), {}
  tries: collections.Counter[str] = collections.Counter()
  while waiting or running:
    while waiting and len(running) < executor.capacity:
      label, task = waiting.popleft()
      running[task.key] = label, task
      tries[task.key] += 1
      console.begin(task.key, label, task.directory)
      executor.submit(task)
    outcome = executor.wait_any()
    again = running.pop(outcome.key)
    console.end(outcome.key, "finished" if _succeeded(outcome) else _reason(outcome))
    judge.check_environment(outcome)
    if outcome.kind == "killed" and tries[outcome.key] <= max_retries:
      waiting.appendleft(again)
    else:
      yield outcome


def _succeeded(outcome: Outcome) -> bool:
  return outcome.kind == "returned" and (outcome.value or {}).get("status") == "ok"


def _is_infeasible(outcome: Outcome) -> bool:
  """Whether the candidate is at fault and not the program, as in judge.py."""
  if outcome.kind == "returned":
    return (outcome.value or {}).get("status") == "infeasible"
  return outcome.kind in ("exhausted", "killed", "timed_out")


def _reason(outcome: Outcome) -> str | None:
  reason = outcome.reason or (outcome.value or {}).get("reason")
  return None if reason is None else str(reason)


def _stopped(label: str, outcome: Outcome, directory: str) -> judge.SearchStopped:
  return judge.SearchStopped(
    f"the {label} did not succeed: {_reason(outcome)} "
    f"({json_files.join(directory, 'log.txt')} has the details); the same command tries again"
  )


def _training_of(number: int) -> str:
  return f"final training of candidate {number:06d}"


def _ranked(results: Mapping[int, FinalResult], fitness: str) -> list[int]:
  """Returns the candidates, the best after its final training first; ties as in the search."""

  def rank(item: tuple[int, int]) -> tuple[float, float, int]:
    place, number = item
    reached = _fitness(results[number], fitness)
    return fitness_lib.rank(
      -math.inf if math.isnan(reached) else reached,
      fitness_lib.loss(_validation(results[number])),
      place,
    )

  return [number for _, number in sorted(enumerate(results), key=rank)]


def _validation(result: FinalResult) -> Metrics:
  return (result.metrics or {})["validation"]


def _fitness(result: FinalResult, fitness: str) -> float:
  return fitness_lib.compute(fitness, _validation(result))


def _member(number: int, result: FinalResult, fitness: str) -> FinalMember:
  """Returns what final/result.json says of one of several."""
  return FinalMember(
    candidate=number,
    fitness=_fitness(result, fitness),
    metrics=result.metrics,
    params=result.params,
    multiply_adds=result.multiply_adds,
  )

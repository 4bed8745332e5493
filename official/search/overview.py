"""The overview of a search, read from its folder at any time.

Nothing is locked and nothing is written: files of a search that is alive appear whole, and what
vanishes between two looks is ignored. Whether the search is alive follows from the driver's lock
file, without taking the lock, which could turn away a driver that is about to start.

Every result.json is read once, because the population is rebuilt from all of them, as the driver
would do. A hundred thousand of them take about ten seconds. The pace and the workers' time come
from the candidates that were proposed last.
"""

from collections.abc import Iterable, Iterator, Mapping
import contextlib
import dataclasses
import re
from typing import Any

from data_prep.common import cli
from official.runs import final_records
from official.runs import final_training as final_lib
from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.runs import locks
from official.runs import phases
from official.runs import record_files
from official.runs import recorded_data
from official.runs.console import duration
from official.runs.records import Metrics
from official.runs.records import Progress
from official.runs.records import RunFlags
from official.runs.records import Status as CandidateStatus
from official.runs.run_directory import RunDirectory
from official.search import confirmation as confirmation_lib
from official.search import confirmation_trainings
from official.search import front_report
from official.search import inheritance
from official.search import pace as pace_lib
from official.search import resting as resting_lib
from official.search import state as state_lib
from official.search.front_report import Compromise
from official.search.settings import SearchSettings
from official.search.state import Failures
from official.tasks.baselines import Baseline

_RECENT = 50
_CHECKPOINT = re.compile(r"ckpt-(\d+)\.index")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Best:
  """The best candidate so far.

  Attributes:
    number: The candidate's.
    fitness: Larger for the better, so that a loss is negative.
    loss: Validation loss, or None.
    params: Trainable parameters.
    beside: What is said of its accuracy on the validation clips (tasks/baselines.py), if anything.
    lineage_steps: Training steps in its weights where children inherit weights, else None.
  """

  number: int
  fitness: float
  loss: float | None
  params: int | None
  lineage_steps: int | None
  beside: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
  """A member of the population, and its fitness."""

  number: int
  fitness: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class InFlight:
  """A training without a result.

  Attributes:
    number: The candidate's.
    phase, step, steps, metrics: As in records.Progress.
    checkpoint: The newest step from which a dead one would be resumed, or None.
  """

  number: int
  phase: str
  step: int
  steps: int
  metrics: Mapping[str, float]
  checkpoint: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalInFlight:
  """A final training without a result: as InFlight, with its folder instead of a number."""

  folder: str
  phase: str
  step: int
  steps: int
  metrics: Mapping[str, float]
  checkpoint: int | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Final:
  """The result of the final training: candidate, metrics by split and what an accuracy there is
  compared with, folder of the SavedModel."""

  candidate: int | None
  metrics: Mapping[str, Metrics]
  baselines: Mapping[str, Baseline]
  export: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
  """A search at a moment; `dataclasses.asdict` is what --json prints.

  Attributes:
    model_dir: The run directory.
    condition: `alive`, `finished` (the winner is trained to the end), or `dead`: stopped, and the
      same command would go on.
    holder: Who is at work in it, if anybody.
    asked: Candidates in all; fewer than asked for where a budget has ended the search.
    finished: Candidates with a result; in a search with rungs, that of the last.
    resting: Candidates that rest at rungs below the last, by rung; none without rungs.
    enough: Why no more are begun although fewer than asked for have finished, or None.
    by_status: Finished candidates by status: ok, infeasible, failed.
    failures: Those that are not ok, by kind; the most frequent first.
    fitness: What is maximised.
    best: The best so far, or None.
    population: The members, best first.
    front: With several objectives, the candidates that no other dominates, of best fitness first.
    confirmation: What is known of the candidates that are confirmed, the best first; empty until
      all candidates have finished, and without --confirm.
    in_flight: The candidates that have no result yet.
    final_in_flight: The final trainings that have none.
    final: What came of the final training once it is done, or None.
    evaluations_an_hour: Pace of the last results, or None while there are fewer than two.
    seconds_left: Remaining seconds at that pace; None if unknown or if nothing is left.
    share_in_steps: Share of the workers' time that the last candidates spent inside training and
      evaluation steps, or None where none tells.
  """

  model_dir: str
  condition: str
  holder: str | None
  asked: int
  finished: int
  resting: tuple[resting_lib.Resting, ...]
  enough: str | None
  by_status: Mapping[CandidateStatus, int]
  failures: tuple[Failures, ...]
  fitness: str
  best: Best | None
  population: tuple[Standing, ...]
  front: tuple[Compromise, ...]
  confirmation: tuple[confirmation_lib.Row, ...]
  in_flight: tuple[InFlight, ...]
  final_in_flight: tuple[FinalInFlight, ...]
  final: Final | None
  evaluations_an_hour: float | None
  seconds_left: float | None
  share_in_steps: float | None


def read(model_dir: str, memory: state_lib.Memory | None = None) -> Status:
  """Returns the status of the search in a folder; UserError if there is none.

  Args:
    model_dir: The folder.
    memory: What an earlier look read; what has finished is not read again.
  """
  run = RunDirectory(model_dir)
  recorded = run.recorded()
  if recorded is None:
    raise cli.UserError(
      f"--model_dir={model_dir} has no search.json, so there is no search in it; "
      "give the --model_dir of an official.evolve command"
    )
  settings = recorded_settings(recorded, json_files.join(model_dir, "search.json"))
  holder = locks.holder(model_dir)  # First: a driver that ends now is alive, and not dead.
  state, in_flight = state_lib.replay(run, settings, memory)
  searched_seconds = run.searched_seconds()
  enough = None
  if state.proposed < settings.candidates:
    enough = settings.enough(state.best.fitness if state.best else None, searched_seconds / 3600)
    if enough is None and run.is_exhausted(state.proposed):
      enough = "no new candidate can be drawn from --search_space"
  resting = resting_lib.read(settings, state)
  begun = state.proposed if enough else max(settings.candidates, state.proposed)
  left = begun - state.finished - sum(each.count for each in resting)
  rows = () if left else confirmation_trainings.read(run, settings, state)
  chosen = state.finalists if not rows else confirmation_trainings.ordered(state, settings, rows)
  final = None if left or state.best is None or not chosen else _final(run, chosen[0].number)
  recent = range(max(state.proposed - _RECENT, 0), state.proposed)
  spans = pace_lib.spans(run, recent, settings)
  pace = pace_lib.evaluations_an_hour(spans)
  return Status(
    model_dir=model_dir,
    condition="alive" if holder else "finished" if final else "dead",
    holder=holder,
    asked=begun,
    finished=state.finished,
    resting=resting,
    enough=enough,
    by_status=dict(state.by_status),
    failures=tuple(sorted(state.failures.values(), key=lambda failure: -failure.count)),
    fitness=settings.fitness,
    best=_best(run, state, recorded),
    population=tuple(
      Standing(number=member.number, fitness=member.fitness)
      for member in sorted(state.population, key=lambda member: member.rank)
    ),
    front=front_report.compromises(state.front, settings),
    confirmation=rows,
    in_flight=tuple(_in_flight(run, number) for number in in_flight),
    final_in_flight=() if left or final else tuple(_finals(run)),
    final=final,
    evaluations_an_hour=pace,
    seconds_left=pace_lib.seconds_left(settings, state, left, pace, searched_seconds, enough),
    share_in_steps=pace_lib.share_in_steps(spans),
  )


def text(status: Status) -> str:
  """Returns the status for people."""
  held = f" ({status.holder})" if status.holder else ""
  lines = [f"{status.model_dir}: {status.condition}{held}", _counts(status)]
  if status.enough:
    lines.append(f"nothing new is begun: {status.enough}")
  if status.best:
    best = status.best
    size = f", {best.params:,} parameters" if best.params else ""
    told = best.loss is None or status.fitness == fitness_lib.LOSS
    loss = "" if told else f", {fitness_lib.LOSS} {best.loss:.4f}"
    lines.append(
      f"best: {fitness_lib.text(status.fitness, best.fitness)}{loss}, "
      f"candidate {best.number:06d}{size}{_lineage(best)}"
    )
    if best.beside:
      lines.append(f"best: {best.beside}{_flattered(status)}")
  if status.population:
    values = [fitness_lib.shown(status.fitness, member.fitness) for member in status.population]
    lines.append(
      f"population: {len(values)} members, {status.fitness} {values[-1]:.4f} to "
      f"{values[0]:.4f}, mean {sum(values) / len(values):.4f}"
    )
  lines += front_report.lines(status.front, status.fitness)
  lines += [*_failure_lines(status), *_training_lines(status)]
  if status.evaluations_an_hour:
    left = f"; about {duration(status.seconds_left)} left" if status.seconds_left else ""
    lines.append(f"pace: {status.evaluations_an_hour:.3g} evaluations an hour{left}")
  if status.share_in_steps is not None:
    lines.append(
      f"workers: {status.share_in_steps:.0%} of the time in steps; the rest starts, traces and "
      "saves trainings, as long for many steps as for few"
    )
  if status.condition == "dead":
    lines.append("nobody is at work here; the command that started it resumes it")
  return "\n".join(lines)


def _lineage(best: Best) -> str:
  steps = best.lineage_steps
  return "" if steps is None else f", {steps:,} training steps with its ancestors'"


def recorded_settings(recorded: RunFlags, path: str) -> SearchSettings:
  """Returns the settings of a search; UserError if those in the file at `path` are none."""
  known = {field.name for field in dataclasses.fields(SearchSettings)}
  values: dict[str, Any] = {**recorded.identity, **recorded.operation}
  try:
    return SearchSettings(**{name: value for name, value in values.items() if name in known})
  except (cli.UserError, TypeError, ValueError) as error:
    raise cli.UserError(f"{path} is damaged: {error}; {RunFlags.REMEDY}") from error


def _best(run: RunDirectory, state: state_lib.SearchState, recorded: RunFlags) -> Best | None:
  if state.best is None:
    return None
  result = run.read_result(state.best.number)
  return Best(
    number=state.best.number,
    fitness=state.best.fitness,
    loss=state.best.loss,
    params=None if result is None else result.params,
    lineage_steps=None if result is None else inheritance.lineage_steps(result),
    beside=None if result is None else recorded_data.beside(recorded, result.metrics or {}),
  )


def _flattered(status: Status) -> str:
  count = status.by_status.get("ok", 0)
  return f" (the best of {count} is flattered by its luck on these clips)" if count > 1 else ""


def _in_flight(run: RunDirectory, number: int) -> InFlight:
  directory = run.candidate_directory(number)
  progress = _read(directory) or Progress()
  return InFlight(
    number=number, **dataclasses.asdict(progress), checkpoint=_newest_checkpoint(directory)
  )


def _newest_checkpoint(directory: str) -> int | None:
  steps = [
    int(match[1])
    for name in json_files.names(json_files.join(directory, "training"))
    if (match := _CHECKPOINT.fullmatch(name))
  ]
  return max(steps, default=None)


def _final(run: RunDirectory, best: int) -> Final | None:
  """Returns what came of the final training of `best`, alone or with others; None if nothing has
  yet, or if it is of a candidate that was the best before."""
  result = final_lib.read_result(run.final_directory)
  asked = final_lib.read_asked(run.final_directory)
  if result is None or asked is None or best not in asked.numbers:
    return None
  candidate = asked.candidate if result.candidate is None else result.candidate
  return Final(
    candidate=candidate,
    metrics=result.metrics or {},
    baselines=result.baselines,
    export=result.export,
  )


def _finals(run: RunDirectory) -> Iterator[FinalInFlight]:
  """Yields how far the final trainings are: in final/, or in folders there where they are many."""
  names = json_files.names(run.final_directory)
  for folder in ["final", *(f"final/{name}" for name in names)]:
    directory = json_files.join(run.path, folder)
    progress = _read(directory)
    if progress is not None and not json_files.exists(json_files.join(directory, "result.json")):
      yield FinalInFlight(
        folder=folder, **dataclasses.asdict(progress), checkpoint=_newest_checkpoint(directory)
      )


def _read(directory: str) -> Progress | None:
  """Returns how far a training is; None where its progress.json vanishes or is damaged."""
  with contextlib.suppress(OSError, cli.UserError):
    return record_files.read(json_files.join(directory, "progress.json"), Progress)
  return None


def _counts(status: Status) -> str:
  others = ", ".join(f"{count} {name}" for name, count in status.by_status.items() if count)
  finished = f"{status.finished} of {status.asked} candidates finished"
  return finished + (f" ({others})" if others else "") + resting_lib.text(status.resting)


def _failure_lines(status: Status) -> Iterable[str]:
  for failure in status.failures:
    yield (
      f"{failure.status}: {failure.count} x {failure.kind} "
      f"(the last: candidate {failure.number:06d})"
    )


def _training_lines(status: Status) -> Iterable[str]:
  """Yields what is in flight, and what came of the final training."""
  alive = status.condition == "alive"
  for candidate in status.in_flight:
    yield f"in flight: candidate {candidate.number:06d}, {_phase(candidate, alive)}"
  yield from confirmation_lib.lines(status.confirmation, status.fitness)
  for training in status.final_in_flight:
    yield f"final training: {training.folder}, {_phase(training, alive)}"
  if status.final is None:
    return
  for line in final_records.metric_lines(status.final.metrics, status.final.baselines):
    yield f"final {line}"
  if status.final.export:
    yield final_lib.where_exported(RunDirectory(status.model_dir), status.final.export)


def _phase(training: InFlight | FinalInFlight, alive: bool) -> str:
  """Returns what a training does, or from where it would resume if nobody is at work on it."""
  if not alive:
    return (
      "starts again" if training.checkpoint is None else f"resumes from step {training.checkpoint}"
    )
  return phases.text(training)

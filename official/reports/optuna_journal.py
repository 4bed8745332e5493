"""A search as a journal of Optuna, which optuna-dashboard shows.

A candidate is a trial. Its value is the fitness (with several objectives, its values are fitness
and costs), and its parameters are the features of its architecture: no sampler has drawn them, but
the dashboard's plots of importance and of slices read them alike. Its intermediate values are what
it came to at rungs. A candidate that stopped at a rung is PRUNED, one that is infeasible or failed
is FAIL, one without a result RUNNING.

The journal is written by Optuna itself, from the extra `dashboard`.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import datetime
import functools
import importlib
import json
import os
import tempfile
from typing import Any
import warnings

from data_prep.common import cli
from official.reports import facts
from official.reports import features
from official.reports import words
from official.runs import fitness as fitness_lib
from official.search import objectives

COMPLETE, PRUNED, FAIL, RUNNING = "COMPLETE", "PRUNED", "FAIL", "RUNNING"
_STATES = {
  "ok": COMPLETE,
  "infeasible": FAIL,
  "failed": FAIL,
  "resting": PRUNED,
  "in flight": RUNNING,
}
_INTEGERS = ("blocks", "connections", "depth")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
  """A candidate as Optuna knows it.

  Attributes:
    state: The name of a state of Optuna's.
    values: Fitness and costs of one that is complete, fitness of one that was pruned, or nothing.
    params: Features of the architecture, by name.
    attributes: What else is known, as plain data.
    intermediate: Fitness by training step, at rungs.
    start, end: When it was trained, or None.
  """

  state: str
  values: tuple[float, ...]
  params: Mapping[str, float]
  attributes: Mapping[str, object]
  intermediate: Mapping[int, float]
  start: datetime.datetime | None
  end: datetime.datetime | None


def directions(run: facts.Run) -> tuple[str, ...]:
  """Returns what is done with each objective; raises UserError if the run is no search."""
  if run.settings is None:
    raise cli.UserError(
      f"--model_dir={run.folder} is a training of official.train, which has no candidates; give "
      "the folder of a search"
    )
  first = "maximize" if fitness_lib.higher_is_better(run.fitness) else "minimize"
  return (first, *("minimize" for _ in run.settings.costs))


def trials(run: facts.Run) -> list[Trial]:
  """Returns the candidates of a search in the order of their numbers."""
  costs = run.settings.costs if run.settings else ()
  return [_trial(run, number, costs) for number in sorted(run.candidates)]


def write(run: facts.Run, path: str) -> int:
  """Writes the journal, whole or not at all, and returns the number of its trials.

  Args:
    run: A search.
    path: The file; one that is there is replaced.

  Raises:
    UserError: Optuna is not installed, the run is no search, or the file cannot be written.
  """
  named = directions(run)
  optuna = _optuna()
  found = trials(run)
  folder = os.path.dirname(os.path.abspath(path))
  try:
    with tempfile.TemporaryDirectory(prefix=".journal-", dir=folder) as aside:
      temporary = os.path.join(aside, "journal")
      backend = optuna.storages.journal.JournalFileBackend(temporary)
      study = optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name=os.path.basename(os.path.abspath(run.folder)),
        directions=list(named),
      )
      with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([run.fitness, *(run.settings.costs if run.settings else ())])
      study.set_user_attr("model_dir", run.folder)
      distributions = _distributions(optuna, found)
      study.add_trials([_frozen(optuna, trial, distributions) for trial in found])
      os.replace(temporary, path)
  except OSError as error:
    raise cli.UserError(f"--output={path} cannot be written: {error.strerror or error}") from error
  return len(found)


def is_journal(path: str) -> bool:
  """Returns whether a file begins as a journal does, or is empty."""
  with open(path, "rb") as file:
    first = file.readline(1 << 16)
  try:
    return not first or "op_code" in json.loads(first)
  except (ValueError, TypeError):
    return False


def _optuna() -> Any:
  try:
    importlib.import_module("optuna.storages.journal")
    optuna: Any = importlib.import_module("optuna")
  except ImportError as error:
    raise cli.UserError(
      "optuna is not installed; it is in the extra dashboard: pip install "
      "'video-evolution[dashboard]', or uv pip install optuna optuna-dashboard"
    ) from error
  optuna.logging.set_verbosity(optuna.logging.WARNING)
  return optuna


def _trial(run: facts.Run, number: int, costs: Sequence[str]) -> Trial:
  state, result = _STATES[run.state_of(number)], run.results.get(number)
  climb = run.climbs.get(number)
  rungs = climb.results if climb else ()
  shown = functools.partial(fitness_lib.shown, run.fitness)
  values: tuple[float, ...] = ()
  if state == COMPLETE and result is not None and result.fitness is not None:
    values = (shown(result.fitness), *objectives.costs_of(result, costs))
  elif state == PRUNED and not costs:
    values = (shown(rungs[-1].fitness),)
  timing = run.timings.get(number)
  start, end = (timing.started_at, timing.finished_at) if timing else (None, None)
  architecture = run.architecture(number)
  return Trial(
    state=state,
    values=values,
    params=features.of(architecture) if architecture else {},
    attributes=_attributes(run, number),
    intermediate={each.steps: shown(each.fitness) for each in rungs},
    start=_time(start),
    end=_time(end) if state != RUNNING else None,
  )


def _attributes(run: facts.Run, number: int) -> dict[str, object]:
  """Returns what is known of a candidate; what is not is left out."""
  candidate, result = run.candidates[number], run.results.get(number)
  timing = run.timings.get(number)
  found: dict[str, object] = {
    "candidate": words.candidate(number),
    "origin": candidate.origin,
    "parent": None if candidate.parent is None else words.candidate(candidate.parent),
    "state": run.state_of(number),
    "seconds": timing.seconds if timing else None,
  }
  if candidate.child:
    for name in ("kept", "pruned", "added"):
      if isinstance(connections := candidate.child.get(name), list):
        found[f"connections {name}"] = len(connections)
  if result is not None:
    found |= {
      "reason": result.reason,
      "parameters": result.params,
      "multiply-adds": result.multiply_adds,
      "latency_ms": result.latency_ms,
      **(result.metrics or {}),
    }
  return {name: value for name, value in found.items() if value is not None}


def _distributions(optuna: Any, found: list[Trial]) -> dict[str, object]:
  """Returns the range of each feature over all trials."""
  made: dict[str, object] = {}
  for name in sorted({name for trial in found for name in trial.params}):
    values = [trial.params[name] for trial in found if name in trial.params]
    if name in _INTEGERS:
      low, high = int(min(values)), int(max(values))
      made[name] = optuna.distributions.IntDistribution(low, high)
    else:
      made[name] = optuna.distributions.FloatDistribution(min(values), max(values))
  return made


def _frozen(optuna: Any, trial: Trial, distributions: Mapping[str, object]) -> Any:
  params = {name: int(v) if name in _INTEGERS else v for name, v in trial.params.items()}
  state = optuna.trial.TrialState[trial.state]
  made = optuna.trial.create_trial(
    state=state,
    values=list(trial.values) or None,
    params=params,
    distributions={name: distributions[name] for name in params},
    user_attrs=dict(trial.attributes),
    intermediate_values=dict(trial.intermediate),
  )
  made.datetime_start = trial.start or made.datetime_start
  if state.is_finished():
    made.datetime_complete = max(trial.end or made.datetime_start, made.datetime_start)
  return made


def _time(seconds: float | None) -> datetime.datetime | None:
  return None if seconds is None else datetime.datetime.fromtimestamp(seconds)

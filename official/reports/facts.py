"""A run directory as the sections of a page read it: everything once, and what is damaged left out.

A search may be alive, finished, dead, damaged, or have failed altogether; it may come from an older
version of this program. Whatever can be read is shown. What cannot is a line in `notes`, as the
error says it.
"""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import re
from typing import TypeVar

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.reports import history
from official.runs import final_training
from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.runs import locks
from official.runs import provenance
from official.runs import record_files
from official.runs import rung_records
from official.runs.final_records import FinalAsked
from official.runs.final_records import FinalResult
from official.runs.provenance import RunTiming
from official.runs.records import Candidate
from official.runs.records import Progress
from official.runs.records import Result
from official.runs.records import RunFlags
from official.runs.records import Timing
from official.runs.run_directory import RunDirectory
from official.runs.rung_records import Climb
from official.search import overview
from official.search.settings import SearchSettings
from official.tasks import contract
from official.tasks import registry

_CANDIDATE = re.compile(r"\d{6,}")
_Read = TypeVar("_Read")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
  """A run of official.evolve, or of official.train, which has no candidates.

  Attributes:
    folder: The run directory.
    recorded: The flags that it was begun with.
    settings: The numbers of a search; None in a run of official.train.
    holder: Who is at work in it, or None.
    timing: Seconds of searching, and every start of the program.
    candidates: By number, ascending: all whose candidate.json can be read.
    results: By number: those that have finished.
    timings: By number.
    climbs: By number, in a search with rungs: results and promotions below the last rung.
    rung_timings: By number, in a search with rungs: one for each rung below the last.
    asked: Which candidates are trained to the end, or None while that is unknown.
    final: The result of the final training, or of official.train; None until it is finished.
    notes: What could not be read, a line each.
  """

  folder: str
  recorded: RunFlags
  settings: SearchSettings | None = None
  holder: str | None = None
  timing: RunTiming = dataclasses.field(default_factory=RunTiming)
  candidates: Mapping[int, Candidate] = dataclasses.field(default_factory=dict)
  results: Mapping[int, Result] = dataclasses.field(default_factory=dict)
  timings: Mapping[int, Timing] = dataclasses.field(default_factory=dict)
  climbs: Mapping[int, Climb] = dataclasses.field(default_factory=dict)
  rung_timings: Mapping[int, tuple[Timing, ...]] = dataclasses.field(default_factory=dict)
  asked: FinalAsked | None = None
  final: FinalResult | None = None
  notes: tuple[str, ...] = ()

  @property
  def is_search(self) -> bool:
    """Whether it is a search, and not the training of one architecture."""
    return self.settings is not None

  @property
  def fitness(self) -> str:
    """The name of what a search maximises."""
    return self.settings.fitness if self.settings else fitness_lib.DEFAULT

  @functools.cached_property
  def history(self) -> history.History:
    """The search, result by result: who was the best, and who could be a parent."""
    if self.settings is None:
      return history.History(steps=(), state=None)
    return history.replay(self.settings, self.candidates, self.results, self.climbs)

  @property
  def best(self) -> int | None:
    """The number of the best candidate so far, or None."""
    state = self.history.state
    return state.best.number if state and state.best else None

  @property
  def winner(self) -> int | None:
    """The number of the candidate that was trained to the end, else that of the best so far."""
    final = self.final
    return final.candidate if final and final.candidate is not None else self.best

  @property
  def in_flight(self) -> tuple[int, ...]:
    """The candidates without a result, those that rest at a rung left out."""
    return tuple(
      number
      for number in self.candidates
      if number not in self.results and not (number in self.climbs and self.climbs[number].rests)
    )

  def state_of(self, number: int) -> str:
    """Returns `ok`, `infeasible`, `failed`, `resting` (at a rung) or `in flight`."""
    if number in self.results:
      return self.results[number].status
    climb = self.climbs.get(number)
    return "resting" if climb and climb.rests else "in flight"

  def progress(self, number: int) -> Progress | None:
    """Returns how far the training of a candidate is, or was when it was stopped; None if no file
    tells."""
    path = json_files.join(self.folder, self.candidate_folder(number), "progress.json")
    try:
      return record_files.read(path, Progress)
    except (cli.UserError, OSError):
      return None

  def candidate_folder(self, number: int) -> str:
    """Returns the folder of a candidate, relative to the run directory."""
    return f"candidates/{number:06d}"

  @functools.cached_property
  def _architectures(self) -> dict[int, Architecture | None]:
    return {}

  def architecture(self, number: int | None) -> Architecture | None:
    """Returns the architecture of a candidate, None where it cannot be read.

    Of a run of official.train, its only architecture has the number None.
    """
    if number is None:
      return _architecture(self.recorded.identity.get("architecture"))
    if number not in self._architectures:
      candidate = self.candidates.get(number)
      self._architectures[number] = _architecture(candidate.architecture if candidate else None)
    return self._architectures[number]

  def weights(self, number: int) -> dict[Connection, float]:
    """Returns the learned weight of every connection of a candidate, from 0 to 1; those that are
    known."""
    result = self.results.get(number)
    return {
      Connection(each.source, each.target): each.end
      for each in (result.connection_weights if result else None) or ()
      if each.end is not None
    }

  @functools.cached_property
  def info(self) -> metadata.DatasetInfo | None:
    """What is in the dataset; None where it has moved, or is another one by now."""
    data_dir = self.recorded.operation.get("data_dir")
    if not isinstance(data_dir, str):
      return None
    try:
      info = metadata.load(data_dir)
    except (cli.UserError, OSError):
      return None
    return info if info.fingerprint == self.recorded.identity.get("data_dir") else None

  @functools.cached_property
  def spec(self) -> contract.Spec | None:
    """The task, or None where it is unknown."""
    task = self.recorded.identity.get("task")
    try:
      if isinstance(task, str):
        return registry.get(task)
    except cli.UserError:
      return None
    return registry.of(self.info) if self.info else None


def read(folder: str) -> Run:
  """Returns what is known of a run.

  Raises:
    UserError: There is no run in the folder, or its flags cannot be read.
  """
  for name, reader in (("search.json", _search), ("train.json", _training)):
    recorded = record_files.read(json_files.join(folder, name), RunFlags)
    if recorded is not None:
      return reader(folder, recorded)
  raise cli.UserError(
    f"--model_dir={folder} has no search.json and no train.json, so there is no run in it; "
    "give the --model_dir of an official.evolve or official.train command"
  )


class _Notes:
  """What could not be read."""

  def __init__(self) -> None:
    self.lines: list[str] = []

  def reading(self, read_it: Callable[[], _Read]) -> _Read | None:
    """Returns what is read, None where that fails, which is noted."""
    try:
      return read_it()
    except cli.UserError as error:
      self.lines.append(str(error))
    except OSError as error:
      self.lines.append(f"{error.filename} cannot be read ({error.strerror or error})")
    return None


def _training(folder: str, recorded: RunFlags) -> Run:
  notes = _Notes()
  final = notes.reading(lambda: final_training.read_result(folder))
  return Run(
    folder=folder,
    recorded=recorded,
    holder=locks.holder(folder),
    timing=notes.reading(lambda: provenance.read(folder)) or RunTiming(),
    final=final,
    notes=tuple(notes.lines),
  )


def _search(folder: str, recorded: RunFlags) -> Run:
  settings = overview.recorded_settings(recorded, json_files.join(folder, "search.json"))
  run, notes = RunDirectory(folder), _Notes()
  holder = locks.holder(folder)
  names = json_files.names(json_files.join(folder, "candidates"))
  numbers = sorted(int(name) for name in names if _CANDIDATE.fullmatch(name))
  _note_gaps(numbers, notes)

  def each(read_it: Callable[[int], _Read | None]) -> dict[int, _Read]:
    found = {number: notes.reading(functools.partial(read_it, number)) for number in numbers}
    return {number: value for number, value in found.items() if value is not None}

  candidates = each(run.read_candidate)
  results = each(run.read_finished)
  return Run(
    folder=folder,
    recorded=recorded,
    settings=settings,
    holder=holder,
    timing=notes.reading(lambda: provenance.read(folder)) or RunTiming(),
    candidates=candidates,
    results={number: result for number, result in results.items() if number in candidates},
    timings=each(run.read_timing),
    climbs=each(lambda n: rung_records.read_climb(run, n)) if settings.rungs else {},
    rung_timings=each(lambda n: tuple(rung_records.read_timings(run, n))) if settings.rungs else {},
    asked=notes.reading(lambda: final_training.read_asked(run.final_directory)),
    final=notes.reading(lambda: final_training.read_result(run.final_directory)),
    notes=tuple(notes.lines),
  )


def _note_gaps(numbers: list[int], notes: _Notes) -> None:
  missing = sorted(set(range(max(numbers, default=-1) + 1)) - set(numbers))
  if missing:
    shown = ", ".join(f"{number:06d}" for number in missing[:5])
    notes.lines.append(
      f"folders of {len(missing)} candidates are missing, though later ones are there: {shown}"
      + (", ..." if len(missing) > 5 else "")
    )


def _architecture(data: object) -> Architecture | None:
  if not isinstance(data, Mapping):
    return None
  try:
    return serialization.from_json(data)
  except (ArchitectureError, TypeError):
    return None

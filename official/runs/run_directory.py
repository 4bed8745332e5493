"""A search on disk: the folder *is* the database, readable with `cat`.

    search.json                       what search this is (identity) and how it is run (operation)
    timing.json                       seconds of searching, and every start of the driver (date,
                                      version, command; see provenance.py)
    exhausted.json                    candidates after which no new one could be drawn, if that was
    lock                              held by the driver that is alive
    candidates/000012/candidate.json  what to train: architecture, where it comes from, seed;
                                      written before training
                     /result.json     what came of it; written once, last, whole: without it the
                                      candidate is in flight
                     /timing.json     what may differ between equal runs: seconds, attempts
                     /lock            held by whoever trains it
                     /node.json       the node of a Ray cluster that trains it, or was the last to
                     /progress.json, log.txt, training/   the evaluator's; TensorFlow's checkpoints
                                      lie in training/
    search/                           curves for TensorBoard, see summaries.py
    final/, export/                   see final.py

One writer, the driver; candidates are numbered without gaps in the order in which they were
proposed.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import re
import types

from data_prep.common import cli
from data_prep.common import files as data_files
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.runs import identity as identity_lib
from official.runs import json_files
from official.runs import locks
from official.runs import provenance
from official.runs import record_files
from official.runs.json_files import Json
from official.runs.records import Candidate
from official.runs.records import Result
from official.runs.records import RunFlags
from official.runs.records import Timing

_EXHAUSTED = {"candidates": int}
_CANDIDATE = re.compile(r"\d{6,}")
# What TensorFlow writes: ckpt-40.index, ckpt-40.data-00000-of-00001; and, after them, which is new.
_WEIGHTS = re.compile(r"\.(index|data-\d{5}-of-\d{5})(\.tempstate\w+)?$")
_NEWEST = "checkpoint"


class RunDirectory:
  """Reads and writes a search's folder.

  Attributes:
    path: The folder, --model_dir.
  """

  def __init__(self, path: str):
    self.path = path

  # The search.

  def recorded(self) -> RunFlags | None:
    """Returns the content of search.json, None where there is none yet."""
    return record_files.read(self._search_path, RunFlags)

  def check(self, identity: Json, defaults: Json = types.MappingProxyType({})) -> None:
    """Raises UserError if the folder belongs to a search of another identity.

    Args:
      identity: Values by flag.
      defaults: What a flag was for a search that was begun before there was such a flag.
    """
    recorded = self.recorded()
    if recorded is not None:
      identity_lib.check(
        recorded.identity,
        json_files.plain(dict(identity)),
        self.path,
        json_files.plain(dict(defaults)),
      )

  @contextlib.contextmanager
  def opened(
    self,
    identity: Json,
    operation: Json,
    defaults: Json = types.MappingProxyType({}),
  ) -> Iterator[None]:
    """Creates or resumes the folder; holds its lock. Arguments as for `check`.

    Raises:
      UserError: It belongs to another search, it cannot be written, or another driver is at work in
        it.
    """
    self.check(identity, defaults)
    data_files.check_writable(self._candidates, f"--model_dir={self.path}")
    json_files.make_directory(self._candidates)
    with contextlib.ExitStack() as stack:
      try:
        stack.enter_context(locks.locked(self.path))
      except locks.Held as held:
        raise cli.UserError(
          f"another search is at work in {self.path} ({held.holder}); "
          "wait until it ends, or give another --model_dir"
        ) from held
      self.check(identity, defaults)
      flags = RunFlags(identity=identity, operation=operation)
      json_files.write_json(self._search_path, flags.to_json())
      provenance.record_start(self.path)
      yield

  def searched_seconds(self) -> float:
    """Returns the seconds of searching that were last recorded, 0 where none were."""
    return provenance.read(self.path).searched_seconds or 0.0

  def starts(self) -> tuple[provenance.Start, ...]:
    """Returns every start of a driver, the first one first."""
    return provenance.read(self.path).starts

  def write_searched_seconds(self, seconds: float) -> None:
    """Records the seconds of searching, over all lives of the driver."""
    timing = provenance.read(self.path)
    timing = dataclasses.replace(timing, searched_seconds=round(seconds, 3))
    provenance.write(self.path, timing)

  def write_exhausted(self, count: int) -> None:
    """Records that after `count` candidates no new one could be drawn from the search space."""
    json_files.write_json(self._exhausted_path, {"candidates": count})

  def is_exhausted(self, count: int) -> bool:
    """Whether no new candidate could be drawn after `count`."""
    content = json_files.read_json(self._exhausted_path, _EXHAUSTED, "delete it")
    return content is not None and content["candidates"] == count

  # Candidates.

  def candidate_directory(self, number: int) -> str:
    """Returns the folder of a candidate."""
    return json_files.join(self._candidates, f"{number:06d}")

  def count(self) -> int:
    """Returns how many candidates there are: 0 and on, each with a candidate.json."""
    # The one that was being proposed when a driver died has a folder, and perhaps nothing in it.
    numbers = sorted(
      int(name) for name in json_files.names(self._candidates) if _CANDIDATE.fullmatch(name)
    )
    while numbers and not json_files.exists(self._file(numbers[-1], "candidate.json")):
      numbers.pop()
    if numbers != list(range(len(numbers))):
      missing = min(set(range(numbers[-1])) - set(numbers))
      raise cli.UserError(
        f"{self.candidate_directory(missing)} is missing, though later candidates are there; "
        "restore it or give another --model_dir"
      )
    return len(numbers)

  def write_candidate(self, candidate: Candidate) -> None:
    """Records a proposal, before it is trained."""
    json_files.make_directory(self.candidate_directory(candidate.number))
    json_files.write_json(self._file(candidate.number, "candidate.json"), candidate.to_json())

  def read_candidate(self, number: int) -> Candidate | None:
    """Returns the content of candidate.json, None where there is none; UserError if damaged."""
    path = self._file(number, "candidate.json")
    candidate = record_files.read(path, Candidate)
    if candidate is not None:
      _check_number(candidate.number, number, path, Candidate.REMEDY)
    return candidate

  def read_proposal(self, number: int) -> Candidate:
    """Returns the content of candidate.json; UserError if it is missing or damaged."""
    candidate = self.read_candidate(number)
    if candidate is None:
      raise cli.UserError(f"{self._file(number, 'candidate.json')} is missing; {Candidate.REMEDY}")
    return candidate

  def read_architecture(self, number: int) -> Architecture:
    """Returns the architecture in candidate.json; raises UserError where it is damaged."""
    candidate = self.read_proposal(number)
    try:
      return serialization.from_json(candidate.architecture)
    except (ArchitectureError, TypeError) as error:
      path = self._file(number, "candidate.json")
      raise cli.UserError(f"{path} cannot be used: {error}; {Candidate.REMEDY}") from error

  def write_result(self, result: Result, timing: Timing) -> None:
    """Records the result of a candidate, which is then finished."""
    # The second file's folder is the first one's: it is flushed once.
    json_files.write_json(
      self._file(result.number, "timing.json"), timing.to_json(), flush_name=False
    )
    json_files.write_json(self._file(result.number, "result.json"), result.to_json())

  def read_result(self, number: int) -> Result | None:
    """Returns the content of result.json, None while the candidate is in flight; UserError if it
    is damaged."""
    path = self._file(number, "result.json")
    result = record_files.read(path, Result)
    if result is not None:
      _check_number(result.number, number, path, Result.REMEDY)
    return result

  def read_finished(self, number: int) -> Result | None:
    """Returns what `read_result` does; UserError if a result has no place in the order of
    finishing, which that of a search must have."""
    result = self.read_result(number)
    if result is not None and result.finish_order is None:
      path = self._file(number, "result.json")
      raise cli.UserError(f"{path} is damaged: finish_order is missing; {Result.REMEDY}")
    return result

  def read_timing(self, number: int) -> Timing | None:
    """Returns the content of a candidate's timing.json, None while it is in flight."""
    return record_files.read(self._file(number, "timing.json"), Timing)

  def drop_weights(self, number: int) -> None:
    """Deletes a candidate's checkpoints; its records stay."""
    folder = json_files.join(self.candidate_directory(number), "training")
    names = json_files.names(folder)
    if _NEWEST not in names:
      return
    for name in filter(_WEIGHTS.search, names):
      json_files.remove(json_files.join(folder, name))
    json_files.remove(
      json_files.join(folder, _NEWEST)
    )  # Last: while it is there, so may be others.

  @property
  def final_directory(self) -> str:
    """Folder of the final training."""
    return json_files.join(self.path, "final")

  @property
  def _search_path(self) -> str:
    return json_files.join(self.path, "search.json")

  @property
  def _exhausted_path(self) -> str:
    return json_files.join(self.path, "exhausted.json")

  @property
  def _candidates(self) -> str:
    return json_files.join(self.path, "candidates")

  def _file(self, number: int, name: str) -> str:
    return json_files.join(self.candidate_directory(number), name)


def _check_number(found: int, number: int, path: str, remedy: str) -> None:
  if found != number:
    raise cli.UserError(f"{path} is damaged: it is that of candidate {found}; {remedy}")

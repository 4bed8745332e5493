"""A search on disk: the folder *is* the database, readable with `cat`.

    search.json                       what search this is (identity) and how it is run (operation)
    timing.json                       seconds of searching, over all lives of the driver
    exhausted.json                    candidates after which no new one could be drawn, if that was
    lock                              held by the driver that is alive
    candidates/000012/candidate.json  what to train: architecture, where it comes from, seed;
                                      written before training
                     /result.json     what came of it; written once, last, whole: without it the
                                      candidate is in flight
                     /timing.json     what may differ between equal runs: seconds, attempts
                     /lock            held by whoever trains it
                     /progress.json, log.txt, training/   the evaluator's; TensorFlow's checkpoints
                                      lie in training/
    search/                           curves for TensorBoard, see summaries.py
    final/, export/                   see final.py

One writer, the driver; candidates are numbered without gaps in the order in which they were
proposed.
"""

from collections.abc import Iterator, Mapping
import contextlib
import re
import types
from typing import Any

from data_prep.common import cli
from data_prep.common import files as data_files
from data_prep.common import shapes as data_shapes
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.runs import identity as identity_lib
from official.runs import json_files
from official.runs import locks
from official.runs import shapes

FORMAT_VERSION = 1
_REMEDY = "restore it, or give another --model_dir"
_RESULT_REMEDY = "delete it, so that the candidate is trained again, or restore it"
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

  def recorded(self) -> dict[str, Any] | None:
    """Returns the content of search.json, None where there is none yet."""
    return read_versioned(self._search_path, shapes.SEARCH)

  def check(
    self, identity: Mapping[str, Any], defaults: Mapping[str, Any] = types.MappingProxyType({})
  ) -> None:
    """Raises UserError if the folder belongs to a search of another identity.

    Args:
      identity: Values by flag.
      defaults: What a flag was for a search that was begun before there was such a flag.
    """
    recorded = self.recorded()
    if recorded is not None:
      identity_lib.check(
        recorded["identity"],
        json_files.plain(dict(identity)),
        self.path,
        json_files.plain(dict(defaults)),
      )

  @contextlib.contextmanager
  def opened(
    self,
    identity: Mapping[str, Any],
    operation: Mapping[str, Any],
    defaults: Mapping[str, Any] = types.MappingProxyType({}),
  ) -> Iterator[None]:
    """Makes the folder, or resumes it; holds its lock. Arguments as for `check`.

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
      content = {"identity": dict(identity), "operation": dict(operation)}
      json_files.write_json(self._search_path, {"format_version": FORMAT_VERSION, **content})
      yield

  def searched_seconds(self) -> float:
    """Returns the seconds of searching that were last recorded, 0 where none were."""
    content = json_files.read_json(self._timing_path, shapes.SEARCH_TIMING, "delete it") or {}
    return content.get("searched_seconds") or 0.0

  def write_searched_seconds(self, seconds: float) -> None:
    """Records the seconds of searching, over all lives of the driver."""
    json_files.write_json(self._timing_path, {"searched_seconds": round(seconds, 3)})

  def write_exhausted(self, count: int) -> None:
    """Records that after `count` candidates no new one could be drawn from the search space."""
    json_files.write_json(self._exhausted_path, {"candidates": count})

  def is_exhausted(self, count: int) -> bool:
    """Whether no new candidate could be drawn after `count`."""
    content = json_files.read_json(self._exhausted_path, shapes.EXHAUSTED, "delete it")
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

  def write_candidate(self, candidate: Mapping[str, Any]) -> None:
    """Records a proposal, before it is trained."""
    json_files.make_directory(self.candidate_directory(candidate["number"]))
    json_files.write_json(
      self._file(candidate["number"], "candidate.json"),
      {"format_version": FORMAT_VERSION, **candidate},
    )

  def read_candidate(self, number: int) -> dict[str, Any] | None:
    """Returns the content of candidate.json, None where there is none."""
    path = self._file(number, "candidate.json")
    content = read_versioned(path, shapes.CANDIDATE)
    if content is not None:
      _check_number(content, number, path, _REMEDY)
    return content

  def read_proposal(self, number: int) -> dict[str, Any]:
    """Returns the content of candidate.json, which has all that is needed to train it.

    Raises:
      UserError: It is missing or damaged.
    """
    content, path = self.read_candidate(number), self._file(number, "candidate.json")
    if content is None:
      raise cli.UserError(f"{path} is missing; {_REMEDY}")
    data_shapes.check(content, shapes.PROPOSAL, path, _REMEDY)
    return {"parent": None, "tournament": [], **content}

  def read_architecture(self, number: int) -> Architecture:
    """Returns the architecture in candidate.json; raises UserError where it is damaged."""
    content = self.read_proposal(number)
    try:
      return serialization.from_json(content["architecture"])
    except (ArchitectureError, TypeError) as error:
      path = self._file(number, "candidate.json")
      raise cli.UserError(f"{path} cannot be used: {error}; {_REMEDY}") from error

  def write_result(self, result: Mapping[str, Any], timing: Mapping[str, Any]) -> None:
    """Records what came of a candidate; from here on it is finished."""
    json_files.write_json(self._file(result["number"], "timing.json"), dict(timing))
    json_files.write_json(
      self._file(result["number"], "result.json"), {"format_version": FORMAT_VERSION, **result}
    )

  def read_result(self, number: int) -> dict[str, Any] | None:
    """Returns the content of result.json, None while the candidate is in flight."""
    path = self._file(number, "result.json")
    content = read_versioned(path, shapes.RESULT, _RESULT_REMEDY)
    if content is not None:
      _check_number(content, number, path, _RESULT_REMEDY)
    return content

  def read_finished(self, number: int) -> dict[str, Any] | None:
    """Returns the content of result.json, which has all that the search needs, None while the
    candidate is in flight."""
    content = self.read_result(number)
    if content is not None:
      shape = shapes.FEASIBLE if content["status"] == "ok" else shapes.FINISHED
      data_shapes.check(content, shape, self._file(number, "result.json"), _RESULT_REMEDY)
    return content

  def read_timing(self, number: int) -> dict[str, Any] | None:
    """Returns the content of a candidate's timing.json, None while it is in flight."""
    return self._read(number, "timing.json", shapes.TIMING, "delete it")

  def drop_weights(self, number: int) -> None:
    """Deletes a candidate's checkpoints; what is known of it stays."""
    folder = json_files.join(self.candidate_directory(number), "training")
    if not json_files.exists(json_files.join(folder, _NEWEST)):
      return
    for name in filter(_WEIGHTS.search, json_files.names(folder)):
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
  def _timing_path(self) -> str:
    return json_files.join(self.path, "timing.json")

  @property
  def _exhausted_path(self) -> str:
    return json_files.join(self.path, "exhausted.json")

  @property
  def _candidates(self) -> str:
    return json_files.join(self.path, "candidates")

  def _file(self, number: int, name: str) -> str:
    return json_files.join(self.candidate_directory(number), name)

  def _read(self, number: int, name: str, shape: Any = object, remedy: str = _REMEDY) -> Any:
    return json_files.read_json(self._file(number, name), shape, remedy)


def read_versioned(path: str, shape: Any, remedy: str = _REMEDY) -> dict[str, Any] | None:
  """Returns the content of a JSON file that records a format version, None without a file.

  Raises:
    UserError: It is damaged, or of another version.
  """
  content = json_files.read_json(path, shape, remedy)
  if content is not None and content.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
    raise cli.UserError(
      f"{path} has format version {content['format_version']!r}, "
      f"this program reads {FORMAT_VERSION}; give another --model_dir"
    )
  return content


def _check_number(content: Mapping[str, Any], number: int, path: str, remedy: str) -> None:
  if content["number"] != number:
    raise cli.UserError(f"{path} is damaged: it is that of candidate {content['number']}; {remedy}")

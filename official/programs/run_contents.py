"""What the folder of a search holds, as one value."""

import dataclasses

from data_prep.common import cli
from data_prep.common.cli import UserError
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.runs import final_training
from official.runs import json_files
from official.runs import trained
from official.runs.final_records import FinalResult
from official.runs.records import Candidate
from official.runs.records import Result
from official.runs.run_directory import RunDirectory


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
  """What the folder of a search holds.

  Attributes:
    path: The folder.
    candidates: All that were proposed, by number.
    results: Those of the finished candidates, by number.
    final: What came of the final training; None before its end.
    export: Folder of the SavedModel; None before it is there.
  """

  path: str
  candidates: tuple[Candidate, ...]
  results: tuple[Result, ...]
  final: FinalResult | None
  export: str | None

  @property
  def best(self) -> Result:
    """The result of the best candidate; UserError if none is feasible."""
    ranked = trained.ranked(self.results)
    if not ranked:
      raise UserError(f"{self.path} has no feasible candidate; let the search go on")
    return next(result for result in self.results if result.number == ranked[0])

  def architecture(self, number: int) -> Architecture:
    """Returns the architecture of a candidate."""
    return serialization.from_json(self.candidates[number].architecture)


def load(model_dir: str) -> Run:
  """Returns what is in the folder of a search, be it alive, dead or finished.

  Raises:
    UserError: The folder is no run, or what is in it is damaged.
  """
  directory = RunDirectory(cli.resolve_path(model_dir))
  if directory.recorded() is None:
    raise UserError(f"{model_dir} is no run, it has no search.json; give another folder")
  numbers = range(directory.count())
  final = final_training.read_result(directory.final_directory)
  return Run(
    path=directory.path,
    candidates=tuple(map(directory.read_proposal, numbers)),
    results=tuple(filter(None, map(directory.read_finished, numbers))),
    final=final,
    export=json_files.join(directory.path, final.export) if final and final.export else None,
  )

"""The records of a search with rungs (official.search.promotion), beside those of every search.

    candidates/000012/rung_0.json       what came of the candidate's training as far as rung 0
                     /promotion_1.json  that it is trained on to rung 1; written before it is
                     /rung_1.json       and so on; the last rung's record is result.json
                     /rung_0_timing.json, ...    seconds of the training to that rung alone

A candidate is in flight if the record of the rung is missing to which it was promoted last, or that
of rung 0. A candidate that ended in failure has a result.json, whatever its rung.
"""

import dataclasses
import re
from typing import ClassVar

from data_prep.common import cli
from official.runs import fitness as fitness_lib
from official.runs import json_files
from official.runs import record_files
from official.runs.json_files import Json
from official.runs.records import Metrics
from official.runs.records import Result
from official.runs.records import Timing
from official.runs.run_directory import RunDirectory

_REMEDY = (
  "restore it, or delete the candidate's training/ and every rung_*.json, promotion_*.json and "
  "result.json of it, so that it is trained again"
)
_RUNG_RESULT = {
  "number": int,
  "rung": int,
  "steps": int,
  "fitness": float,
  "metrics": {f"{fitness_lib.LOSS}?": float},
  "finish_order": int,
}
_PROMOTION = {"number": int, "rung": int, "known_results": int}
_NAME = re.compile(r"(rung|promotion)_\d+\.json")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RungResult:
  """The result of a candidate at a rung below the last; the content of rung_<k>.json.

  Attributes:
    number: The candidate's.
    rung: The rung, from 0.
    steps: Training steps that it has made by then.
    fitness: Larger is better.
    metrics: On the validation clips, by name.
    finish_order: Its place among all results of the search, those at rungs included.
    others: Fields that are not known here.
  """

  REMEDY: ClassVar[str] = _REMEDY

  number: int
  rung: int
  steps: int
  fitness: float
  metrics: Metrics
  finish_order: int
  others: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "RungResult":
    """Returns the record; UserError if `data` is none."""
    record_files.check_version(data, path, cls.REMEDY)
    content = record_files.checked(data, _RUNG_RESULT, path, cls.REMEDY)
    known = {name: content[name] for name in _RUNG_RESULT}
    return cls(**known, others=record_files.others(content, _RUNG_RESULT))

  @classmethod
  def of(cls, result: Result, rung: int, steps: int) -> "RungResult":
    """Returns the record of a candidate that is ok and has finished a rung below the last."""
    assert result.fitness is not None and result.finish_order is not None
    return cls(
      number=result.number,
      rung=rung,
      steps=steps,
      fitness=result.fitness,
      metrics=result.metrics or {},
      finish_order=result.finish_order,
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    own = {name: getattr(self, name) for name in _RUNG_RESULT}
    return {"format_version": record_files.FORMAT_VERSION, **own, **self.others}

  @property
  def loss(self) -> float | None:
    """The validation loss, or None if unknown."""
    return fitness_lib.loss(self.metrics)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promotion:
  """The decision to train a candidate on; the content of promotion_<k>.json.

  Attributes:
    number: The candidate's.
    rung: The rung to which it is trained.
    known_results: Results of the search, those at rungs included, that were known then.
  """

  REMEDY: ClassVar[str] = _REMEDY

  number: int
  rung: int
  known_results: int

  @classmethod
  def from_json(cls, data: object, path: str) -> "Promotion":
    """Returns the record; UserError if `data` is none."""
    record_files.check_version(data, path, cls.REMEDY)
    content = record_files.checked(data, _PROMOTION, path, cls.REMEDY)
    return cls(**{name: content[name] for name in _PROMOTION})

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    return {"format_version": record_files.FORMAT_VERSION, **dataclasses.asdict(self)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Climb:
  """The way of a candidate over the rungs below the last.

  Attributes:
    results: Its results, from rung 0 on.
    promotions: Its promotions, from the one to rung 1 on; as many as results, or one fewer.
  """

  results: tuple[RungResult, ...] = ()
  promotions: tuple[Promotion, ...] = ()

  @property
  def rests(self) -> bool:
    """Whether it was judged at the rung that it was trained to, and was not promoted since."""
    return len(self.results) > len(self.promotions)


def write_rung(run: RunDirectory, result: RungResult, timing: Timing) -> None:
  """Records the result of a candidate at a rung."""
  folder = run.candidate_directory(result.number)
  name = json_files.join(folder, f"rung_{result.rung}")
  json_files.write_json(f"{name}_timing.json", timing.to_json())
  json_files.write_json(f"{name}.json", result.to_json())


def write_promotion(run: RunDirectory, promotion: Promotion) -> None:
  """Records that a candidate is trained on, before it is."""
  folder = run.candidate_directory(promotion.number)
  path = json_files.join(folder, f"promotion_{promotion.rung}.json")
  json_files.write_json(path, promotion.to_json())


def read_climb(run: RunDirectory, number: int) -> Climb:
  """Returns the way of a candidate over the rungs.

  Raises:
    UserError: A file of it is damaged, or is missing though a later one is there.
  """
  folder = run.candidate_directory(number)
  names = {name for name in json_files.names(folder) if _NAME.fullmatch(name)}
  results: list[RungResult] = []
  promotions: list[Promotion] = []
  while True:
    path = json_files.join(folder, f"rung_{len(results)}.json")
    result = record_files.read(path, RungResult)
    if result is None:
      break
    _check(result, number, len(results), path)
    results.append(result)
    path = json_files.join(folder, f"promotion_{len(results)}.json")
    promotion = record_files.read(path, Promotion)
    if promotion is None:
      break
    _check(promotion, number, len(results), path)
    promotions.append(promotion)
  if len(names) > len(results) + len(promotions):
    raise cli.UserError(f"{path} is missing, though later records are there; {_REMEDY}")
  return Climb(results=tuple(results), promotions=tuple(promotions))


def read_timings(run: RunDirectory, number: int) -> list[Timing]:
  """Returns the timings of a candidate at the rungs below the last."""
  folder = run.candidate_directory(number)
  found: list[Timing] = []
  while timing := record_files.read(
    json_files.join(folder, f"rung_{len(found)}_timing.json"), Timing
  ):
    found.append(timing)
  return found


def _check(record: RungResult | Promotion, number: int, rung: int, path: str) -> None:
  if (record.number, record.rung) != (number, rung):
    raise cli.UserError(
      f"{path} is damaged: it is that of candidate {record.number} and rung {record.rung}; "
      f"{_REMEDY}"
    )

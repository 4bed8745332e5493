"""The records of a final training, as values and as JSON files.

    FinalAsked   final/final.json, and that in the folder of each of several
    FinalResult  final/result.json, that in the folder of each, and the result.json of
                 official.train

As the other records (records.py) they check what they read.
"""

from collections.abc import Mapping
import dataclasses
from typing import ClassVar, NamedTuple, Self

from data_prep.common import cli
from official.runs import record_files
from official.runs import records
from official.runs.json_files import Json
from official.tasks import baselines as baselines_lib
from official.tasks.baselines import Baseline

REMEDY = "delete it and run official.evolve again, which creates it again"

_FINAL_ASKED = {"candidate?": int, "candidates?": [int], "final?": str}
_METRICS_BY_SPLIT = {str: {str: object}}
_FINAL_RESULT = {
  "status?": str,
  "reason?": str,
  "candidate?": int,
  "metrics?": _METRICS_BY_SPLIT,
  "params?": int,
  "multiply_adds?": int,
  "latency_ms?": float,
  "export?": str,
  "baselines?": {str: baselines_lib.SHAPE},
  "final?": str,
  "members?": [
    {"candidate": int, "fitness?": float, "metrics?": _METRICS_BY_SPLIT, "export?": str}
  ],
  "left_out?": [{"candidate": int, "reason?": str}],
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainedNetwork:
  """A trained network, which can be exported alone or with others as one.

  Attributes:
    candidate: Its number.
    seed: Random seed of its training.
    architecture: As official.architecture.serialization writes it.
    training: Folder of its checkpoints.
  """

  candidate: int
  seed: int
  architecture: Json
  training: str

  def to_json(self) -> dict[str, object]:
    """Returns what a worker is given."""
    return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalAsked:
  """The candidates that are trained to the end; the content of final.json.

  Attributes:
    candidate: The only one, or None where there are several.
    candidates: The several, best first, or None.
    final: What becomes of the several: `top_k`, `ensemble` or `front`.
    settings: Values, by flag, that the final training depends on.
  """

  REMEDY: ClassVar[str] = REMEDY

  candidate: int | None = None
  candidates: tuple[int, ...] | None = None
  final: str | None = None
  settings: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "FinalAsked":
    """Returns the record; UserError if `data` is none, or names no candidate."""
    content = record_files.checked(data, _FINAL_ASKED, path, cls.REMEDY)
    if content.get("candidate") is None and content.get("candidates") is None:
      raise cli.UserError(f"{path} is damaged: it names no candidate; {cls.REMEDY}")
    candidates = content.get("candidates")
    return cls(
      candidate=content.get("candidate"),
      candidates=None if candidates is None else tuple(candidates),
      final=content.get("final"),
      settings=record_files.others(content, _FINAL_ASKED),
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    return {
      **record_files.known(
        candidate=self.candidate,
        final=self.final,
        candidates=None if self.candidates is None else list(self.candidates),
      ),
      **self.settings,
    }

  @property
  def numbers(self) -> tuple[int, ...]:
    """The candidates, one or several."""
    if self.candidates is not None:
      return self.candidates
    return () if self.candidate is None else (self.candidate,)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalMember:
  """One of several candidates that were trained to the end.

  Attributes:
    candidate: Its number.
    fitness: After the final training, on the validation clips.
    metrics: By split, then by name.
    params: Trainable parameters.
    multiply_adds: For one clip, forward.
    latency_ms: Measured milliseconds of one clip, forward, if it was asked for.
    export: Folder of its own SavedModel, relative to the run, if each is exported.
  """

  candidate: int
  fitness: float | None = None
  metrics: Mapping[str, records.Metrics] | None = None
  params: int | None = None
  multiply_adds: int | None = None
  latency_ms: float | None = None
  export: str | None = None

  def to_json(self) -> dict[str, object]:
    """Returns its part of the file."""
    content = dataclasses.asdict(self)
    optional = {name: content.pop(name) for name in ("latency_ms", "export")}
    return {**content, **record_files.known(**optional)}


class LeftOut(NamedTuple):
  """A candidate that turned out infeasible in its final training, and why."""

  candidate: int
  reason: str | None


_MEMBER_FIELDS = tuple(field.name for field in dataclasses.fields(FinalMember))


@dataclasses.dataclass(frozen=True, kw_only=True)
class FinalResult:
  """The result of training to the end; the content of result.json in final/ and its folders, and of
  that of official.train.

  Attributes:
    status: `ok`; others are not recorded.
    reason: None.
    candidate: The one that was trained, or the best of several that were; None for an ensemble.
    metrics: By split, then by name.
    params: Trainable parameters.
    multiply_adds: For one clip, forward.
    export: Folder of the SavedModel, relative to the run.
    baselines: By split, what its share of right answers is compared with, if it has one.
    final: `top_k`, `ensemble` or `front`, if there are several.
    latency_ms: Measured milliseconds of one clip, forward, if it was asked for.
    members: Each of several, best first.
    left_out: Those of several that turned out infeasible.
    others: Fields that are not known here.
  """

  REMEDY: ClassVar[str] = REMEDY

  status: str = "ok"
  reason: str | None = None
  candidate: int | None = None
  metrics: Mapping[str, records.Metrics] | None = None
  params: int | None = None
  multiply_adds: int | None = None
  export: str | None = None
  baselines: Mapping[str, Baseline] = dataclasses.field(default_factory=dict)
  final: str | None = None
  latency_ms: float | None = None
  members: tuple[FinalMember, ...] | None = None
  left_out: tuple[LeftOut, ...] | None = None
  others: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> Self:
    """Returns the record; UserError if `data` is none, or has neither metrics nor candidates."""
    content = record_files.checked(data, _FINAL_RESULT, path, cls.REMEDY)
    if not {"candidate", "members", "metrics"} & set(content):
      raise cli.UserError(
        f"{path} is damaged: it has no metrics, and names no candidate; {cls.REMEDY}"
      )
    members, left_out = content.get("members"), content.get("left_out")
    return cls(
      status=content.get("status") or "ok",
      reason=content.get("reason"),
      candidate=content.get("candidate"),
      metrics=content.get("metrics"),
      params=content.get("params"),
      multiply_adds=content.get("multiply_adds"),
      latency_ms=content.get("latency_ms"),
      export=content.get("export"),
      baselines=baselines_lib.from_json(content.get("baselines") or {}),
      final=content.get("final"),
      members=None
      if members is None
      else tuple(
        FinalMember(**{field: each.get(field) for field in _MEMBER_FIELDS}) for each in members
      ),
      left_out=None
      if left_out is None
      else tuple(LeftOut(each["candidate"], each.get("reason")) for each in left_out),
      others=record_files.others(content, _FINAL_RESULT),
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    members, left_out = self.members, self.left_out
    return {
      **record_files.known(candidate=self.candidate),
      "status": self.status,
      "reason": self.reason,
      **self.others,
      **record_files.known(
        metrics=self.metrics,
        params=self.params,
        multiply_adds=self.multiply_adds,
        latency_ms=self.latency_ms,
        export=self.export,
        baselines=baselines_lib.to_json(self.baselines) or None,
        final=self.final,
        members=None if members is None else [each.to_json() for each in members],
        left_out=None if left_out is None else [each._asdict() for each in left_out],
      ),
    }

  def lines(self) -> list[str]:
    """Returns what is said of its metrics, split by split."""
    return metric_lines(self.metrics or {}, self.baselines)


def metric_lines(
  metrics: Mapping[str, records.Metrics], baselines: Mapping[str, Baseline]
) -> list[str]:
  """Returns what is said of metrics by split: the numbers, and what an accuracy is worth."""
  return [
    line
    for split, values in metrics.items()
    for line in baselines_lib.lines(
      split, values, baselines.get(split), records.metrics_text(values)
    )
  ]

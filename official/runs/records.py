"""The records that a run keeps, as values and as JSON files.

    RunFlags   search.json, train.json: with which flags the run was begun
    Candidate  candidates/000012/candidate.json: what to train
    Result     candidates/000012/result.json: what came of it
    Timing     timing.json beside a result: what may differ between equal runs
    Progress   progress.json beside it: what a training does now

Those of the final training are in final_records.py.

`from_json` checks what it is given and raises a UserError of one line that names the file, the
field and a remedy. Files of earlier versions of this program can be read: a field that was added
later has a default here. Fields that a record does not know are kept in `others`.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any, ClassVar, Literal, NamedTuple

from official.runs import fitness as fitness_lib
from official.runs import record_files
from official.runs.json_files import Json

RESTORE = "restore it, or give another --model_dir"
TRAIN_AGAIN = "delete it, so that the candidate is trained again, or restore it"

Status = Literal["ok", "infeasible", "failed"]
Metrics = Mapping[str, float | None]  # A value that is not a number is recorded as null.

_RUN_FLAGS = {
  "format_version": int,
  "identity": {
    "threads_per_candidate?": int,
    "gpus_per_candidate?": int,
    "start_from?": {
      "model_dir?": str,
      "founders?": [{"candidate": int, "architecture": {str: object}}],
    },
  },
  "operation": {"data_dir?": str},
}
_CANDIDATE = {
  "number": int,
  "seed": int,
  "architecture": {str: object},
  "origin?": str,
  "parent?": int,
  "tournament?": [int],
  "barren?": [int],
  "known_results?": int,
  "founder?": {str: object},
  "child?": {str: object},
  "digest?": str,
}
_CONNECTION = {"source": str, "target": str}
_RESULT = {
  "number": int,
  "status": frozenset({"ok", "infeasible", "failed"}),
  "reason?": str,
  "fitness?": float,
  "metrics?": {f"{fitness_lib.LOSS}?": float},
  "connection_weights?": [{**_CONNECTION, "start?": float, "end?": float}],
  "params?": int,
  "multiply_adds?": int,
  "latency_ms?": float,
  "sensitivities?": [{**_CONNECTION, "value?": float}],
  "finish_order?": int,
}
_ALONE = ("reason", "fitness", "metrics", "params", "multiply_adds", "latency_ms", "finish_order")
_FEASIBLE = {**_RESULT, "fitness": float, "metrics": {f"{fitness_lib.LOSS}?": float}}
_TIMING = {
  "seconds?": float,
  "seconds_in_steps?": float,
  "processor_seconds?": float,
  "started_at?": float,
  "finished_at?": float,
  "kills?": int,
}
_PROGRESS = {"phase": str, "step?": int, "steps?": int, "metrics?": {str: float}}


class Founder(NamedTuple):
  """A candidate of an earlier run, with which a search begins.

  Attributes:
    candidate: Its number in the earlier run.
    architecture: As official.architecture.serialization writes it.
  """

  candidate: int
  architecture: Json


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunFlags:
  """The flags with which a run was started; the content of search.json or train.json.

  Attributes:
    identity: Values, by flag, that decide what is found.
    operation: Values, by flag, that say how the work is done.
  """

  REMEDY: ClassVar[str] = RESTORE

  identity: Json
  operation: Json

  @classmethod
  def from_json(cls, data: object, path: str) -> "RunFlags":
    """Returns the record; UserError if `data` is none."""
    record_files.check_version(data, path, cls.REMEDY)
    content = record_files.checked(data, _RUN_FLAGS, path, cls.REMEDY)
    return cls(identity=content["identity"], operation=content["operation"])

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    return {
      "format_version": record_files.FORMAT_VERSION,
      "identity": dict(self.identity),
      "operation": dict(self.operation),
    }

  @property
  def threads(self) -> int | None:
    """CPU threads of a candidate, if they are recorded."""
    return self._integer("threads_per_candidate")

  @property
  def gpus(self) -> int | None:
    """GPUs of a candidate, if they are recorded."""
    return self._integer("gpus_per_candidate")

  def _integer(self, flag: str) -> int | None:
    value = self.identity.get(flag)
    return value if isinstance(value, int) else None

  def founders(self) -> tuple[Founder, ...] | None:
    """Returns the founders that a refinement has chosen; None for any other search."""
    start_from: Any = self.identity.get("start_from")
    if not start_from or start_from.get("founders") is None:
      return None
    founders = start_from["founders"]
    return tuple(Founder(each["candidate"], each["architecture"]) for each in founders)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Candidate:
  """A candidate: what to train, and where it comes from; the content of candidate.json.

  Attributes:
    number: Its place in the order in which candidates were proposed, from 0.
    seed: Random seed of its training.
    architecture: As official.architecture.serialization writes it.
    origin: `random`, `founder` or `child`.
    parent: Number of the parent of a child.
    tournament: Numbers of those among which the parent was the best.
    barren: Numbers of parents that were tried first and had no new child.
    known_results: Candidates that had finished when it was proposed.
    founder: How a candidate without a parent was made.
    child: How a child was made from its parent.
    digest: Digest of the architecture (official.architecture.canonical).
    others: Fields that are not known here.
  """

  REMEDY: ClassVar[str] = RESTORE

  number: int
  seed: int
  architecture: Json
  origin: str | None = None
  parent: int | None = None
  tournament: tuple[int, ...] = ()
  barren: tuple[int, ...] = ()
  known_results: int | None = None
  founder: Json | None = None
  child: Json | None = None
  digest: str | None = None
  others: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "Candidate":
    """Returns the record; UserError if `data` is none."""
    record_files.check_version(data, path, cls.REMEDY)
    content = record_files.checked(data, _CANDIDATE, path, cls.REMEDY)
    return cls(
      number=content["number"],
      seed=content["seed"],
      architecture=content["architecture"],
      origin=content.get("origin"),
      parent=content.get("parent"),
      tournament=tuple(content.get("tournament") or ()),
      barren=tuple(content.get("barren") or ()),
      known_results=content.get("known_results"),
      founder=content.get("founder"),
      child=content.get("child"),
      digest=content.get("digest"),
      others=record_files.others(content, _CANDIDATE),
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file, which is also what an evaluator is given."""
    return {
      "format_version": record_files.FORMAT_VERSION,
      "number": self.number,
      "origin": self.origin,
      "parent": self.parent,
      "tournament": list(self.tournament),
      "barren": list(self.barren),
      "known_results": self.known_results,
      "seed": self.seed,
      "founder": self.founder,
      "child": self.child,
      "digest": self.digest,
      **self.others,
      "architecture": self.architecture,
    }


class ConnectionWeight(NamedTuple):
  """The learned weight of a connection, after the sigmoid, before and after training."""

  source: str
  target: str
  start: float | None
  end: float | None


class Sensitivity(NamedTuple):
  """The cost of cutting a connection."""

  source: str
  target: str
  value: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
  """The result of a candidate; the content of result.json.

  Attributes:
    number: The candidate's.
    status: `ok`, `infeasible` (it cannot be trained) or `failed` (the program is at fault).
    reason: Why it is not ok, in one line.
    fitness: Larger is better; a number if it is ok.
    metrics: On the validation clips, by name; there if it is ok.
    connection_weights: Weight of every connection.
    params: Trainable parameters.
    multiply_adds: For one clip, forward.
    latency_ms: Measured milliseconds of one clip, forward, if it was asked for.
    sensitivities: Sensitivity of every connection, if measured.
    finish_order: Its place in the order in which the candidates of a search finished, from 0.
    others: Fields that are not known here.
  """

  REMEDY: ClassVar[str] = TRAIN_AGAIN

  number: int
  status: Status
  reason: str | None = None
  fitness: float | None = None
  metrics: Metrics | None = None
  connection_weights: tuple[ConnectionWeight, ...] | None = None
  params: int | None = None
  multiply_adds: int | None = None
  latency_ms: float | None = None
  sensitivities: tuple[Sensitivity, ...] | None = None
  finish_order: int | None = None
  others: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "Result":
    """Returns the record; UserError if `data` is none."""
    record_files.check_version(data, path, cls.REMEDY)
    feasible = isinstance(data, Mapping) and data.get("status") == "ok"
    content = record_files.checked(data, _FEASIBLE if feasible else _RESULT, path, cls.REMEDY)
    weights, sensitivities = content.get("connection_weights"), content.get("sensitivities")
    return cls(
      number=content["number"],
      status=content["status"],
      **{name: content.get(name) for name in _ALONE},
      connection_weights=None
      if weights is None
      else tuple(
        ConnectionWeight(each["source"], each["target"], each.get("start"), each.get("end"))
        for each in weights
      ),
      sensitivities=None
      if sensitivities is None
      else tuple(
        Sensitivity(each["source"], each["target"], each.get("value")) for each in sensitivities
      ),
      others=record_files.others(content, _RESULT),
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    weights, sensitivities = self.connection_weights, self.sensitivities
    return {
      "format_version": record_files.FORMAT_VERSION,
      "number": self.number,
      "status": self.status,
      "reason": self.reason,
      "fitness": self.fitness,
      "metrics": self.metrics,
      "connection_weights": None if weights is None else [each._asdict() for each in weights],
      "params": self.params,
      "multiply_adds": self.multiply_adds,
      **record_files.known(latency_ms=self.latency_ms),
      **({} if sensitivities is None else {"sensitivities": [s._asdict() for s in sensitivities]}),
      **self.others,
      **({} if self.finish_order is None else {"finish_order": self.finish_order}),
    }

  @property
  def loss(self) -> float | None:
    """The validation loss, or None if unknown."""
    return fitness_lib.loss(self.metrics)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timing:
  """The facts that may differ between equal runs; the content of timing.json beside a result.

  Attributes:
    seconds: Duration of the training's last life.
    seconds_in_steps: Those of them inside training and evaluation steps.
    processor_seconds: Processor time of that life, of all its threads.
    started_at, finished_at: Seconds since 1970, as the driver saw them.
    kills: Times that its process was killed.
    others: Fields that are not known here.
  """

  REMEDY: ClassVar[str] = "delete it"

  seconds: float | None = None
  seconds_in_steps: float | None = None
  processor_seconds: float | None = None
  started_at: float | None = None
  finished_at: float | None = None
  kills: int | None = None
  others: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "Timing":
    """Returns the record; UserError if `data` is none."""
    content = record_files.checked(data, _TIMING, path, cls.REMEDY)
    return cls(
      seconds=content.get("seconds"),
      seconds_in_steps=content.get("seconds_in_steps"),
      processor_seconds=content.get("processor_seconds"),
      started_at=content.get("started_at"),
      finished_at=content.get("finished_at"),
      kills=content.get("kills"),
      others=record_files.others(content, _TIMING),
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    return record_files.known(
      seconds=self.seconds,
      seconds_in_steps=self.seconds_in_steps,
      processor_seconds=self.processor_seconds,
      **self.others,
      started_at=self.started_at,
      finished_at=self.finished_at,
      kills=self.kills,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
  """The current progress of a training; the content of progress.json.

  Attributes:
    phase: For people, as `tracing` or `training`.
    step, steps: How far it is, and where it ends; 0 where the phase has no steps.
    metrics: Loss and metrics of the last training batches; empty before there are any.
  """

  REMEDY: ClassVar[str] = "delete it"

  phase: str = "waiting"
  step: int = 0
  steps: int = 0
  metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "Progress":
    """Returns the record; UserError if `data` is none."""
    content = record_files.checked(data, _PROGRESS, path, cls.REMEDY)
    names = ("phase", "step", "steps", "metrics")
    return cls(**{name: content[name] for name in names if content.get(name)})


def metrics_text(metrics: Metrics) -> str:
  """Returns metrics for people: `accuracy 0.9375, loss 0.2564`; only those that are numbers."""
  return ", ".join(
    f"{name} {value:.4f}" for name, value in metrics.items() if isinstance(value, (int, float))
  )

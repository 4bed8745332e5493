"""The verdict on the outcome of a training, or of any other task.

    ok           it has metrics, and a fitness that is a number
    infeasible   it cannot be trained: out of memory, NaN, too slow, killed twice by a signal, lost
                 with one machine after the other
    failed       the program is at fault: an exception, a process that left without a result
    again        one signal, a lost machine: trained again, from its newest checkpoint

The first three end in result.json with the reason. A fault of the environment (a full disk, a
device that does not answer, a file that has vanished: data_prep.common.faults) says nothing of a
candidate: it ends the search with one line, and leaves the candidate in flight. A fault that meets
three candidates in a row will meet the fourth, so the search stops and says why; it also stops
where nothing is feasible at all.
"""

from collections.abc import Sequence
import dataclasses
import math
from typing import cast

from data_prep.common import cli
from official.runs import fitness as fitness_lib
from official.runs.executors.base import Outcome
from official.runs.json_files import Json
from official.runs.records import Metrics
from official.runs.records import Result
from official.runs.records import Status

SAME_FAULT = 3
MAX_RETRIES = 1
# Machines that may be lost under a candidate before it is thought to be what ends them.
MAX_LOSSES = 20
_INFEASIBLE = ("timed_out", "exhausted")


class SearchStopped(Exception):
  """The search cannot usefully be continued; the text says why and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
  """The verdict on a task.

  Attributes:
    status: `ok`, `infeasible` or `failed`.
    reason: Why it is not ok, in one line.
    fault: Where it failed, what tells one fault from another.
    value: What the task returned; empty where it returned nothing.
  """

  status: Status
  reason: str | None = None
  fault: str | None = None
  value: Json = dataclasses.field(default_factory=dict)


def judge(outcome: Outcome, tries: int = 0, retries: int = MAX_RETRIES) -> Verdict | None:
  """Returns what the ending of a task says; None if it is to be tried again.

  Args:
    outcome: From the executor.
    tries: Times that the task was tried again already after an ending of this kind.
    retries: Times that a killed task is tried again; one whose machine was lost, MAX_LOSSES times.

  Raises:
    UserError: The environment is at fault.
  """
  check_environment(outcome)
  if outcome.kind == "returned":
    return _judge_value(outcome.value or {})
  limits = {"killed": retries, "lost": MAX_LOSSES}
  if outcome.kind in limits:
    if tries < limits[outcome.kind]:
      return None
    often = f" {tries + 1} times; the last time" if tries else ""
    return Verdict(status="infeasible", reason=f"{outcome.kind}{often}: {outcome.reason}")
  if outcome.kind in _INFEASIBLE:
    return Verdict(status="infeasible", reason=outcome.reason)
  return Verdict(status="failed", reason=outcome.reason, fault=outcome.signature or outcome.reason)


def check_environment(outcome: Outcome) -> None:
  """Raises UserError where an outcome is a fault of the environment."""
  if outcome.kind == "environment":
    reason = outcome.reason or "the environment is at fault"
    again = "" if "the same command" in reason else "; then the same command resumes"
    raise cli.UserError(f"{reason}{again}")


def _judge_value(value: Json) -> Verdict:
  status = value.get("status")
  reason = None if value.get("reason") is None else str(value["reason"])
  if status == "ok":
    return Verdict(status="ok", value=value)
  if status == "infeasible":
    return Verdict(status="infeasible", reason=reason, value=value)
  if status == "failed":
    return Verdict(status="failed", reason=reason, fault=str(reason), value=value)
  told = f"the evaluator returned status {status!r}"
  return Verdict(status="failed", reason=told, fault=told)


def score(verdict: Verdict, fitness: str) -> tuple[Verdict, float | None]:
  """Returns the fitness of a candidate that is ok; otherwise, why it has none.

  Args:
    verdict: What the ending of its training says.
    fitness: Name of the fitness.
  """
  if verdict.status != "ok":
    return verdict, None
  value = verdict.value
  metrics = cast(Metrics, value.get("metrics") or {})
  try:
    reached = fitness_lib.compute(fitness, metrics)
  except KeyError as error:
    told = f"the evaluator returned no {error.args[0]!r}, which --fitness={fitness} needs"
    return Verdict(status="failed", reason=told, fault=told), None
  if math.isnan(reached):
    told = f"its {fitness} is not a number"
    return Verdict(status="infeasible", reason=told, value=value), None
  loss = metrics.get(fitness_lib.LOSS, 0.0)
  if loss is None or math.isnan(loss):  # Answers of such a network can be right by accident.
    told = "its loss is not a number"
    return Verdict(status="infeasible", reason=told, value=value), None
  weights = cast(Sequence[Json], value.get("connection_weights") or ())
  if any(weight.get("end") is None for weight in weights):
    told = "a connection weight is not a number"
    return Verdict(status="infeasible", reason=told, value=value), None
  return verdict, reached


def result(
  number: int, verdict: Verdict, fitness: str, finish_order: int | None = None
) -> tuple[Result, str | None]:
  """Returns what to record of a candidate, and, if it failed, what tells its fault from another.

  Args:
    number: The candidate's.
    verdict: What the ending of its training says.
    fitness: Name of the fitness.
    finish_order: Its place in the order of finishing.
  """
  scored, reached = score(verdict, fitness)
  content = {name: item for name, item in scored.value.items() if name != "timing"}
  facts = {
    "number": number,
    "status": scored.status,
    "reason": scored.reason,
    "fitness": reached,
    "finish_order": finish_order,
  }
  try:
    return Result.from_json({**content, **facts}, "what the evaluator returned"), scored.fault
  except cli.UserError as error:
    told = str(error).removesuffix(f"; {Result.REMEDY}")
    failed = Result(number=number, status="failed", reason=told, finish_order=finish_order)
    return failed, told


class Watch:
  """Stops a search that gets nowhere.

  It sees the results of one driver's life only, because a fault may be repaired between two lives.
  """

  def __init__(self, *, patience: int, feasible: bool):
    """Makes a watch.

    Args:
      patience: Candidates that may finish before one must be feasible.
      feasible: Whether one is already.
    """
    self._patience = patience
    self._feasible = feasible
    self._seen = 0
    self._faults: list[tuple[int, str]] = []

  def see(self, result: Result, fault: str | None) -> None:
    """Takes note of a finished candidate, and of what tells its fault from another.

    Raises:
      SearchStopped: It is one too many.
    """
    self._seen += 1
    self._feasible = self._feasible or result.status == "ok"
    if self._faults and self._faults[-1][1] != fault:
      self._faults = []
    if fault is not None:
      self._faults.append((result.number, fault))
    reason = result.reason
    if len(self._faults) >= SAME_FAULT:
      numbers = ", ".join(f"{failed:06d}" for failed, _ in self._faults)
      raise SearchStopped(
        f"candidates {numbers} failed alike, one after the other: {reason} (see their log.txt). "
        "Remove the cause and run the same command; delete their result.json to train them again"
      )
    if not self._feasible and self._seen >= self._patience:
      raise SearchStopped(
        f"none of {self._seen} candidates is feasible; the last: {reason}. "
        "Choose a smaller --search_space, or a lower --learning_rate if losses are not numbers"
      )

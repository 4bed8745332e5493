"""What the ending of a candidate says.

    ok           it has metrics, and a fitness that is a number
    infeasible   it cannot be trained: out of memory, NaN, too slow, killed twice by a signal
    failed       the program is at fault: an exception, a process that left without a result
    again        one signal, a lost machine: trained again, from its newest checkpoint

The first three end in result.json with the reason. A fault of the environment (a full disk, a
device that does not answer, a file that has vanished: data_prep.common.faults) says nothing of a
candidate: it ends the search with one line, and leaves the candidate in flight. A fault that meets
three candidates in a row will meet the fourth, so the search stops and says why; it also stops
where nothing is feasible at all.
"""

from collections.abc import Mapping
import dataclasses
import math
from typing import Any

from data_prep.common import cli
from official.runs import fitness as fitness_lib
from official.runs.executors.base import Outcome

SAME_FAULT = 3
MAX_RETRIES = 1
_STATUS = {"timed_out": "infeasible", "exhausted": "infeasible", "raised": "failed"}
_RESULT_FIELDS = (
  "status",
  "reason",
  "fitness",
  "metrics",
  "connection_weights",
  "params",
  "multiply_adds",
)


class SearchStopped(Exception):
  """The search cannot usefully go on; the text says why and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
  """What to record.

  Attributes:
    result: Fields of result.json, without number and finish order; None: train it again.
    fault: For a failed candidate, what tells one fault from another.
  """

  result: dict[str, Any] | None
  fault: str | None = None


def judge(
  outcome: Outcome, fitness: str, earlier_kills: int, max_retries: int = MAX_RETRIES
) -> Verdict:
  """Returns what an outcome means for the candidate.

  Args:
    outcome: From the executor.
    fitness: Name of the fitness.
    earlier_kills: Times that this candidate was killed before.
    max_retries: Times that a killed candidate is tried again.

  Raises:
    UserError: The environment is at fault.
  """
  check_environment(outcome)
  if outcome.kind == "returned":
    return _judge_value(outcome.value, fitness)
  if outcome.kind == "killed":
    if earlier_kills < max_retries:
      return Verdict(result=None)
    return _ended(
      "infeasible", f"killed {earlier_kills + 1} times; the last time: {outcome.reason}"
    )
  return _ended(_STATUS[outcome.kind], outcome.reason, outcome.signature)


def check_environment(outcome: Outcome) -> None:
  """Raises UserError where an outcome is a fault of the environment."""
  if outcome.kind == "environment":
    reason = outcome.reason or "the environment is at fault"
    again = "" if "the same command" in reason else "; then the same command goes on"
    raise cli.UserError(f"{reason}{again}")


def _judge_value(value: Mapping[str, Any], fitness: str) -> Verdict:
  status = value.get("status")
  if status == "infeasible":
    return _ended("infeasible", value.get("reason"), value=value)
  if status == "failed":
    return _ended("failed", value.get("reason"), str(value.get("reason")), value)
  if status != "ok":
    return _ended("failed", reason := f"the evaluator returned status {status!r}", reason)
  try:
    number = fitness_lib.compute(fitness, value["metrics"])
  except KeyError as error:
    return _ended(
      "failed",
      reason := f"the evaluator returned no {error.args[0]!r}, which --fitness={fitness} needs",
      reason,
    )
  if math.isnan(number):
    return _ended("infeasible", f"its {fitness} is not a number", value=value)
  if any(entry["end"] is None for entry in value.get("connection_weights") or ()):
    return _ended("infeasible", "a connection weight is not a number", value=value)
  return Verdict(result={**_fields(value), "status": "ok", "fitness": number})


def _ended(
  status: str, reason: str | None, fault: str | None = None, value: Mapping[str, Any] | None = None
) -> Verdict:
  result = {**_fields(value or {}), "status": status, "reason": reason, "fitness": None}
  return Verdict(result=result, fault=(fault or reason) if status == "failed" else None)


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
  """The fields of a result in their order, then whatever else an evaluator returns; no timing."""
  fields = {name: value.get(name) for name in _RESULT_FIELDS}
  others = {name: item for name, item in value.items() if name not in {*fields, "timing"}}
  return {**fields, **others}


class Watch:
  """Stops a search that gets nowhere.

  It sees the results of one driver's life only, for between two lives a fault may be mended.
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

  def see(self, number: int, verdict: Verdict) -> None:
    """Takes note of a finished candidate.

    Raises:
      SearchStopped: It is one too many.
    """
    self._seen += 1
    self._feasible = self._feasible or verdict.result["status"] == "ok"
    if self._faults and self._faults[-1][1] != verdict.fault:
      self._faults = []
    if verdict.fault is not None:
      self._faults.append((number, verdict.fault))
    reason = verdict.result["reason"]
    if len(self._faults) >= SAME_FAULT:
      numbers = ", ".join(f"{failed:06d}" for failed, _ in self._faults)
      raise SearchStopped(
        f"candidates {numbers} failed alike, one after the other: {reason} (see their log.txt). "
        "Mend it and run the same command; to have those trained again, delete their result.json"
      )
    if not self._feasible and self._seen >= self._patience:
      raise SearchStopped(
        f"none of {self._seen} candidates is feasible; the last: {reason}. "
        "Choose a smaller --search_space, or a lower --learning_rate if losses are not numbers"
      )

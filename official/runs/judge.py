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

import dataclasses
import math
import types
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
_NOTHING: Json = types.MappingProxyType({})
_INFEASIBLE = ("timed_out", "exhausted")


class SearchStopped(Exception):
  """The search cannot usefully go on; the text says why and what to do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
  """What to record.

  Attributes:
    result: What came of the candidate, without its place in the order of finishing; None: train it
      again.
    fault: For a failed candidate, what tells one fault from another.
  """

  result: Result | None
  fault: str | None = None


def judge(
  number: int, outcome: Outcome, fitness: str, earlier_kills: int, max_retries: int = MAX_RETRIES
) -> Verdict:
  """Returns what an outcome means for a candidate.

  Args:
    number: The candidate's.
    outcome: From the executor.
    fitness: Name of the fitness.
    earlier_kills: Times that this candidate was killed before.
    max_retries: Times that a killed candidate is tried again.

  Raises:
    UserError: The environment is at fault.
  """
  check_environment(outcome)
  if outcome.kind == "returned":
    return _judge_value(number, outcome.value or {}, fitness)
  if outcome.kind == "killed":
    if earlier_kills < max_retries:
      return Verdict(result=None)
    reason = f"killed {earlier_kills + 1} times; the last time: {outcome.reason}"
    return _ended(number, "infeasible", reason)
  status: Status = "infeasible" if outcome.kind in _INFEASIBLE else "failed"
  return _ended(number, status, outcome.reason, outcome.signature)


def check_environment(outcome: Outcome) -> None:
  """Raises UserError where an outcome is a fault of the environment."""
  if outcome.kind == "environment":
    reason = outcome.reason or "the environment is at fault"
    again = "" if "the same command" in reason else "; then the same command goes on"
    raise cli.UserError(f"{reason}{again}")


def _judge_value(number: int, value: Json, fitness: str) -> Verdict:
  status, reason = value.get("status"), value.get("reason")
  told = None if reason is None else str(reason)
  if status == "infeasible":
    return _ended(number, "infeasible", told, value=value)
  if status == "failed":
    return _ended(number, "failed", told, str(reason), value)
  if status != "ok":
    return _ended(number, "failed", f"the evaluator returned status {status!r}")
  metrics = cast(Metrics, value.get("metrics") or {})
  try:
    reached = fitness_lib.compute(fitness, metrics)
  except KeyError as error:
    return _ended(
      number,
      "failed",
      f"the evaluator returned no {error.args[0]!r}, which --fitness={fitness} needs",
    )
  if math.isnan(reached):
    return _ended(number, "infeasible", f"its {fitness} is not a number", value=value)
  verdict = Verdict(result=_result(number, {**value, "fitness": reached}))
  if any(weight.end is None for weight in verdict.result.connection_weights or ()):
    return _ended(number, "infeasible", "a connection weight is not a number", value=value)
  return verdict


def _ended(
  number: int, status: Status, reason: str | None, fault: str | None = None, value: Json = _NOTHING
) -> Verdict:
  result = _result(number, {**value, "status": status, "reason": reason, "fitness": None})
  return Verdict(result=result, fault=(fault or reason) if status == "failed" else None)


def _result(number: int, value: Json) -> Result:
  content = {name: item for name, item in value.items() if name != "timing"}
  return Result.from_json({**content, "number": number}, "what the evaluator returned")


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
        "Mend it and run the same command; to have those trained again, delete their result.json"
      )
    if not self._feasible and self._seen >= self._patience:
      raise SearchStopped(
        f"none of {self._seen} candidates is feasible; the last: {reason}. "
        "Choose a smaller --search_space, or a lower --learning_rate if losses are not numbers"
      )

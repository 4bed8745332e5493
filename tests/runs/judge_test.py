import dataclasses
import math

import pytest

from data_prep.common import cli
from official.runs import judge
from official.runs.executors.base import Outcome
from official.runs.records import Result

METRICS = {"accuracy": 0.5, "top5_accuracy": 0.75, "loss": 1.5}


def outcome(kind, **fields):
  return Outcome(key="000000", kind=kind, **fields)


def returned(**value):
  return outcome("returned", value={"status": "ok", "metrics": METRICS, **value})


def recorded(some, tries=0):
  """What is recorded of a candidate, and its fault."""
  return judge.result(0, judge.judge(some, tries), "accuracy")


def test_a_value_becomes_a_result_without_timing():
  result = recorded(returned(params=7, timing={"seconds": 3}, new=[1]))[0]
  assert result == Result(
    number=0, status="ok", fitness=0.5, metrics=METRICS, params=7, others={"new": [1]}
  )


def test_one_signal_is_no_result():
  assert judge.judge(outcome("killed", reason="SIGKILL")) is None


def test_the_second_signal_is_infeasible():
  result, _ = recorded(outcome("killed", reason="its process was ended by SIGKILL"), 1)
  assert (result.status, result.reason) == (
    "infeasible",
    "killed 2 times; the last time: its process was ended by SIGKILL",
  )


@pytest.mark.parametrize(
  "some, status, reason",
  [
    (outcome("timed_out", reason="not done after 5 s"), "infeasible", "not done after 5 s"),
    (outcome("exhausted", reason="out of memory"), "infeasible", "out of memory"),
    (outcome("raised", reason="ValueError: x", signature="y"), "failed", "ValueError: x"),
    (returned(status="infeasible", reason="diverged"), "infeasible", "diverged"),
    (returned(status="failed", reason="no clips"), "failed", "no clips"),
    (returned(status="fine"), "failed", "the evaluator returned status 'fine'"),
    (returned(metrics={**METRICS, "accuracy": None}), "infeasible", "its accuracy is not a number"),
    (returned(metrics={**METRICS, "loss": None}), "infeasible", "its loss is not a number"),
    (returned(metrics={**METRICS, "loss": math.nan}), "infeasible", "its loss is not a number"),
    (
      returned(metrics={}),
      "failed",
      "the evaluator returned no 'accuracy', which --fitness=accuracy needs",
    ),
    (
      returned(params="many"),
      "failed",
      'what the evaluator returned is damaged: params is "many", not an integer',
    ),
    (
      returned(connection_weights=[{"source": "a", "target": "b", "start": 0.5, "end": None}]),
      "infeasible",
      "a connection weight is not a number",
    ),
  ],
)
def test_failures_are_told_apart(some, status, reason):
  result, _ = recorded(some)
  assert (result.status, result.reason, result.fitness) == (status, reason, None)


def test_without_retries_one_signal_is_infeasible():
  verdict = judge.judge(outcome("killed", reason="SIGKILL"), retries=0)
  assert (verdict.status, verdict.reason) == ("infeasible", "killed: SIGKILL")


def test_a_fault_of_the_environment_is_no_verdict():
  with pytest.raises(cli.UserError, match="the disk is full; then the same command resumes"):
    judge.judge(outcome("environment", reason="the disk is full"))


def test_a_fault_is_the_place_and_not_the_text():
  assert recorded(outcome("raised", reason="ValueError: 1", signature="place"))[1] == "place"


def bug(place, reason="ValueError: x"):
  return recorded(outcome("raised", reason=reason, signature=place))


def see(watch, *endings):
  for number, (result, fault) in enumerate(endings):
    watch.see(dataclasses.replace(result, number=number), fault)


def test_the_same_fault_three_times_in_a_row_stops_the_search():
  watch = judge.Watch(patience=100, feasible=True)
  with pytest.raises(judge.SearchStopped) as stopped:
    see(watch, bug("a"), bug("a"), bug("a", "ValueError: the third"))
  assert str(stopped.value) == (
    "candidates 000000, 000001, 000002 failed alike, one after the other: "
    "ValueError: the third (see their log.txt). Remove the cause and run the same "
    "command; delete their result.json to train them again"
  )


def test_faults_that_differ_or_are_not_in_a_row_do_not():
  watch = judge.Watch(patience=100, feasible=True)
  see(watch, bug("a"), bug("a"), bug("b"), bug("a"), bug("a"), recorded(returned()), bug("a"))


def test_a_search_without_anything_feasible_stops():
  watch = judge.Watch(patience=2, feasible=False)
  with pytest.raises(judge.SearchStopped, match="none of 2 candidates is feasible; the last: d"):
    see(watch, *(recorded(returned(status="infeasible", reason="diverged")) for _ in range(2)))


def test_infeasible_candidates_do_not_stop_a_search_that_has_a_feasible_one():
  watch = judge.Watch(patience=2, feasible=True)
  see(watch, *(recorded(returned(status="infeasible", reason="diverged")) for _ in range(9)))

"""One generation: what is trained, what children share, and that nothing is trained twice."""

import collections
import dataclasses
import json
import os
import pathlib
import random

import pytest

from official.architecture import cost
from official.architecture import feasibility
from official.architecture import space as space_lib
from official.runs import judge
from official.runs.console import Console
from official.runs.executors.base import Outcome
from official.runs.executors.inline import Inline
from official.runs.run_directory import RunDirectory
from tools.benchmarks import generation

CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)
ARMS = ["weights_0.5", "weights_uniform", "sensitivity_weakest", "sensitivity_strongest", "random"]


def plan(**changes) -> generation.Plan:
  return generation.Plan(
    **{
      "parents": 2,
      "children": 2,
      "retrainings": 1,
      "seed": 3,
      "space": space_lib.load_space("small"),
      "clip": CLIP,
      "max_operators": 0,
      "fitness": "accuracy",
      **changes,
    }
  )


class Trainings:
  """Stands for trainings; counts those of every number, and may be stopped in the middle of one."""

  def __init__(self, *, stop_in: int | None = None, infeasible: int | None = None):
    self.begun: list[int] = []
    self._stop_in = stop_in
    self._infeasible = infeasible

  def __call__(self, candidate, directory) -> dict:
    self.begun.append(candidate["number"])
    training = os.path.join(directory, "training")
    os.makedirs(training, exist_ok=True)
    with open(os.path.join(training, "checkpoint"), "w", encoding="utf-8"):
      pass
    with open(os.path.join(training, "ckpt-1.index"), "a", encoding="utf-8") as file:
      file.write("begun\n")
    if candidate["number"] == self._stop_in:
      raise KeyboardInterrupt
    if candidate["number"] == self._infeasible:
      return {"status": "infeasible", "reason": "diverged"}
    rng = random.Random(candidate["seed"])
    connections = candidate["architecture"]["connections"]
    return {
      "status": "ok",
      "reason": None,
      "metrics": {"accuracy": rng.random(), "loss": rng.random()},
      "connection_weights": [{**ends, "start": 0.5, "end": rng.random()} for ends in connections],
      "sensitivities": [{**ends, "value": rng.random()} for ends in connections],
    }


class FirstIsKilled(Inline):
  """An executor whose first task comes to nothing."""

  _killed = False

  def wait_any(self, timeout: float | None = None) -> Outcome:
    outcome = super().wait_any(timeout)
    if self._killed:
      return outcome
    self._killed = True
    return Outcome(key=outcome.key, kind="killed", reason="its process was ended by SIGKILL")


def train(
  directory: pathlib.Path, trainings: Trainings, executor: Inline | None = None, **changes
) -> list[generation.Job]:
  run = RunDirectory(str(directory))
  with (
    run.opened({}, {}),
    Console(terminal=False) as console,
    executor or Inline(threads=1) as executor,
  ):
    return generation.train(run, plan(**changes), trainings, executor, console)


def contents(directory: pathlib.Path, name: str) -> dict[str, dict]:
  """The files of that name, by candidate folder."""
  return {
    path.parent.name: json.loads(path.read_text())
    for path in sorted(directory.glob(f"candidates/*/{name}"))
  }


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> pathlib.Path:
  directory = tmp_path_factory.mktemp("finished")
  assert train(directory, Trainings()) == []
  return directory


@pytest.fixture(scope="module")
def candidates(finished) -> list[dict]:
  return list(contents(finished, "candidate.json").values())


@pytest.fixture
def few_draws(monkeypatch):
  monkeypatch.setattr(feasibility, "MAX_ATTEMPTS", 5)


def test_a_block_is_a_parent_its_retrainings_and_a_child_of_every_arm_in_turn():
  block = ["parent", "retraining", *ARMS, *ARMS]
  assert [job.role for job in plan().jobs()] == [*block, *block]


def test_numbers_have_no_gaps():
  assert [job.number for job in plan().jobs()] == list(range(24))


def test_the_children_of_one_index_are_paired():
  pairs = collections.Counter((job.parent, job.pair) for job in plan().jobs() if job.is_child)
  assert pairs == {(0, 6): 5, (0, 11): 5, (12, 18): 5, (12, 23): 5}


def test_more_parents_leave_the_numbers_as_they_were():
  assert list(plan(parents=3).jobs())[:24] == list(plan().jobs())


def test_the_children_of_a_pair_are_trained_from_one_seed(candidates):
  assert len({candidate["seed"] for candidate in candidates[2:7]}) == 1


def test_parents_retrainings_and_pairs_are_trained_from_different_seeds(candidates):
  assert len({candidate["seed"] for candidate in candidates}) == 8


def test_a_retraining_has_its_parents_architecture(candidates):
  assert candidates[13]["architecture"] == candidates[12]["architecture"]


def test_parents_differ(candidates):
  assert candidates[0]["architecture"] != candidates[12]["architecture"]


def test_a_pair_draws_its_new_connections_alike(candidates):
  """By the same random numbers: where more is to be made up for, there are others beside them."""
  weakest, strongest = (candidates[number]["story"] for number in (4, 5))
  assert weakest["pruned"] != strongest["pruned"]
  fewer, more = sorted((weakest, strongest), key=lambda story: len(story["added"]))
  assert fewer["added"] and all(connection in more["added"] for connection in fewer["added"])


def test_every_arm_has_its_guidance(candidates):
  assert [candidate["story"]["guidance"] for candidate in candidates[2:7]] == [
    "connection_weights",
    "connection_weights",
    "sensitivity",
    "sensitivity",
    "random",
  ]


@pytest.mark.parametrize("number, drops", [(4, min), (5, max)])
def test_sensitivity_of_the_parent_decides_what_goes(finished, candidates, number, drops):
  measured = {
    (entry["source"], entry["target"]): entry["value"]
    for entry in contents(finished, "result.json")["000000"]["sensitivities"]
  }
  inputs = collections.Counter(target for _, target in measured)
  prunable = [ends for ends in measured if inputs[ends[1]] > 1]
  first = drops(prunable, key=measured.__getitem__)
  pruned = [(ends["source"], ends["target"]) for ends in candidates[number]["story"]["pruned"]]
  assert first in pruned


def test_edges_only_keeps_the_blocks(candidates):
  blocks = candidates[0]["architecture"]["blocks"]
  assert all(child["architecture"]["blocks"] == blocks for child in candidates[2:12])


def test_operators_change_blocks(tmp_path):
  train(tmp_path, Trainings(), parents=1, children=4, max_operators=4)
  children = [
    candidate
    for candidate in contents(tmp_path, "candidate.json").values()
    if candidate["role"] in ARMS
  ]
  assert any(child["story"]["operators"] for child in children)


def test_equal_plans_give_equal_files(finished, tmp_path):
  train(tmp_path, Trainings())
  for name in ("candidate.json", "result.json"):
    assert contents(tmp_path, name) == contents(finished, name)


def test_weights_are_dropped_once_a_training_is_done(finished):
  assert list(finished.glob("**/ckpt-*")) == []


def test_what_is_finished_is_not_trained_again(finished):
  trainings = Trainings()
  train(finished, trainings)
  assert trainings.begun == []


@pytest.mark.parametrize("stop_in", [0, 1, 9, 23])
def test_a_killed_run_goes_on_with_the_training_in_flight(finished, tmp_path, stop_in):
  before, after = Trainings(stop_in=stop_in), Trainings()
  with pytest.raises(KeyboardInterrupt):
    train(tmp_path, before)
  assert (tmp_path / f"candidates/{stop_in:06d}/training/ckpt-1.index").read_text() == "begun\n"
  train(tmp_path, after)
  assert before.begun == list(range(stop_in + 1))
  assert after.begun == list(range(stop_in, 24))
  assert contents(tmp_path, "result.json") == contents(finished, "result.json")


def test_parents_may_be_added(finished, tmp_path):
  first, more = Trainings(), Trainings()
  train(tmp_path, first, parents=1)
  train(tmp_path, more)
  assert (first.begun, more.begun) == (list(range(12)), list(range(12, 24)))
  assert contents(tmp_path, "result.json") == contents(finished, "result.json")


def test_an_infeasible_parent_has_no_children_and_is_retrained(tmp_path):
  trainings = Trainings(infeasible=0)
  train(tmp_path, trainings)
  assert trainings.begun == [0, 1, *range(12, 24)]


def test_it_says_why_children_are_left_out(tmp_path, capsys):
  train(tmp_path, Trainings(infeasible=0))
  assert (
    "candidate 000002 (weights_0.5 of 000000): left out, its parent 000000 is not feasible"
    in capsys.readouterr().out
  )


def test_a_child_that_the_space_does_not_admit_is_left_out_and_told(tmp_path, few_draws):
  with pytest.raises(KeyboardInterrupt):
    train(tmp_path, Trainings(stop_in=1), parents=1, children=1)
  tight = dataclasses.replace(space_lib.load_space("small"), max_params=1)
  trainings = Trainings()
  impossible = train(tmp_path, trainings, parents=1, children=1, space=tight)
  assert [job.role for job in impossible] == ARMS
  assert trainings.begun == [1]


def test_a_space_without_parents_stops_at_once(tmp_path, few_draws):
  none = dataclasses.replace(space_lib.load_space("small"), max_params=1)
  with pytest.raises(
    judge.SearchStopped, match="no parent can be drawn from --search_space: none of 5 draws fits"
  ):
    train(tmp_path, Trainings(), space=none)


def test_a_training_that_was_killed_is_tried_again(finished, tmp_path):
  trainings = Trainings()
  train(tmp_path, trainings, executor=FirstIsKilled(threads=1))
  assert trainings.begun == [0, *range(24)]
  assert contents(tmp_path, "result.json") == contents(finished, "result.json")
  assert contents(tmp_path, "timing.json")["000000"]["kills"] == 1


def test_the_same_fault_three_times_stops(tmp_path):
  def broken(candidate, directory):
    raise ValueError("no such thing")

  with pytest.raises(judge.SearchStopped, match="000000, 000001, 000012 failed alike"):
    train(tmp_path, broken)

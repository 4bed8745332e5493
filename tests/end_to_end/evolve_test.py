"""The search on real clips, whole, and killed three times: the same files come out.

Two runs of one command in two folders. The first is left alone; the second is killed, driver and
workers at once, at three random moments, and started again. The moments are random, except
that there are always a checkpoint and a finished candidate to resume from.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import evolve_runs
import numpy as np
import pytest

from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Connection

# Three trainings' worth of time, where a test has ten minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

_FLAGS = [
  "--search_space=small",
  "--population_size=4",
  "--tournament_size=2",
  "--rounds=4",
  "--candidate_steps=40",
  "--final_steps=100",
  "--workers=1",
  "--seed=1",
]
_KILLS = 3


def _interrupted(run: pathlib.Path) -> dict[str, int]:
  """The step of the newest whole checkpoint of every candidate in flight that has one."""
  steps = {
    name: evolve_runs.newest_checkpoint(evolve_runs.candidate(run, name))
    for name in evolve_runs.in_flight(run)
  }
  return {name: step for name, step in steps.items() if step}


def _worth_killing(kill: int, run: pathlib.Path) -> bool:
  """The first kill comes whenever it comes; later ones find a checkpoint, the last a result too."""
  return kill == 0 or (bool(_interrupted(run)) and (kill == 1 or bool(evolve_runs.results(run))))


@pytest.fixture(scope="module")
def runs(sample_dataset, tmp_path_factory):
  """The folder of the run left alone, that of the killed one, and what was there at each kill."""
  folder = tmp_path_factory.mktemp("runs")
  whole, killed = folder / "whole", folder / "killed"
  start = time.monotonic()
  _finish(sample_dataset, whole)
  length = time.monotonic() - start
  draw, kills = random.Random(4), []
  for kill in range(_KILLS):
    process = evolve_runs.start(sample_dataset, killed, _FLAGS)
    moment = time.monotonic() + draw.uniform(0.1, 0.25) * length
    while time.monotonic() < moment or not _worth_killing(kill, killed):
      assert process.poll() is None, evolve_runs.said(killed)
      time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kills.append((evolve_runs.results(killed), _interrupted(killed)))
  _finish(sample_dataset, killed)
  return whole, killed, kills


def _finish(data: str, run: pathlib.Path) -> None:
  status = evolve_runs.start(data, run, _FLAGS).wait(evolve_runs.LONGEST)
  assert status == 0, evolve_runs.said(run)


def _read(run: pathlib.Path, name: str) -> list[dict]:
  return [json.loads(path.read_text()) for path in sorted(run.glob(f"candidates/*/{name}"))]


def test_leaves_eight_candidates_with_results(runs):
  results = _read(runs[0], "result.json")
  assert [result["status"] for result in results] == ["ok"] * 8


@pytest.mark.parametrize(
  "pattern", ["candidates/*/candidate.json", "candidates/*/result.json", "final/result.json"]
)
def test_the_killed_run_is_the_other_to_the_bit(runs, pattern):
  whole, killed, _ = runs
  contents = [
    {str(path.relative_to(run)): path.read_bytes() for path in run.glob(pattern)}
    for run in (whole, killed)
  ]
  assert contents[0] and contents[0] == contents[1]


def test_no_finished_candidate_was_trained_again(runs):
  _, killed, kills = runs
  last = evolve_runs.results(killed)
  assert kills[-1][0]  # something had finished when it was killed
  for finished, _ in kills:
    assert {name: last[name] for name in finished} == finished


def test_interrupted_candidates_went_on_from_their_newest_checkpoint(runs):
  _, killed, kills = runs
  interrupted = [at for _, steps in kills for at in steps.items()]
  assert interrupted
  for name, step in interrupted:
    assert step in evolve_runs.starts(evolve_runs.candidate(killed, name))


def test_every_connection_has_a_weight_at_start_and_end(runs):
  for candidate, result in zip(_read(runs[0], "candidate.json"), _read(runs[0], "result.json")):
    architecture = serialization.from_json(candidate["architecture"])
    weights = {
      Connection(c["source"], c["target"]): (c["start"], c["end"])
      for c in result["connection_weights"]
    }
    assert tuple(sorted(weights)) == architecture.connections
    assert all(abs(start - 0.5) < 0.05 for start, _ in weights.values())


def test_training_moved_the_weights_of_blocks_with_several_inputs(runs):
  for candidate, result in zip(_read(runs[0], "candidate.json"), _read(runs[0], "result.json")):
    architecture = serialization.from_json(candidate["architecture"])
    moved = [
      abs(c["end"] - c["start"])
      for c in result["connection_weights"]
      if len(architecture.inputs(c["target"])) > 1
    ]
    assert np.median(moved) > 0.02


def test_a_child_s_connections_follow_from_its_parent_s_files(runs):
  candidates, results = _read(runs[0], "candidate.json"), _read(runs[0], "result.json")
  children = [candidate for candidate in candidates if candidate["parent"] is not None]
  assert len(children) == 4
  for candidate in children:
    parent = serialization.from_json(candidates[candidate["parent"]]["architecture"])
    weights = {
      Connection(c["source"], c["target"]): c["end"]
      for c in results[candidate["parent"]]["connection_weights"]
    }
    child = candidate["child"]
    listed = {
      part: {Connection(c["source"], c["target"]) for c in child[part]}
      for part in ("kept", "pruned", "added", "repairs")
    }

    kept = {c for c in parent.connections if weights[c] > 0.5 or len(parent.inputs(c.target)) == 1}
    assert listed["kept"] == kept
    assert listed["pruned"] == set(parent.connections) - kept
    assert listed["added"] <= set(parent.possible_connections()) - set(parent.connections)

    there = set(kept)  # Repairs are settled before anything is added.
    for repair in child["repairs"]:
      connection = Connection(repair["source"], repair["target"])
      assert connection in listed["pruned"]
      there_before, there = there, there | {connection}
      if repair["lacked"] == "depth":
        continue
      end = (lambda c: c.target) if repair["lacked"] == "input" else (lambda c: c.source)
      assert not [c for c in there_before if end(c) == repair["block"]]
      rivals = [c for c in listed["pruned"] if end(c) == repair["block"]]
      assert connection == max(rivals, key=weights.__getitem__)

    architecture = Architecture(parent.blocks, tuple(there | listed["added"]))
    for operator in child["operators"]:
      architecture = operators.apply(operators.Operator.from_json(operator), architecture)
    assert architecture == serialization.from_json(candidate["architecture"])


def test_the_winner_is_the_best_and_was_tested_on_clips_never_seen(runs):
  results = _read(runs[0], "result.json")
  final = json.loads((runs[0] / "final" / "final.json").read_text())
  best = max(result["fitness"] for result in results)
  assert results[final["candidate"]]["fitness"] == best
  metrics = json.loads((runs[0] / "final" / "result.json").read_text())["metrics"]
  assert set(metrics) == {"validation", "test"}


def test_the_savedmodel_answers_about_clips_in_a_fresh_process(runs, sample_dataset):
  done = subprocess.run(
    [
      sys.executable,
      "-m",
      "tools.show_predictions",
      f"--saved_model={runs[0]}/export/1",
      f"--data_dir={sample_dataset}",
    ],
    cwd=evolve_runs.ROOT,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  answers = [json.loads(line) for line in done.stdout.splitlines()]
  assert len({answer["clip"] for answer in answers}) == 2
  for answer in answers:
    scores = list(answer["predictions"].values())
    assert answer["split"] == "test" and len(scores) == 3
    assert scores == sorted(scores, reverse=True) and 0 < sum(scores) <= 1.001

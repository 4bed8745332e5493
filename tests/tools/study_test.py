"""The study: what it reads of runs, what it compares, and what its commands refuse."""

import json
import subprocess
import sys

import numpy as np
import pytest

from data_prep.common import cli
from tools.study import curves
from tools.study import plan
from tools.study import summary

STUDIES = tuple(
  f"tools/study/{name}.json" for name in ("avletters", "sample_videos", "ut_interaction")
)


def candidate(number, fitness, *, status="ok", seconds=60.0, loss=1.0):
  return {
    "number": number,
    "order": number,
    "status": status,
    "fitness": fitness,
    "loss": loss,
    "processor_seconds": seconds,
  }


def search(*fitness, seconds=60.0):
  return {"candidates": [candidate(i, f, seconds=seconds) for i, f in enumerate(fitness)]}


def test_the_best_so_far_never_falls_and_ignores_what_cannot_be_trained():
  run = search(0.2, 0.1, 0.4)
  run["candidates"].insert(1, candidate(9, None, status="infeasible"))
  assert curves.best_so_far(run) == [0.2, 0.2, 0.2, 0.4]
  assert curves.minutes(run) == [1, 2, 3, 4]


def test_shares_count_trainings_until_the_baseline_s_best():
  baseline = {0: search(0.1, 0.3, 0.2, 0.5), 1: search(0.2, 0.2, 0.2, 0.2), 2: search(0.9)}
  ours = {0: search(0.1, 0.5, 0.1, 0.1), 1: search(0.1, 0.1, 0.1, 0.1)}
  assert curves.shares(ours, baseline) == [0.5, 1.0]


def test_over_minutes_every_search_counts_at_every_time():
  grid, values = curves.over_minutes([search(0.2, 0.6), search(0.4, 0.4, 0.9, seconds=120.0)])
  assert (grid[0], grid[-1]) == (0, 2)
  np.testing.assert_allclose(values[:, 0], 0)  # Nothing has finished yet.
  np.testing.assert_allclose(values[:, -1], [0.6, 0.4])


def test_the_time_of_a_search_has_trainings_that_stopped_at_a_rung(tmp_path):
  for path, seconds in {
    "000000/timing.json": 30,
    "000000/rung_0_timing.json": 10,
    "000001/rung_0_timing.json": 20,
  }.items():
    file = tmp_path / "candidates" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"processor_seconds": seconds}))
  run = search(0.5, seconds=30.0)
  assert curves.total_minutes(run) == 0.5  # As summaries were that had no such field.
  run["processor_seconds"] = summary.processor_seconds(str(tmp_path))
  assert curves.total_minutes(run) == 1


def test_the_best_hand_made_network_is_chosen_by_validation_alone():
  def run(validation, test):
    return {0: {"final": {"validation": {"accuracy": validation}, "test": {"accuracy": test}}}}

  assert curves.best_by_validation({"a": run(0.5, 0.9), "b": run(0.6, 0.1)}) == "b"
  assert curves.best_by_validation({}) is None


def test_a_summary_keeps_the_runs_of_other_machines(tmp_path):
  path = str(tmp_path / "summary.jsonl")
  line = {"kind": "search", "arm": "a", "seed": 1, "candidates": []}
  summary.write([line, {**line, "seed": 0}], path)
  summary.write([{**line, "candidates": [1]}, {**line, "arm": "b"}], path)
  lines = summary.read(path)
  assert [(one["arm"], one["seed"], one["candidates"]) for one in lines] == [
    ("a", 0, []),
    ("a", 1, [1]),
    ("b", 1, []),
  ]


@pytest.mark.parametrize("text", ["{", '{"kind": "search"}\n', "[1]\n"])
def test_a_damaged_summary_is_told_in_one_line(tmp_path, text):
  path = tmp_path / "summary.jsonl"
  path.write_text(text)
  with pytest.raises(cli.UserError, match="is no summary of a study"):
    summary.read(str(path))


@pytest.mark.parametrize("path", STUDIES)
def test_the_studies_that_are_there_can_be_read(path):
  study = plan.load(path)
  assert "random_search" in study.arms
  assert f"--rounds={study.candidates - study.population_size}" in study.evolve_flags


def test_what_is_no_study_is_told_in_one_line(tmp_path):
  path = tmp_path / "study.json"
  path.write_text(json.dumps({"name": "x", "arms": {}}))
  with pytest.raises(cli.UserError, match="is no study"):
    plan.load(str(path))


def test_an_unknown_arm_is_told_with_those_there_are():
  with pytest.raises(cli.UserError, match="--arms=c is unknown; there are a, b"):
    plan.chosen("arms", ["a", "c"], ["a", "b"])
  assert plan.chosen("arms", [], ["a", "b"]) == ["a", "b"]


def test_the_report_prints_tables_and_draws_the_same_picture_twice(tmp_path):
  final = {"params": 7, "validation": {"accuracy": 0.5}, "test": {"accuracy": 0.4}}
  lines = [
    {"kind": "search", "arm": arm, "seed": seed, **search(0.1, best), "final": final}
    for arm, best in (("random_search", 0.3), ("connection_weights", 0.4))
    for seed in (0, 1)
  ] + [{"kind": "hand_made", "arm": "late-fusion", "seed": 0, "final": final}]
  path = tmp_path / "summary.jsonl"
  summary.write(lines, str(path))
  pictures = [tmp_path / "one.svg", tmp_path / "two.svg"]
  for picture in pictures:
    command = [sys.executable, "-m", "tools.study.report", f"--study={STUDIES[0]}"]
    told = subprocess.run(
      [*command, f"--summary={path}", f"--plot={picture}"],
      check=True,
      capture_output=True,
      text=True,
    ).stdout
  assert "| connection_weights - random_search | 2 | +0.000 [+0.000, +0.000] |" in told
  assert "| late-fusion | 1 | 0.500 | 0.400 | - | 7 |" in told
  assert pictures[0].read_bytes() == pictures[1].read_bytes()

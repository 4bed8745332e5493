"""The comparison of simulated clusters, small."""

import pathlib
import subprocess
import sys

import pytest

from tests.tools import loaded_mains

search_scenarios = loaded_mains.load("tools.benchmarks.search_scenarios")

ROOT = pathlib.Path(__file__).parents[2]


def scenarios(*arguments):
  return subprocess.run(
    [
      sys.executable,
      "-m",
      "tools.benchmarks.search_scenarios",
      "--workers=5",
      "--candidates=30",
      *arguments,
    ],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=120,
  )


def test_a_row_is_printed_for_every_scenario_asked_for(tmp_path):
  ended = scenarios("--only=ideal,rungs", f"--scratch_dir={tmp_path}")
  rows = [line.strip("| ").split(" | ") for line in ended.stdout.splitlines()]
  assert [row[0] for row in rows[2:]] == ["ideal", "rungs"]
  assert rows[2][1:3] == ["100.0%", "100.0%"]
  assert list(tmp_path.iterdir()) == []


def test_an_unknown_scenario_is_told_in_one_line():
  ended = scenarios("--only=earthquake")
  assert ended.returncode == 2
  assert "--only=earthquake is no scenario; they are ideal; usual;" in ended.stderr


@pytest.mark.parametrize("name", search_scenarios.SCENARIOS)
def test_every_scenario_is_a_search(name):
  search = search_scenarios.scenario(name, directory="run", workers=5, candidates=30, seed=3)
  assert search.settings.candidates == 30
  assert search.conditions.seed == 3

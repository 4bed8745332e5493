"""The driver's benchmark, small: it runs to its end and prints what its docstring promises."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> pathlib.Path:
  return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def printed(scratch) -> str:
  """The output of a run of 60 candidates on 4 workers."""
  ended = subprocess.run(
    [
      sys.executable,
      "-m",
      "tools.benchmarks.search_scale",
      "--workers=4",
      "--candidates=60",
      f"--scratch_dir={scratch}",
    ],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=120,
  )
  assert ended.returncode == 0, ended.stderr
  return ended.stdout


def test_every_figure_is_printed(printed):
  assert [line.split()[0] for line in printed.splitlines()] == [
    "60",
    "busy",
    "cycle",
    "cycle",
    "pace",
    "lost",
    "lineage",
    "files",
    "memory",
    "resume",
    "disk",
  ]


def test_the_drain_lowers_the_share_of_busy_time(printed):
  supplied, whole = map(float, re.findall(r"([\d.]+)%", printed.splitlines()[1]))
  assert 0 < whole < supplied <= 100


def test_the_scratch_folder_is_left_empty(printed, scratch):
  assert list(scratch.iterdir()) == []

"""The command line of official.status."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


def call(*flags):
  return subprocess.run(
    [sys.executable, "-m", "official.status", *flags],
    cwd=ROOT,
    text=True,
    capture_output=True,
    timeout=120,
    check=False,
  )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  """A run of fake trainings, through."""
  directory = tmp_path_factory.mktemp("status") / "run"
  directory.mkdir()
  program = ROOT / "tests" / "search" / "fake_search.py"
  subprocess.run(
    [sys.executable, program, str(directory), "1"],
    check=True,
    env={**os.environ, "PYTHONPATH": str(ROOT)},
    stdout=subprocess.DEVNULL,
  )
  return directory


def test_says_how_a_search_stands(run):
  process = call(f"--model_dir={run}")
  assert process.returncode == 0, process.stderr
  assert process.stdout.startswith(f"{run}: finished\n8 of 8 candidates finished (8 ok)\n")


def test_watching_ends_with_the_run(run):
  process = call(f"--model_dir={run}", "--watch")
  assert process.returncode == 0, process.stderr
  assert process.stdout.startswith(f"{run}: finished\n")
  assert process.stdout.rstrip().endswith(", the last look")


def test_json_is_one_object(run):
  found = json.loads(call(f"--model_dir={run}", "--json").stdout)
  assert (found["condition"], found["finished"], found["in_flight"]) == ("finished", 8, [])


def test_the_names_in_json_are_the_same_before_and_after(run, tmp_path):
  """Those of a search that has just begun are those of one that is through."""
  recorded = json.loads((run / "search.json").read_text())
  (tmp_path / "search.json").write_text(json.dumps(recorded))
  before, after = (
    json.loads(call(f"--model_dir={path}", "--json").stdout) for path in (tmp_path, run)
  )
  assert before.keys() == after.keys()
  assert (before["finished"], after["finished"]) == (0, 8)


def test_tensorflow_is_not_imported(run):
  program = (
    "import sys; from official.search import overview; overview.read(sys.argv[1]); "
    "sys.exit('tensorflow' in sys.modules)"
  )
  subprocess.run([sys.executable, "-c", program, run], cwd=ROOT, check=True)


@pytest.mark.parametrize(
  "flags, message",
  [
    ([], "error: --model_dir is missing (Folder of the search, as given to official.evolve.)"),
    (["--watch=x"], "error: flag --watch=x: x is no number of seconds from 0.1 to 86400"),
    (["--model_dir=/nowhere", "--watch=9", "--json"], "error: --watch and --json exclude"),
    (["--model_dir=/nowhere"], "error: --model_dir=/nowhere has no search.json, "),
  ],
)
def test_what_cannot_be_read_is_refused_in_one_line(flags, message):
  process = call(*flags)
  assert (process.returncode, process.stdout) == (2, "")
  [line] = process.stderr.splitlines()
  assert line.startswith(message)

"""A dry run on real clips: it tells what a search would take, and begins none."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dry_run(sample_dataset, tmp_path_factory):
  """The folder of the run that was not begun, and what was printed."""
  run = tmp_path_factory.mktemp("dry") / "run"
  process = subprocess.run(
    [
      sys.executable,
      "-m",
      "official.evolve",
      f"--data_dir={sample_dataset}",
      f"--model_dir={run}",
      "--dry_run",
      "--population_size=2",
      "--tournament_size=1",
      "--rounds=6",
      "--candidate_steps=20",
      "--batch_size=4",
    ],
    cwd=ROOT,
    text=True,
    capture_output=True,
    timeout=300,
    check=False,
  )
  assert process.returncode == 0, process.stderr
  return run, process.stdout


@pytest.mark.slow
def test_leaves_the_run_directory_alone(dry_run):
  run, _ = dry_run
  assert not run.exists()


@pytest.mark.slow
def test_tells_what_candidates_and_the_search_would_take(dry_run):
  _, text = dry_run
  header = next(line for line in text.splitlines() if line.split()[:2] == ["candidate", "blocks"])
  assert header.split()[-3:] == ["batch", "that", "fits"]
  assert "the search: about" in text and "(8 candidates, 1 at a time)" in text

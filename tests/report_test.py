"""The command line of official.report."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


def call(*flags):
  return subprocess.run(
    [sys.executable, "-m", "official.report", *flags],
    cwd=ROOT,
    text=True,
    capture_output=True,
    timeout=120,
    check=False,
  )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  """A run that has just begun."""
  directory = tmp_path_factory.mktemp("report") / "run"
  directory.mkdir()
  (directory / "search.json").write_text('{"format_version": 1, "identity": {}, "operation": {}}')
  return directory


def test_the_page_is_named_and_lies_in_the_run(run):
  process = call(f"--model_dir={run}")
  assert process.returncode == 0, process.stderr
  assert process.stdout == f"wrote {run}/report.html; open it in a browser\n"
  assert "No candidate has finished yet" in (run / "report.html").read_text()


@pytest.mark.parametrize(
  "flags, message",
  [
    ([], "error: --model_dir is missing (Folder of the run, as given to official.evolve "),
    (["--model_dir=/nowhere"], "error: --model_dir=/nowhere has no search.json and no train.json"),
    (["--output=/nowhere/a.html"], "error: --output=/nowhere/a.html cannot be written: "),
    (["--pictures=/dev/null"], "error: --pictures=/dev/null cannot be written: "),
  ],
)
def test_what_cannot_be_done_is_refused_in_one_line(run, flags, message, tmp_path):
  written = [f"--output={tmp_path}/page.html"] if "--pictures=/dev/null" in flags else []
  process = call(*([f"--model_dir={run}", *written, *flags] if flags else []))
  assert (process.returncode, process.stdout) == (2, "")
  [line] = process.stderr.splitlines()
  assert line.startswith(message)

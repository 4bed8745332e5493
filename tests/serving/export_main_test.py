"""What official.export says of a wrong command line."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def _export(*arguments: str) -> subprocess.CompletedProcess:
  command = [sys.executable, "-m", "official.export", *arguments]
  return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_training_of_official_train_is_told_from_a_search(tmp_path):
  (tmp_path / "train.json").write_text("{}")
  done = _export(f"--model_dir={tmp_path}", "--output_dir=/nowhere/e")
  assert done.returncode == 2
  assert f"leaves its SavedModel in {tmp_path}/export" in done.stderr


@pytest.mark.parametrize("arguments, words", [
  ([], "--model_dir is missing"),
  (["--model_dir=/nowhere", "--output_dir=/nowhere/e"], "/nowhere is no run"),
  (["--model_dir=/nowhere", "--output_dir=/nowhere/e", "--candidate=1", "--ensemble=2"],
   "--candidate=1 and --ensemble=2 exclude each other"),
  (["--verify", "--saved_model=/nowhere/1"], "/nowhere/1 holds no saved_model.pb"),
  (["--verify", "--saved_model=/nowhere/[1]"], "--saved_model=/nowhere/[1]: TensorFlow takes [ "),
])
def test_says_what_is_wrong(arguments, words):
  done = _export(*arguments)
  assert done.returncode == 2
  assert words in done.stderr and len(done.stderr.splitlines()) == 1

"""official.export refuses wrong command lines, and reads its settings from a run."""

import json
import pathlib
import subprocess
import sys

import pytest

from data_prep.dataset import metadata

ROOT = pathlib.Path(__file__).parents[2]
# Arguments: the content of search.json, the folder of the run.
PRINT_TRAINING = """
import json, sys
from official.programs import network_export
from official.runs.records import RunFlags
from official.training import config
flags = RunFlags(**json.loads(sys.argv[1]))
setup = network_export.restored(flags, sys.argv[2], None, to_the_end=True)
print(json.dumps(config.by_name(setup)))
"""


def _export(*arguments: str) -> subprocess.CompletedProcess:
  command = [sys.executable, "-m", "official.export", *arguments]
  return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_a_training_of_official_train_is_told_from_a_search(tmp_path):
  (tmp_path / "train.json").write_text("{}")
  done = _export(f"--model_dir={tmp_path}", "--output_dir=/nowhere/e")
  assert done.returncode == 2
  assert f"leaves its SavedModel in {tmp_path}/export" in done.stderr


@pytest.mark.parametrize(
  "arguments, words",
  [
    ([], "--model_dir is missing"),
    (["--model_dir=/nowhere", "--output_dir=/nowhere/e"], "/nowhere is no run"),
    (
      ["--model_dir=/nowhere", "--output_dir=/nowhere/e", "--candidate=1", "--ensemble=2"],
      "--candidate=1 and --ensemble=2 exclude each other",
    ),
    (["--verify", "--saved_model=/nowhere/1"], "/nowhere/1 holds no saved_model.pb"),
    (["--verify", "--saved_model=/nowhere/[1]"], "--saved_model=/nowhere/[1]: TensorFlow takes [ "),
  ],
)
def test_says_what_is_wrong(arguments, words):
  done = _export(*arguments)
  assert done.returncode == 2
  assert words in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_whole_recipe_is_the_one_that_the_run_recorded(info, tmp_path):
  metadata.save(info, str(tmp_path))
  recipe = {
    "batch_size": 3,
    "optimizer": "adamw",
    "learning_rate": 0.3,
    "weight_decay": 0.2,
    "label_smoothing": 0.1,
    "horizontal_flip": False,
    "min_crop_area": 0.5,
    "brightness": 0.25,
    "warmup_fraction": 0.15,
    "gradient_clip_norm": 2.0,
    "class_weights": "balanced",
    "ema_decay": 0.9,
    "precision": "bfloat16",
    "pooling": "max",
    "gradient_checkpointing": True,
  }
  flags = {
    **recipe,
    "connection_learning_rate_multiplier": 5.0,
    "num_frames": 4,
    "image_size": 16,
    "data_dir": info.fingerprint,
    "candidate_steps": 7,
  }
  run = {"identity": flags, "operation": {"data_dir": str(tmp_path), "final_steps": 9}}
  done = subprocess.run(
    [sys.executable, "-c", PRINT_TRAINING, json.dumps(run), str(tmp_path)],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
  )
  told = json.loads(done.stdout)
  others = {"init_checkpoint": "", "freeze_backbone": False, "connection_weights": ""}
  assert {name: told[name] for name in {*recipe, *others}} == recipe | others
  assert (told["train_steps"], told["connection_learning_rate_multiplier"]) == (9, 5.0)


def test_a_search_whose_networks_computed_something_else_is_refused(tmp_path):
  run = {"format_version": 1, "identity": {"seed": 0}, "operation": {}}
  (tmp_path / "search.json").write_text(json.dumps(run))
  done = _export(f"--model_dir={tmp_path}", "--output_dir=/nowhere/e")
  assert done.returncode == 2
  [line] = done.stderr.splitlines()
  assert line.startswith(f"error: {tmp_path} has weights of network version 1, and this program ")
  assert line.endswith("search again, from its architectures with --start_from if need be")

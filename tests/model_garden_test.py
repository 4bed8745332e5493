"""Model Garden's training program with our registrations, each time in a process of its own."""

import json
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

from official import network
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

ROOT = str(pathlib.Path(__file__).resolve().parents[1])

_TRAINER = {
  "train_steps": 4,
  "steps_per_loop": 2,
  "checkpoint_interval": 2,
  "summary_interval": 2,
  "validation_interval": 4,
  "optimizer_config": {
    "learning_rate": {"cosine": {"initial_learning_rate": 0.05, "decay_steps": 4}},
    "warmup": {"linear": {"warmup_steps": 1}},
  },
}


def _architecture(folder, *streams) -> str:
  stems = [
    Block(id=f"{name}_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=(name,))
    for name in streams
  ]
  blocks = [
    Block(id=f"level1_{index}", level=1, kind="basic_2plus1d", channels=8) for index in range(2)
  ]
  connections = [Connection(stem.id, block.id) for stem in stems for block in blocks]
  path = folder / "architecture.json"
  path.write_text(
    json.dumps(serialization.to_json(Architecture((*stems, *blocks), tuple(connections))))
  )
  return str(path)


def _streams(data: str, folder) -> dict:
  common = {
    "data_dir": data,
    "cache_dir": str(folder / "cache"),
    "global_batch_size": 4,
    "num_frames": 4,
    "image_size": 16,
  }
  return {
    "model": {"architecture": _architecture(folder, "rgb", "flow")},
    "train_data": common,
    "validation_data": common,
  }


def _rgb(data: str, folder) -> dict:
  def split(name: str) -> dict:
    return {
      "input_path": f"{data}/{name}-*.tfrecord",
      "num_classes": 6,
      "feature_shape": [4, 16, 16, 3],
      "min_image_size": 18,
      "global_batch_size": 4,
    }

  evolved = {"architecture": _architecture(folder, "rgb")}
  return {
    "model": {"backbone": {"type": "evolved", "evolved": evolved}},
    "train_data": split("train"),
    "validation_data": split("validation"),
  }


def call(*flags):
  return subprocess.run(
    [sys.executable, "-m", "official.model_garden", *flags],
    cwd=ROOT,
    text=True,
    capture_output=True,
    timeout=300,
    check=False,
  )


@pytest.mark.slow
@pytest.mark.parametrize("experiment, task", [("evolved_streams", _streams), ("evolved_rgb", _rgb)])
def test_an_architecture_is_an_experiment_and_a_yaml_away(
  sample_dataset, tmp_path, experiment, task
):
  config = tmp_path / "config.yaml"  # JSON is YAML.
  config.write_text(json.dumps({"task": task(sample_dataset, tmp_path), "trainer": _TRAINER}))
  run = tmp_path / "run"
  process = call(
    f"--experiment={experiment}",
    "--mode=train_and_eval",
    f"--model_dir={run}",
    f"--config_file={config}",
  )
  assert process.returncode == 0, process.stderr[-3000:]
  assert (run / "ckpt-4.index").exists()
  assert list((run / "validation").iterdir())
  network.check_version(str(run / "ckpt-4"), "the run", "train it again")


def test_a_run_of_networks_that_computed_something_else_is_refused(tmp_path):
  tf.train.Checkpoint(global_step=tf.Variable(2)).save(str(tmp_path / "ckpt"))
  process = call("--experiment=evolved_rgb", "--mode=eval", f"--model_dir={tmp_path}")
  assert process.returncode == 2
  assert process.stderr.splitlines()[-1].startswith(
    f"error: --model_dir={tmp_path} has weights of network version 1, and this program computes "
  )


@pytest.mark.parametrize("name", ["experiment", "mode", "model_dir"])
def test_what_model_garden_needs_is_asked_for(name):
  flags = {"experiment": "evolved_rgb", "mode": "train", "model_dir": "/nowhere"}
  process = call(*(f"--{flag}={value}" for flag, value in flags.items() if flag != name))
  assert (process.returncode, process.stdout) == (2, "")
  [line] = process.stderr.splitlines()
  assert line.startswith(f"error: --{name} is missing (")

"""The benchmark refuses wrong flags, and trains one real generation."""

import json
import pathlib
import subprocess
import sys

import pytest

from tools.benchmarks.generation import ARMS

ROOT = pathlib.Path(__file__).parents[2]
_LEVEL = {
  "kinds": ["basic_2plus1d"],
  "channels": [8],
  "min_channels": 8,
  "modules": 1,
  "spatial_strides": [1],
}
# Networks of four blocks, which are quick to trace.
SPACE = {
  "name": "tiny",
  "stems": [
    [
      {"kind": "stem_2plus1d", "streams": ["rgb"], "channels": 8, "spatial_stride": 2},
      {"kind": "stem_2d", "streams": ["flow"], "channels": 8, "spatial_stride": 2},
    ]
  ],
  "levels": [{**_LEVEL, "blocks": 1}, {**_LEVEL, "blocks": 1}],
  "temporal_dilations": [1],
  "connection_probability": 0.5,
  "initial_splits": [0, 0],
  "initial_merges": [0, 0],
  "max_operators": 0,
  "min_depth": 2,
}


def run(*arguments: str) -> subprocess.CompletedProcess:
  return subprocess.run(
    [sys.executable, "-m", "tools.benchmarks.one_generation", *arguments],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=500,
  )


def test_a_rate_of_zero_is_refused():
  ended = run("--data_dir=data", "--model_dir=run", "--learning_rate=0")
  assert (ended.returncode, ended.stderr) == (
    2,
    "error: --learning_rate=0.0 is out of range; give a number above 0\n",
  )


@pytest.mark.slow
def test_a_generation_is_trained_and_told_again_without_training(sample_dataset, tmp_path):
  space = tmp_path / "space.json"
  space.write_text(json.dumps(SPACE))
  arguments = [
    f"--search_space={space}",
    f"--data_dir={sample_dataset}",
    f"--model_dir={tmp_path}/run",
    "--parents=1",
    "--children=1",
    "--retrainings=0",
    "--candidate_steps=1",
    "--num_frames=2",
    "--image_size=16",
    "--batch_size=2",
    "--threads_per_candidate=1",
    "--workers=2",
    "--json",
  ]
  first, second = run(*arguments), run(*arguments)
  assert first.returncode == 0, first.stderr
  numbers = json.loads(first.stdout)
  assert [of["children"] for of in numbers["arms"].values()] == [1] * len(ARMS)
  assert second.stdout == first.stdout
  assert "started" not in second.stderr

  refused = run(*arguments, "--children=2")
  assert (refused.returncode, refused.stdout) == (2, "")
  assert "--children was 1 and is 2 now" in refused.stderr

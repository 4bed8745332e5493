"""The benchmark of a training step, small: it runs to its end and prints what it promises."""

import json
import pathlib
import subprocess
import sys

import pytest

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_every_figure_is_printed(tmp_path):
  architecture = Architecture(
    (
      Block(id="stem", level=0, kind="stem_2d", streams=("rgb",), channels=4, spatial_stride=2),
      Block(id="block", level=1, kind="basic_2plus1d", channels=4, spatial_stride=2),
    ),
    (Connection("stem", "block"),),
  )
  path = tmp_path / "small.json"
  path.write_text(json.dumps(serialization.to_json(architecture)))
  ended = subprocess.run(
    [
      sys.executable,
      "-m",
      "tools.benchmarks.train_step",
      f"--architecture={path}",
      "--size=16",
      "--batch_size=2",
      "--rounds=3",
    ],
    cwd=ROOT,
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert ended.returncode == 0, ended.stderr
  assert [line.split()[0] for line in ended.stdout.splitlines()] == [
    f"{path}:",
    "build",
    "peak",
    "step",
  ]

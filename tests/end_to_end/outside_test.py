"""A search with a guidance, a fitness and a block kind from a file outside the tree."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from official.architecture import space

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
_IDEAS = '''
from official import network
from official.architecture import guidance
from official.architecture.kinds import Convolution
from official.layers import blocks
from official.tasks import contract
from official.tasks import registry


@guidance.register("everything")
def everything(facts, settings, rng):
  return guidance.Selection(kept=facts.architecture.connections, scores=facts.weights)


registry.register_fitness("classification", contract.Fitness("calm", (contract.LOSS,)))


def _convolutions(block, input_channels):
  yield Convolution((1, 3, 3), input_channels, block.channels, block.spatial_stride)


@network.register_kind("plain", convolutions=_convolutions, has_temporal=lambda block: False)
class Plain(blocks.Block):
  """A 3x3 convolution."""

  def chain(self):
    return [self.over_space(self.channels, 3, strides=self.spatial_stride, name="space")]
'''


def _space() -> dict:
  """Returns the space `small` with blocks of the kind `plain`."""
  data = space.load_space("small").to_json()
  for level in data["levels"]:
    level["kinds"] = ["plain"]
  return {**data, "name": "plain"}


def _run(folder: pathlib.Path, *command: str) -> str:
  path = os.pathsep.join(map(str, (ROOT, folder)))
  done = subprocess.run(
    [sys.executable, "-m", *command],
    cwd=ROOT,
    env={**os.environ, "PYTHONPATH": path},
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr
  return done.stdout


@pytest.fixture(scope="module")
def run(sample_dataset, tmp_path_factory) -> pathlib.Path:
  folder = tmp_path_factory.mktemp("outside")
  (folder / "my_ideas.py").write_text(_IDEAS)
  (folder / "space.json").write_text(json.dumps(_space()))
  _run(
    folder,
    "official.evolve",
    f"--data_dir={sample_dataset}",
    f"--model_dir={folder}/run",
    f"--search_space={folder}/space.json",
    "--import=my_ideas",
    "--guidance=everything",
    "--fitness=calm",
    "--workers=2",
    "--population_size=2",
    "--tournament_size=1",
    "--rounds=2",
    "--candidate_steps=4",
    "--final_steps=4",
    "--batch_size=4",
    "--num_frames=4",
    "--image_size=32",
  )
  return folder / "run"


def test_a_child_is_guided_by_it(run):
  candidate = json.loads((run / "candidates/000003/candidate.json").read_text())
  assert candidate["child"]["guidance"] == "everything"
  assert not candidate["child"]["pruned"]


def test_candidates_are_compared_by_it(run):
  result = json.loads((run / "candidates/000000/result.json").read_text())
  assert result["fitness"] == -result["metrics"]["loss"]


def test_its_status_is_told_in_that_fitness(run):
  told = _run(run.parent, "official.status", f"--model_dir={run}", "--import=my_ideas")
  assert "\nbest: calm " in told


def test_a_candidate_of_that_kind_is_exported_later(run):
  _run(
    run.parent,
    "official.export",
    f"--model_dir={run}",
    f"--output_dir={run.parent}/exported",
    "--candidate=0",
    "--import=my_ideas",
  )
  assert (run.parent / "exported/1/saved_model.pb").exists()

"""Trainings for an answer per pixel: killed and resumed, on two replicas, in mixed precision."""

import dataclasses
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import config

pytestmark = pytest.mark.slow

_STEM = Block(id="rgb_0", level=0, kind="stem_fine", channels=4, spatial_stride=2, streams=("rgb",))
_BLOCK = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=4, spatial_stride=2)
_NETWORK = Architecture((_STEM, _BLOCK), (Connection("rgb_0", "level1_0"),))
_FLOW_STEM = dataclasses.replace(_STEM, id="flow_0", streams=("flow",))
_TWO_STREAMS = Architecture(
  (_STEM, _FLOW_STEM, _BLOCK), (*_NETWORK.connections, Connection("flow_0", "level1_0"))
)
# By case: the dataset, the network, and flags.
_CASES = {
  "restoration": (
    "unlabelled_dataset",
    _NETWORK,
    {"task": "restoration", "degrade": "bicubic:2+jpeg:30"},
  ),
  "restoration with flow": (
    "unlabelled_dataset",
    _TWO_STREAMS,
    {"task": "restoration", "degrade": "jpeg:10", "flow": "in_graph"},
  ),
  "segmentation": (
    "mask_dataset",
    _NETWORK,
    {"task": "segmentation", "class_weights": "balanced"},
  ),
}

# Trains 4 steps in each of several ways, each in a folder of its own. What is killed has a
# checkpoint of step 2.
_PROGRAM = """
import contextlib, io, os, pickle, sys

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from official.training import config
from official.training import experiment

class Killed(Exception):
  pass

def kill_after_2_steps(phase, step=0, *_, **__):
  if phase == "training" and step > 2:
    raise Killed

def train(name, report=lambda *_, **__: None, **changes):
  where = os.path.join(folder, name)
  trained = experiment.train(config.replace(settings, **changes), architecture, 3, where, report)
  block = trained.model.get_layer("block_level1_0")
  values = {each.name: (each.numpy(), each.trainable) for each in trained.model.variables}
  return trained.metrics["validation"], values, (block.compute_dtype, block.variables[0].dtype.name)

settings, architecture, folder = pickle.load(sys.stdin.buffer)
found = {}
with contextlib.redirect_stdout(io.StringIO()):
  found["whole"] = train("whole")
  with contextlib.suppress(Killed):
    train("killed", kill_after_2_steps)
  assert tf.train.latest_checkpoint(os.path.join(folder, "killed")).endswith("-2")
  found["resumed"] = train("killed")
  found["mirrored"] = train("mirrored", distribution_strategy="mirrored")
  found["float16"] = train("float16", precision="float16")
  found["none"] = train("none", train_steps=1, learning_rate=1e-9)
sys.stdout.buffer.write(pickle.dumps(found))
"""


@pytest.fixture(scope="module", params=_CASES)
def found(request, tmp_path_factory):
  """Metrics, values of the variables, and types of the layers, by the way of training."""
  dataset, architecture, changes = _CASES[request.param]
  folder = tmp_path_factory.mktemp("trainings")
  settings = config.of(
    data_dir=request.getfixturevalue(dataset),
    cache_dir=str(folder / "cache"),
    num_frames=4,
    image_size=16,
    checkpoint_steps=2,
    train_steps=4,
    batch_size=6,
    learning_rate=0.05,
    **changes,
  )
  process = subprocess.run(
    [sys.executable, "-c", _PROGRAM],
    input=pickle.dumps((settings, serialization.to_json(architecture), str(folder))),
    cwd=pathlib.Path(__file__).parents[2],
    capture_output=True,
    check=False,
  )
  assert process.returncode == 0, process.stderr.decode()[-2000:]
  return pickle.loads(process.stdout)


def _distance(found: dict, one: str, other: str) -> float:
  """Returns the largest difference of a value that is trained between two networks."""
  others = found[other][1]
  return max(
    float(np.abs(values - others[name][0]).max())
    for name, (values, trainable) in found[one][1].items()
    if trainable
  )


def test_a_killed_training_resumes_to_the_same_bits(found):
  for name, (values, _) in found["whole"][1].items():
    np.testing.assert_array_equal(values, found["resumed"][1][name][0])
  assert found["resumed"][0] == found["whole"][0]


def test_two_replicas_train_as_one_device_does(found):
  """There are 9 validation videos in batches of 6, so that the last batch has padding.

  Moving variances, and so metrics, differ by N / (N - 1) of the N values of a statistic, which
  TensorFlow applies on one device and not over replicas.
  """
  assert _distance(found, "whole", "mirrored") < 1e-4 < _distance(found, "whole", "none")
  assert found["mirrored"][0] == pytest.approx(found["whole"][0], rel=1e-3, abs=1e-3)


def test_mixed_precision_is_about_the_same(found):
  assert found["float16"][0]["loss"] == pytest.approx(found["whole"][0]["loss"], rel=0.02)
  assert found["float16"][2] == ("float16", "float32")
  assert 1e-4 < _distance(found, "float16", "none")

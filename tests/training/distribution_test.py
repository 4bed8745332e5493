"""Training on several replicas, in a process that has two logical CPUs."""

import json
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

_STEM = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
_BLOCK = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, spatial_stride=2)
_JSON = serialization.to_json(Architecture((_STEM, _BLOCK), (Connection("rgb_0", "level1_0"),)))

# Trains with the first strategy for 10 steps of 20, and with the second one to the end. What ended
# mirrored resumes from its last step on one device, with nothing left to do but evaluate.
_PROGRAM = """
import contextlib, io, json, os, pickle, sys

import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

from data_prep.common import cli
from official.training import config
from official.training import experiment
from official.training import runtime

class Stopped(Exception):
  pass

def stop_after_10_steps(phase, step=0, *_, **__):
  if phase == "training" and step > 10:
    raise Stopped

def train(settings, architecture, strategy, folder, report):
  settings = config.replace(settings, distribution_strategy=strategy)
  return experiment.train(
    settings, architecture, 3, folder, report,
    also_evaluate=("test",), answers_of=("validation", "test"),
  )

settings, architecture, folder = pickle.load(sys.stdin.buffer)
found = {}
try:
  runtime.prepare(config.replace(settings, distribution_strategy="mirrored", batch_size=5))
except cli.UserError as error:
  found["odd batch", "mirrored"] = str(error)
for first, second in [("one_device", "mirrored"), ("mirrored", "one_device")]:
  where = os.path.join(folder, second)
  with contextlib.redirect_stdout(io.StringIO()):
    with contextlib.suppress(Stopped):
      train(settings, architecture, first, where, stop_after_10_steps)
    assert tf.train.latest_checkpoint(where).endswith("-10")
    for strategy in [second, first] if second == "mirrored" else [second]:
      trained = train(settings, architecture, strategy, where, lambda *_, **__: None)
      assert tf.train.latest_checkpoint(where).endswith("-20")
      found[second, strategy] = trained.metrics, trained.looks["test"]["confusion"].tolist()
      found[f"answers of {second}", strategy] = {
        split: [answers.ids, answers.labels, answers.values["probabilities"].tolist()]
        for split, answers in trained.answers.items()
      }
print(json.dumps(list(found.items())))
"""


@pytest.fixture(scope="module")
def found(sample_dataset, tmp_path_factory):
  """Metrics and confusion matrices, by the strategy that ended the training, which the other one
  began, and that of the evaluation."""
  folder = tmp_path_factory.mktemp("distributed")
  settings = config.of(
    data_dir=sample_dataset,
    cache_dir=str(folder / "cache"),
    num_frames=4,
    image_size=16,
    checkpoint_steps=10,
    train_steps=20,
    batch_size=6,
    learning_rate=0.05,
    ema_decay=0.9,
    class_weights="balanced",
    gradient_clip_norm=1.0,
  )
  process = subprocess.run(
    [sys.executable, "-c", _PROGRAM],
    input=pickle.dumps((settings, _JSON, str(folder))),
    cwd=pathlib.Path(__file__).parents[2],
    capture_output=True,
    check=False,
  )
  assert process.returncode == 0, process.stderr.decode()[-2000:]
  return {tuple(key): value for key, value in json.loads(process.stdout.splitlines()[-1])}


@pytest.mark.slow
def test_a_batch_that_replicas_cannot_share_evenly_is_refused(found):
  assert found["odd batch", "mirrored"] == (
    "--batch_size=5 cannot be shared by 2 replicas; give a multiple of 2"
  )


@pytest.mark.slow
def test_checkpoints_move_between_strategies_that_train_alike(found):
  (one, _), (other, _) = found["one_device", "one_device"], found["mirrored", "mirrored"]
  for split in ("validation", "test"):
    assert one[split]["loss"] == pytest.approx(other[split]["loss"], rel=1e-3)
    assert one[split]["accuracy"] == other[split]["accuracy"]


@pytest.mark.slow
def test_a_checkpoint_is_evaluated_alike_on_one_device_and_on_several(found):
  """The last of 9 validation and of 8 test videos in batches of 6 is a batch with padding."""
  (one, confusion), (several, confusion_of_several) = (
    found["mirrored", strategy] for strategy in ("one_device", "mirrored")
  )
  assert confusion == confusion_of_several
  for split in ("validation", "test"):
    assert one[split] == pytest.approx(several[split], rel=1e-5)


@pytest.mark.slow
def test_replicas_give_every_answer_once_in_the_order_of_the_videos(found):
  one, several = (found["answers of mirrored", strategy] for strategy in ("one_device", "mirrored"))
  for split, count in (("validation", 9), ("test", 8)):
    ids, labels, probabilities = several[split]
    assert len(set(ids)) == count
    assert [ids, labels] == one[split][:2]
    np.testing.assert_allclose(probabilities, one[split][2], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["one_device", "mirrored"])
def test_what_is_counted_on_replicas_is_summed(found, strategy):
  """There are 8 test videos, in batches of 6: the last one is padded, which counts nowhere."""
  metrics, confusion = found[strategy, strategy]
  right = sum(confusion[index][index] for index in range(6))
  assert sum(map(sum, confusion)) == 8
  assert right / 8 == pytest.approx(metrics["test"]["accuracy"])

"""Joining networks that were trained to the end, from their checkpoints, on the real trainer."""

import contextlib
import csv
import io
import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.serving import exporter
from official.training import config
from official.training import ensemble
from official.training import final_trainer


def _architecture(*streams: str) -> dict:
  stems = [
    Block(id=f"{name}_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=(name,))
    for name in streams
  ]
  block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, spatial_stride=2)
  connections = tuple(Connection(stem.id, block.id) for stem in stems)
  return serialization.to_json(Architecture((*stems, block), connections))


@pytest.fixture(scope="module")
def settings(sample_dataset, tmp_path_factory):
  return config.of(
    data_dir=sample_dataset,
    cache_dir=str(tmp_path_factory.mktemp("cache")),
    num_frames=4,
    image_size=16,
    train_steps=10,
    batch_size=4,
    learning_rate=0.05,
    ema_decay=0.9,
    precision="bfloat16",
    checkpoint_steps=10,
  )


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory):
  """Two members, of which one sees images and flow, and what their trainings returned."""
  training = final_trainer.FinalTraining(setup=settings, export_dir=None)
  members, results = [], []
  for seed, streams in enumerate([("rgb",), ("flow", "rgb")]):
    folder = tmp_path_factory.mktemp("member")
    member = {"architecture": _architecture(*streams), "seed": seed}
    with contextlib.redirect_stdout(io.StringIO()):
      results.append(training(member, str(folder)))
    members.append({**member, "candidate": seed, "training": str(folder / "training")})
  return members, results


@pytest.fixture(scope="module")
def joined(settings, trained, tmp_path_factory):
  base = tmp_path_factory.mktemp("export")
  joining = ensemble.EnsembleExport(setup=settings, export_dir=str(base))
  asked = {"members": trained[0], "evaluate": True, "outcome_dir": str(base)}
  return joining(asked, str(tmp_path_factory.mktemp("joining")))


def _clips(*streams: str) -> dict[str, tf.Tensor]:
  rng = np.random.default_rng(0)
  channels = {"rgb": 3, "flow": 2}
  return {
    name: tf.constant(rng.uniform(-1, 1, (3, 4, 16, 16, channels[name])), tf.float32)
    for name in streams
  }


def _served(path: str, clips: dict[str, tf.Tensor]) -> np.ndarray:
  return tf.saved_model.load(path).signatures["streams"](**clips)["probabilities"].numpy()


def _probabilities(model: tf.keras.Model, clips: dict[str, tf.Tensor]) -> np.ndarray:
  return tf.nn.softmax(model({name: clips[name] for name in model.input})).numpy()


def test_one_of_several_is_trained_without_an_export(trained):
  assert all("export" not in result and result["status"] == "ok" for result in trained[1])


def test_a_restored_network_is_the_one_that_was_evaluated(settings, trained):
  for member, result in zip(*trained, strict=True):
    model = ensemble.restore(settings, member)
    for split in ("validation", "test"):
      found = ensemble.evaluate(settings, model, [member], split)
      assert found == pytest.approx(result["metrics"][split], rel=1e-5)


def test_the_export_averages_the_members_probabilities(settings, trained, joined):
  clips = _clips("rgb", "flow")
  alone = [_probabilities(ensemble.restore(settings, member), clips) for member in trained[0]]
  assert np.abs(alone[0] - alone[1]).max() > 1e-3
  np.testing.assert_allclose(_served(joined["export"], clips), np.mean(alone, 0), atol=1e-5)


def test_metrics_are_those_of_the_mean_over_members_and_clips(settings, trained, joined):
  models = [ensemble.restore(settings, member) for member in trained[0]]
  together = exporter.Ensemble(models, task=config.task(settings))
  found = ensemble.evaluate(settings, together, trained[0], "validation")
  assert joined["metrics"]["validation"] == pytest.approx(found, rel=1e-5)
  # By convexity, the loss of the mean is at most the mean of the losses.
  losses = [result["metrics"]["validation"]["loss"] for result in trained[1]]
  assert found["loss"] < np.mean(losses)


def test_a_result_is_plain_data_and_sums_the_members(trained, joined):
  assert json.loads(json.dumps(joined)) == joined
  assert list(joined["metrics"]) == ["validation", "test"]
  for name in ("params", "multiply_adds"):
    assert joined[name] == sum(result[name] for result in trained[1])


def test_the_answers_are_those_of_all_together(joined):
  path = pathlib.Path(joined["export"]).parent / "predictions.csv"
  rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
  for split, metrics in joined["metrics"].items():
    right = [row["right"] == "1" for row in rows if row["split"] == split]
    assert np.mean(right) == pytest.approx(metrics["accuracy"])


def test_an_ensemble_carries_the_architecture_of_each_member(trained, joined):
  text = pathlib.Path(joined["export"], "assets", "architecture.json").read_text(encoding="utf-8")
  assert json.loads(text) == [member["architecture"] for member in trained[0]]


def test_one_member_is_exported_as_it_is(settings, trained, tmp_path):
  joining = ensemble.EnsembleExport(setup=settings, export_dir=str(tmp_path / "export"))
  member = trained[0][0]
  elsewhere = str(tmp_path / "export_front" / "000000")
  asked = {"members": [member], "evaluate": False, "export_dir": elsewhere}
  result = joining(asked, str(tmp_path))
  assert "metrics" not in result and result["export"] == os.path.join(elsewhere, "1")
  clips = _clips("rgb")
  expected = _probabilities(ensemble.restore(settings, member), clips)
  np.testing.assert_allclose(_served(result["export"], clips), expected, atol=1e-5)
  text = pathlib.Path(result["export"], "assets", "architecture.json").read_text(encoding="utf-8")
  assert json.loads(text) == member["architecture"]


def test_a_member_without_a_checkpoint_is_told(settings, trained, tmp_path):
  member = {**trained[0][0], "training": os.path.join(tmp_path, "training")}
  with pytest.raises(FileNotFoundError, match="training has no checkpoint"):
    ensemble.restore(settings, member)

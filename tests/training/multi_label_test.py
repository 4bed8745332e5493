"""A training on clips with several labels, from its dataset to its result."""

import shutil

import pytest

from data_prep.dataset import metadata
from data_prep.dataset import records
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import candidate_trainer
from official.training import config


@pytest.fixture
def two_labels(sample_dataset, tmp_path) -> str:
  """The sample clips, each with its class and the next one."""
  folder = str(tmp_path / "two_labels")
  shutil.copytree(sample_dataset, folder)
  info = metadata.to_json(metadata.load(folder))
  for split in metadata.SPLITS:
    for path in metadata.shard_paths(folder, split):
      with open(path, "rb") as file:
        clips = [records.parse(record) for record in records.read_records(file)]
      with open(path, "wb") as file:
        for context, lists in clips:
          (label,) = context["clip/label/index"]
          context["clip/label/index"] = [label, (label + 1) % len(info["classes"])]
          records.write_record(file, records.sequence_example(context, lists))
  metadata.save(metadata.from_json(info | {"multi_label": True}), folder)
  return folder


@pytest.mark.slow
def test_clips_with_several_labels_train_and_are_ranked(two_labels, tmp_path):
  shape = dict(spatial_stride=2, channels=8)
  network = Architecture(
    (
      Block(id="rgb_0", level=0, kind="stem_2plus1d", streams=("rgb",), **shape),
      Block(id="level1_0", level=1, kind="basic_2plus1d", **shape),
    ),
    (Connection("rgb_0", "level1_0"),),
  )
  settings = config.of(
    data_dir=two_labels,
    cache_dir=str(tmp_path / "cache"),
    num_frames=4,
    image_size=24,
    train_steps=60,
    batch_size=8,
    learning_rate=0.1,
  )
  result = candidate_trainer.TrainingEvaluator(setup=settings)(
    {"architecture": serialization.to_json(network), "seed": 1}, str(tmp_path)
  )
  assert set(result["metrics"]) == {"loss", "mean_average_precision"}
  assert result["metrics"]["loss"] < 0.6931  # All probabilities at one half.
  assert result["metrics"]["mean_average_precision"] > 0.45  # Chance is about one third.
  assert result["sensitivities"][0]["value"] > 0

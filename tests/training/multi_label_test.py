"""A training on clips with several labels, from its dataset to its result."""

import pytest

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import candidate_trainer
from official.training import config


@pytest.mark.slow
def test_clips_with_several_labels_train_and_are_ranked(two_label_dataset, tmp_path):
  shape = dict(spatial_stride=2, channels=8)
  network = Architecture(
    (
      Block(id="rgb_0", level=0, kind="stem_2plus1d", streams=("rgb",), **shape),
      Block(id="level1_0", level=1, kind="basic_2plus1d", **shape),
    ),
    (Connection("rgb_0", "level1_0"),),
  )
  settings = config.of(
    data_dir=two_label_dataset,
    cache_dir=str(tmp_path / "cache"),
    num_frames=4,
    image_size=24,
    train_steps=60,
    batch_size=8,
    learning_rate=0.1,
  )
  result = candidate_trainer.TrainingEvaluator(setup=settings, sensitivities=True)(
    {"architecture": serialization.to_json(network), "seed": 1}, str(tmp_path)
  )
  assert set(result["metrics"]) == {"loss", "mean_average_precision"}
  assert result["metrics"]["loss"] < 0.6931  # All probabilities at one half.
  assert result["metrics"]["mean_average_precision"] > 0.45  # Chance is about one third.
  assert result["sensitivities"][0]["value"] > 0

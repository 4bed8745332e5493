"""Validation points on the way change no bit of what a training learns, on the real trainer."""

import contextlib
import io

import numpy as np
import pytest

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.training import config
from official.training import curve as curve_lib
from official.training import experiment

_STEM = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
_BLOCK = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, spatial_stride=2)
_JSON = serialization.to_json(Architecture((_STEM, _BLOCK), (Connection("rgb_0", "level1_0"),)))


@pytest.mark.slow
def test_averaged_weights_are_the_same_with_points_and_without(sample_dataset, tmp_path):
  settings = config.of(
    data_dir=sample_dataset,
    cache_dir=str(tmp_path / "cache"),
    num_frames=4,
    image_size=16,
    clips_per_video=1,
    checkpoint_steps=10,
    train_steps=30,
    batch_size=4,
    learning_rate=0.05,
    ema_decay=0.9,
  )
  weights = []
  for name in ("without", "with"):
    curve = curve_lib.Curve(str(tmp_path / "curve.csv")) if name == "with" else None
    with contextlib.redirect_stdout(io.StringIO()):
      trained = experiment.train(
        settings, _JSON, 3, str(tmp_path / name), lambda *_, **__: None, curve=curve
      )
    weights.append(trained.model.get_weights())
  for one, other in zip(*weights, strict=True):
    np.testing.assert_array_equal(one, other)
  rows = curve_lib.read(str(tmp_path / "curve.csv"))
  assert [row["step"] for row in rows if row["split"] == "validation"] == ["10", "20", "30"]
  assert [row["step"] for row in rows if row["split"] == "train"] == ["10", "20", "30"]

"""dataset.json, and how flow is stored."""

import dataclasses
import json

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import StreamInfo


@pytest.fixture
def info() -> metadata.DatasetInfo:
  return metadata.DatasetInfo(
    classes=("jump", "run"),
    streams={
      "rgb": StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg"),
      "flow": StreamInfo(
        kind="flow",
        channels=2,
        format="png",
        bound=20.0,
        feature="FORWARD_FLOW/image/encoded",
        algorithm="tvl1",
        profile="fast",
      ),
    },
    fps=25.0,
    short_side=256,
    splits={
      "train": metadata.SplitInfo(clips=3, frames=30, shards=2),
      "validation": metadata.SplitInfo(),
      "test": metadata.SplitInfo(),
    },
    failures=1,
    multi_label=False,
    manifest_sha256="abc",
    settings={"fps": 25.0},
    versions={"opencv": "4"},
  )


def test_what_is_saved_is_loaded(info, tmp_path):
  metadata.save(info, str(tmp_path))
  assert metadata.load(str(tmp_path)) == info


def test_an_image_stream_has_no_bound_in_the_file(info):
  assert metadata.to_json(info)["streams"]["rgb"] == {
    "kind": "image",
    "channels": 3,
    "feature": "image/encoded",
    "format": "jpeg",
  }


def test_fingerprint_is_that_of_the_loaded(info, tmp_path):
  metadata.save(info, str(tmp_path))
  assert metadata.load(str(tmp_path)).fingerprint == info.fingerprint


def test_fingerprint_tells_other_data(info):
  assert dataclasses.replace(info, manifest_sha256="abd").fingerprint != info.fingerprint


def test_a_folder_without_dataset_json_is_no_dataset(tmp_path):
  with pytest.raises(
    cli.UserError,
    match="is no finished dataset: it has no dataset.json; make one"
    " with python -m data_prep.extract",
  ):
    metadata.load(str(tmp_path))


def test_an_unreadable_dataset_json(tmp_path):
  (tmp_path / "dataset.json").write_text("{")
  with pytest.raises(cli.UserError, match="dataset.json cannot be read"):
    metadata.load(str(tmp_path))


def test_another_schema_version(info, tmp_path):
  (tmp_path / "dataset.json").write_text(json.dumps(metadata.to_json(info) | {"schema_version": 9}))
  with pytest.raises(cli.UserError, match="has schema version 9, this program reads 1"):
    metadata.load(str(tmp_path))


def test_a_field_that_is_missing(info, tmp_path):
  data = metadata.to_json(info)
  del data["fps"]
  (tmp_path / "dataset.json").write_text(json.dumps(data))
  with pytest.raises(cli.UserError, match="lacks a field or has an unknown one.*'fps'"):
    metadata.load(str(tmp_path))


def test_shard_paths_are_in_order(info, tmp_path):
  metadata.save(info, str(tmp_path))
  names = ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"]
  for name in names:
    (tmp_path / name).touch()
  assert metadata.shard_paths(str(tmp_path), "train") == tuple(str(tmp_path / n) for n in names)


def test_a_missing_shard_is_named(info, tmp_path):
  metadata.save(info, str(tmp_path))
  with pytest.raises(cli.UserError, match="train-00000-of-00002.tfrecord is missing, though"):
    metadata.shard_paths(str(tmp_path), "train")


def test_an_empty_split_has_no_shards(info, tmp_path):
  metadata.save(info, str(tmp_path))
  assert metadata.shard_paths(str(tmp_path), "test") == ()


def test_flow_is_stored_as_documented():
  flow = np.array([[0, 0], [20, -20], [-100, 100], [0.078, 10]], np.float32)
  expected = [[128, 128, 0], [255, 0, 0], [0, 255, 0], [128, 192, 0]]
  np.testing.assert_array_equal(flow_kind.to_levels(flow, 20.0), expected)


def test_zero_flow_stays_exactly_zero():
  stored = flow_kind.to_levels(np.zeros((2, 3, 2), np.float32), 20.0)
  np.testing.assert_array_equal(flow_kind.to_pixels(stored, 20.0), np.zeros((2, 3, 2)))


def test_stored_flow_is_off_by_half_a_step_at_most():
  flow = np.random.default_rng(0).uniform(-19.8, 19.8, (50, 40, 2)).astype(np.float32)
  decoded = flow_kind.to_pixels(flow_kind.to_levels(flow, 20.0), 20.0)
  assert decoded.dtype == np.float32
  assert np.abs(decoded - flow).max() <= 20 / 128 / 2 + 1e-5


def test_importing_it_imports_no_heavy_library(run_main):
  heavy = ("apache_beam", "av", "cv2", "tensorflow")
  code = f"import sys, data_prep.dataset.metadata; print([m for m in {heavy} if m in sys.modules])"
  assert run_main(["-c", code]).stdout == "[]\n"

"""Videos decoded once, kept on disk or in memory."""

import dataclasses
import os

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.stream_kinds import flow as flow_kind
from official.inputs import clip_store


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def open_store(two_stream, cache_dir):
  def open_one(mode: str, **options) -> clip_store.ClipStore:
    fixed = dict(image_size=32, cache_dir=cache_dir)
    return clip_store.open_store(two_stream, "train", cache=mode, **fixed | options)

  return open_one


@pytest.mark.parametrize("mode", ["disk", "memory"])
@pytest.mark.parametrize("stream", ["rgb", "flow"])
def test_kept_videos_are_those_that_are_decoded_now(open_store, mode, stream):
  kept, streamed = open_store(mode).videos, open_store("none").videos
  assert len(kept) == len(streamed) == 9
  for one, other in zip(kept, streamed):
    assert (one.id, one.labels, one.frames) == (other.id, other.labels, other.frames)
    info = open_store("none").streams[stream]
    for index in (0, one.frames - 1):
      frames = [video.frame(stream, index) for video in (one, other)]
      if stream == "flow":
        frames = [flow_kind.vectors(frame, info) for frame in frames]
      np.testing.assert_array_equal(*frames)


@pytest.mark.parametrize("mode, decoded", [("disk", 9), ("memory", 9), ("none", 0)])
def test_videos_are_decoded_once_and_progress_is_told(open_store, tmp_path, mode, decoded):
  told = []
  for _ in range(2):
    open_store(
      mode,
      cache_dir=str(tmp_path),
      image_size=16,
      progress=lambda done, total: told.append((done, total)),
    )
  assert told == [(n, 9) for n in range(1, decoded + 1)]


def test_a_store_whose_making_was_killed_is_made_anew(two_stream, open_store, tmp_path):
  name = f"train-37-{metadata.load(two_stream).fingerprint[:16]}-3"
  remains = tmp_path / (name + ".tmpabc")
  remains.mkdir()
  remains.joinpath("rgb.raw").write_bytes(b"half")
  made = open_store("disk", cache_dir=str(tmp_path))
  assert len(made.videos) == 9
  index = f"train-{metadata.load(two_stream).fingerprint[:16]}.records.npy"
  assert sorted(os.listdir(tmp_path)) == sorted([name, name + ".lock", index])


def test_a_split_without_clips_is_refused(open_store, two_stream, cache_dir):
  with pytest.raises(
    cli.UserError, match="has no usable test clips; give some rows of the manifest split=test"
  ):
    clip_store.open_store(two_stream, "test", image_size=32, cache_dir=cache_dir)


@pytest.mark.parametrize("mode", ["disk", "memory", "none"])
def test_a_file_without_clips_is_passed_over(write_dataset, smooth_picture, tmp_path, mode):
  clips = [([0], {"rgb": [smooth_picture(seed, (40, 60, 3))]}) for seed in (0, 1)]
  folder = write_dataset(tmp_path, {"train": clips}, shards=3)
  (tmp_path / "train-00000-of-00003.tfrecord").rename(tmp_path / "full")
  (tmp_path / "train-00002-of-00003.tfrecord").rename(tmp_path / "train-00000-of-00003.tfrecord")
  (tmp_path / "full").rename(tmp_path / "train-00002-of-00003.tfrecord")
  store = clip_store.open_store(
    folder, "train", image_size=32, cache=mode, cache_dir=str(tmp_path / "cache")
  )
  assert [video.id for video in store.videos] == ["train1", "train0"]


@pytest.fixture
def clip_labels():
  """The labels of the clips of a small dataset."""
  return [0]


@pytest.fixture
def look(write_dataset, smooth_picture, tmp_path, clip_labels):
  """Looks whether a small dataset can be trained on; `change` is done to its folder before."""
  clips = [(clip_labels, {"rgb": [smooth_picture(seed, (40, 60, 3))]}) for seed in (0, 1)]

  def look(change=lambda folder: None, splits=("train", "validation"), **options):
    write_dataset(tmp_path, {split: clips for split in splits})
    change(tmp_path)
    fixed = dict(cache_dir=str(tmp_path / "cache"), cache="auto", flow="stored", image_size=32)
    clip_store.check(str(tmp_path), **fixed | options)

  return look


def test_a_dataset_that_can_be_trained_on_is_let_pass_and_nothing_is_written(look, tmp_path):
  look()
  assert not (tmp_path / "cache").exists()


def _without_classes(folder):
  info = metadata.load(str(folder))
  metadata.save(dataclasses.replace(info, classes=()), str(folder))


def test_clips_without_labels_are_let_pass_in_a_dataset_without_classes(look, clip_labels):
  clip_labels[:] = []
  look(_without_classes)
  with pytest.raises(
    cli.UserError, match="has the labels \\[\\], and there are 3 classes; prepare"
  ):
    look()


def test_labels_in_a_dataset_without_classes_are_told(look):
  with pytest.raises(
    cli.UserError, match="has the labels \\[0\\], and there are 0 classes; prepar"
  ):
    look(_without_classes)


def _shorten(folder):
  path = folder / "train-00000-of-00001.tfrecord"
  path.write_bytes(path.read_bytes()[:100])


def _without_stream(folder):
  info = metadata.to_json(metadata.load(str(folder)))
  info["streams"]["depth"] = {
    "kind": "image",
    "channels": 1,
    "feature": "DEPTH/image/encoded",
    "format": "png",
  }
  metadata.save(metadata.from_json(info), str(folder))


@pytest.mark.parametrize(
  "change, options, told",
  [
    (_shorten, {}, "train-00000-of-00001.tfrecord is damaged: the record at byte 0 is not whole"),
    (lambda folder: (folder / "validation-00000-of-00001.tfrecord").unlink(), {}, "is missing"),
    (_without_stream, {}, "has no frames of the stream 'depth'"),
    (lambda folder: (folder / "cache").write_text(""), {}, "cache is no folder"),
    (lambda folder: None, {"cache_dir": "/proc/nowhere/cache"}, "/proc/nowhere/cache cannot be w"),
    (lambda folder: None, {"splits": ("train",)}, "has no usable validation clips"),
  ],
)
def test_a_dataset_or_a_cache_that_will_not_do_is_told(look, change, options, told):
  with pytest.raises(cli.UserError, match=told):
    look(change, **options)


@pytest.mark.parametrize(
  "name, content",
  [
    ("index.json", b"{}"),
    ("index.json", b""),
    ("index.json", b"[{}]"),
    ("rgb.npy", b"x"),
    ("rgb.npy", None),
  ],
)
def test_a_damaged_cache_is_told(write_dataset, smooth_picture, tmp_path, name, content):
  clips = [([0], {"rgb": [smooth_picture(0, (40, 60, 3))]})]
  folder = write_dataset(tmp_path, {"train": clips})
  options = dict(image_size=32, cache="disk", cache_dir=str(tmp_path / "cache"))
  clip_store.open_store(folder, "train", **options)
  (path,) = (tmp_path / "cache").glob(f"*/{name}")
  whole = path.read_bytes()
  path.write_bytes(whole[: len(whole) // 2] if content is None else content)
  with pytest.raises(cli.UserError, match="; delete .*cache/train-.*, so that the videos are deco"):
    clip_store.open_store(folder, "train", **options)

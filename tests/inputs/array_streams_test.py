"""Arrays from files, through preparation and TFRecords, to what a network gets."""

import dataclasses

import numpy as np
import pytest

from data_prep.dataset import metadata
from official.inputs import clip_store
from official.inputs import clip_values
from official.inputs import clips
from official.inputs import stream_tensors
from official.inputs import views
from tests import clips_with_streams

FRAMES, SIDE = 6, 35
_SPLITS = ("train", "train", "validation")
GIVEN = ("spectrum:array:1", "lidar:array", "counts:array:0.5@5", "distance:depth:1")


def _values(name: str, index: int) -> np.ndarray:
  rng = np.random.default_rng([index, len(name)])
  if name == "spectrum":
    return rng.normal(3, 2, (FRAMES, SIDE, SIDE, 31)).astype(np.float16)
  if name == "lidar":
    return rng.normal(0, 9, (FRAMES, 8, 64, 5)).astype(np.float32)
  if name == "counts":
    return rng.integers(0, 65536, (FRAMES // 2, 18, 18, 2)).astype(np.uint16)
  return rng.integers(0, 3, (FRAMES, SIDE, SIDE, 1)).astype(np.uint16)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
  """Three clips of square frames with the four streams."""
  made = []
  for index, split in enumerate(_SPLITS):
    frames = np.random.default_rng(index).integers(0, 255, (FRAMES, 64, 64, 3), np.uint8)
    values = {name: _values(name, index) for name in ("spectrum", "lidar", "counts", "distance")}
    made.append(("ab"[index % 2], split, frames, values))
  folder = tmp_path_factory.mktemp("arrays")
  return clips_with_streams.prepare(folder, GIVEN, made, short_side=SIDE, flow="none")


def _open(data_dir, tmp_path, *, split="train", size=31, cache="none"):
  return clip_store.open_store(
    data_dir, split, image_size=size, cache_dir=str(tmp_path), cache=cache
  )


@pytest.mark.parametrize("cache", ["none", "disk"])
def test_arrays_come_back_to_the_bit(data_dir, tmp_path, cache):
  store = _open(data_dir, tmp_path, cache=cache)
  for index, video in enumerate(store.videos):
    for name in ("spectrum", "lidar", "distance"):
      found = np.stack(list(video.read(name, range(FRAMES))))
      expected = _values(name, index)
      assert found.dtype == expected.dtype
      np.testing.assert_array_equal(found, expected)


def test_a_slower_stream_is_aligned_with_the_frames(data_dir, tmp_path):
  video = _open(data_dir, tmp_path).videos[0]
  found = np.stack(list(video.read("counts", range(FRAMES))))
  np.testing.assert_array_equal(found, _values("counts", 0)[[0, 1, 1, 2, 2, 2]])


def test_mean_and_spread_are_those_of_the_train_split(data_dir):
  stream = metadata.load(data_dir).streams["spectrum"]
  values = np.concatenate([_values("spectrum", index) for index in (0, 1)]).astype(np.float64)
  np.testing.assert_allclose(stream.mean, values.mean((0, 1, 2)), rtol=1e-5)
  np.testing.assert_allclose(stream.spread, values.std((0, 1, 2)), rtol=1e-5)


def test_distances_are_measured_where_there_are_some(data_dir):
  stream = metadata.load(data_dir).streams["distance"]
  values = np.concatenate([_values("distance", index) for index in (0, 1)]).astype(np.float64)
  np.testing.assert_allclose(stream.mean, [values[values > 0].mean()], rtol=1e-5)


def _evaluated(data_dir, tmp_path, names, size=31):
  store = _open(data_dir, tmp_path, split="validation", size=size)
  made = clips.evaluation_clips(
    store, names, num_frames=FRAMES, image_size=size, global_batch_size=1
  )
  batch = next(iter(made))[0]
  return batch, clip_values.for_network(batch), store.streams


def test_a_network_gets_them_normalized_and_of_their_own_sizes(data_dir, tmp_path):
  names = ["counts", "distance", "lidar", "rgb", "spectrum"]
  _, found, streams = _evaluated(data_dir, tmp_path, names)
  shapes = {name: tuple(values.shape[3:]) for name, values in found.items()}
  assert shapes == {
    "counts": (16, 16, 2),
    "distance": (31, 31, 1),
    "lidar": (8, 64, 5),
    "rgb": (31, 31, 3),
    "spectrum": (31, 31, 31),
  }
  for name, part in (("lidar", np.s_[:, :, :]), ("spectrum", np.s_[:, 2:33, 2:33])):
    mean, spread = np.float64(streams[name].mean), np.float64(streams[name].spread)
    expected = (_values(name, 2)[part].astype(np.float64) - mean) / spread
    np.testing.assert_allclose(found[name][0, 0], expected, rtol=0, atol=1e-5)


def test_where_no_distance_was_measured_a_network_gets_zero(data_dir, tmp_path):
  batch, found, _ = _evaluated(data_dir, tmp_path, ["distance"])
  missing = batch["distance"].numpy() == 0
  assert missing.any() and (found["distance"].numpy()[missing] == 0).all()
  assert (found["distance"].numpy()[~missing] != 0).all()


def test_distances_are_never_mixed(data_dir, tmp_path):
  batch, _, _ = _evaluated(data_dir, tmp_path, ["distance"], size=16)
  assert set(np.unique(batch["distance"].numpy())) == {0, 1, 2}


def _trained(data_dir, tmp_path, **augmentation):
  made = clips.training_clips(
    _open(data_dir, tmp_path),
    ["lidar", "rgb"],
    num_frames=FRAMES,
    image_size=31,
    global_batch_size=16,
    seed=3,
    augmentation=views.Augmentation(**augmentation),
  )
  return next(iter(made))[0]


def test_arrays_are_mirrored_with_the_frames_and_not_brightened(data_dir, tmp_path):
  varied = _trained(data_dir, tmp_path, brightness=0.5)
  plain = _trained(data_dir, tmp_path, horizontal_flip=False)
  mirrored = 0
  for one, other in zip(varied["lidar"].numpy(), plain["lidar"].numpy()):
    flipped = not np.array_equal(one, other)
    np.testing.assert_array_equal(one, other[:, :, ::-1] if flipped else other)
    mirrored += flipped
  assert 0 < mirrored < 16
  assert not np.array_equal(varied["rgb"], plain["rgb"])


def test_a_channel_that_never_changes_is_zero(data_dir, tmp_path):
  stream = metadata.load(data_dir).streams["lidar"]
  stream = dataclasses.replace(stream, spread=(0.0,) * 5)
  tensors = stream_tensors.get("array")
  beside = tensors.beside(stream, resized=False)[np.newaxis]
  values = np.full((1, 2, 8, 64, 5), 7, np.float32)
  assert not tensors.to_network(values, beside).numpy().any()

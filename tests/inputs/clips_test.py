"""Which clips a network sees: a function of (seed, n), and at evaluation every video once."""

import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from data_prep import cli
from data_prep import dataset
from official.inputs import clip_store
from official.inputs import clips

_SIZE = 32


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def store(sample_dataset, cache_dir):
  return clip_store.open_store(
    sample_dataset, "train", short_side=clips.stored_short_side(_SIZE), cache_dir=cache_dir
  )


def _training(store, *, seed=7, first_step=0, batch=5, flip=True, frames=8):
  return clips.training_clips(
    store,
    ["flow", "rgb"],
    num_frames=frames,
    image_size=_SIZE,
    global_batch_size=batch,
    seed=seed,
    horizontal_flip=flip,
    first_step=first_step,
  )


def _first(batches, count):
  return [tf.nest.map_structure(lambda t: t.numpy(), batch) for batch in batches.take(count)]


def _read(store, index, **changes):
  at = dict(first_frame=0, num_frames=4, top=0, left=0, size=_SIZE, flip=False) | changes
  return dict(zip(sorted(store.streams), store.read(index, **at)))


def test_holds_every_video_with_the_short_side_asked_for(store, sample_dataset):
  assert len(store.videos) == dataset.load(sample_dataset).splits["train"].clips
  assert {min(video.height, video.width) for video in store.videos} == {37}


def test_frames_are_those_of_the_dataset(sample_dataset, store):
  record = next(iter(tf.data.TFRecordDataset(dataset.shard_paths(sample_dataset, "train"))))
  example = tf.train.SequenceExample.FromString(record.numpy())
  image = tf.io.decode_image(
    example.feature_lists.feature_list["image/encoded"].feature[2].bytes_list.value[0]
  )
  video = store.videos[0]
  expected = tf.image.resize(image, [video.height, video.width], antialias=True)[:_SIZE, :_SIZE]
  np.testing.assert_allclose(_read(store, 0)["rgb"][2], expected, atol=0.51)


def test_resized_flow_is_in_pixels_of_the_stored_grid(sample_dataset, store):
  record = next(iter(tf.data.TFRecordDataset(dataset.shard_paths(sample_dataset, "train"))))
  example = tf.train.SequenceExample.FromString(record.numpy())
  stored = tf.io.decode_image(
    example.feature_lists.feature_list["FORWARD_FLOW/image/encoded"].feature[3].bytes_list.value[0]
  )
  flow = dataset.decode_flow(stored.numpy(), 20.0)
  video = store.videos[0]
  whole = store._values["flow"][: video.frames * video.height * video.width * 2].reshape(
    video.frames, video.height, video.width, 2
  )[3]
  scale = np.array([video.width / flow.shape[1], video.height / flow.shape[0]])
  np.testing.assert_allclose(whole.mean((0, 1)), flow.mean((0, 1)) * scale, atol=0.01)


def test_last_flow_of_a_video_is_repeated(store):
  video = store.videos[0]
  flow = _read(store, 0, first_frame=video.frames - 2, num_frames=2)["flow"]
  np.testing.assert_array_equal(flow[0], flow[1])


def test_past_the_end_the_last_frame_stands_still(store):
  video = store.videos[0]
  clip = _read(store, 0, first_frame=video.frames - 1, num_frames=3)
  np.testing.assert_array_equal(clip["rgb"][2], clip["rgb"][0])
  np.testing.assert_array_equal(clip["flow"][1:], 0)


def test_mirroring_negates_x_of_flow_alone(store):
  straight, mirrored = _read(store, 1), _read(store, 1, flip=True)
  np.testing.assert_array_equal(mirrored["rgb"], straight["rgb"][:, :, ::-1])
  np.testing.assert_array_equal(
    mirrored["flow"], straight["flow"][:, :, ::-1] * np.float16([-1, 1])
  )


def test_a_store_whose_making_was_killed_is_made_anew(sample_dataset, store, tmp_path):
  folder = tmp_path / f"train-37-{dataset.load(sample_dataset).fingerprint[:16]}"
  remains = tmp_path / (folder.name + ".tmpabc")
  remains.mkdir()
  remains.joinpath("rgb.raw").write_bytes(b"half")
  made = clip_store.open_store(sample_dataset, "train", short_side=37, cache_dir=str(tmp_path))
  assert made.videos == store.videos
  assert sorted(os.listdir(tmp_path)) == [folder.name, folder.name + ".lock"]


def test_a_split_without_clips_is_refused(sample_dataset, tmp_path):
  shutil.copytree(sample_dataset, tmp_path / "d")
  info = dataset.load(str(tmp_path / "d"))
  empty = dict(info.splits) | {"test": dataset.SplitInfo()}
  dataset.save(
    dataset.from_json(dataset.to_json(info) | {"splits": {k: vars(v) for k, v in empty.items()}}),
    str(tmp_path / "d"),
  )
  with pytest.raises(
    cli.UserError, match="has no usable test clips; give some rows of the manifest split=test"
  ):
    clip_store.open_store(str(tmp_path / "d"), "test", short_side=37, cache_dir=str(tmp_path))


def test_batches_have_the_network_s_shapes_and_ranges(store):
  ((streams, labels),) = _first(_training(store), 1)
  assert {name: (values.shape, values.dtype) for name, values in streams.items()} == {
    "rgb": ((5, 8, _SIZE, _SIZE, 3), np.float32),
    "flow": ((5, 8, _SIZE, _SIZE, 2), np.float32),
  }
  assert streams["rgb"].min() >= -1 and streams["rgb"].max() <= 1
  assert labels["weight"].tolist() == [1] * 5


def test_a_resumed_training_sees_what_it_would_have_seen(store):
  whole = _first(_training(store), 7)
  tf.nest.map_structure(
    np.testing.assert_array_equal, whole[4:], _first(_training(store, first_step=4), 3)
  )


def test_another_seed_gives_other_clips(store):
  ((a, _),) = _first(_training(store, seed=1), 1)
  ((b, _),) = _first(_training(store, seed=2), 1)
  assert not np.array_equal(a["rgb"], b["rgb"])


def test_an_epoch_has_every_video_once(store):
  count = len(store.videos)
  epochs = [labels["label"] for _, labels in _first(_training(store, batch=count), 2)]
  expected = sorted(video.label for video in store.videos)
  assert [sorted(epoch) for epoch in epochs] == [expected, expected]
  assert epochs[0].tolist() != epochs[1].tolist()


def test_half_of_the_training_clips_are_mirrored_if_asked(store):
  whole = dict(batch=200, frames=2)
  ((plain, _),) = _first(_training(store, flip=False, **whole), 1)
  ((flipped, _),) = _first(_training(store, flip=True, **whole), 1)
  mirrored = [not np.array_equal(a, b) for a, b in zip(plain["rgb"], flipped["rgb"])]
  assert 70 < sum(mirrored) < 130
  assert all(
    np.array_equal(a[:, :, ::-1], b) for a, b, m in zip(plain["rgb"], flipped["rgb"], mirrored) if m
  )


def test_evaluation_has_every_video_once_and_pads_with_weight_0(store):
  batches = _first(
    clips.evaluation_clips(
      store, ["rgb"], num_frames=8, image_size=_SIZE, global_batch_size=7, clips_per_video=3
    ),
    99,
  )
  labels = np.concatenate([labels["label"] for _, labels in batches])
  weights = np.concatenate([labels["weight"] for _, labels in batches])
  assert [streams["rgb"].shape for streams, _ in batches] == [(7, 3, 8, _SIZE, _SIZE, 3)] * 4
  assert labels[weights == 1].tolist() == [video.label for video in store.videos]
  assert weights[len(store.videos) :].tolist() == [0] * (28 - len(store.videos))


def test_evaluation_spans_a_video_from_its_first_frame_to_its_last(store):
  streams, _ = _first(
    clips.evaluation_clips(
      store, ["rgb"], num_frames=2, image_size=_SIZE, global_batch_size=1, clips_per_video=3
    ),
    1,
  )[0]
  video = store.videos[0]
  top, left = (video.height - _SIZE + 1) // 2, (video.width - _SIZE + 1) // 2
  for clip, first in ((0, 0), (2, video.frames - 2)):
    expected = _read(store, 0, first_frame=first, num_frames=2, top=top, left=left)["rgb"]
    np.testing.assert_allclose(streams["rgb"][0, clip], expected / 127.5 - 1, atol=1e-6)


def test_workers_share_an_epoch_between_them(store):
  parts = []
  for worker in range(2):
    context = tf.distribute.InputContext(
      num_input_pipelines=2, input_pipeline_id=worker, num_replicas_in_sync=2
    )
    batches = clips.evaluation_clips(
      store, ["rgb"], num_frames=2, image_size=_SIZE, global_batch_size=8, input_context=context
    )
    parts.append([labels for _, labels in _first(batches, 99)])
  assert all(labels["label"].shape == (4,) for part in parts for labels in part)
  seen = sorted(
    label
    for part in parts
    for labels in part
    for label, weight in zip(labels["label"], labels["weight"])
    if weight
  )
  assert seen == sorted(video.label for video in store.videos)

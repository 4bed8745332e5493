"""Which clips a network sees: a function of (seed, n), and at evaluation every video once."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset.stream_kinds import flow as flow_kind
from official.inputs import clip_store
from official.inputs import clip_values
from official.inputs import clips
from official.inputs import views

_SIZE = 32
_FULL_SIZE = 35  # Nothing is resized for it.
_VARIED = views.Augmentation(min_crop_area=0.3, brightness=0.2)
_SIZES = pytest.mark.parametrize(
  "size, varied",
  [(_SIZE, _VARIED), (_FULL_SIZE, _VARIED), (_FULL_SIZE, views.Augmentation())],
  ids=["shrunk", "resized", "as stored"],
)


@pytest.fixture(scope="module")
def open_store(two_stream, tmp_path_factory):
  cache_dir = str(tmp_path_factory.mktemp("cache"))

  def open_one(mode: str, split: str = "train", size: int = _SIZE) -> clip_store.ClipStore:
    return clip_store.open_store(
      two_stream, split, image_size=size, cache_dir=cache_dir, cache=mode
    )

  return open_one


@pytest.fixture(scope="module")
def store(open_store):
  return open_store("disk")


def _training(store, *, batch=4, seed=7, **changes):
  fixed = dict(num_frames=4, image_size=_SIZE, augmentation=_VARIED)
  return clips.training_clips(
    store, ["flow", "rgb"], global_batch_size=batch, seed=seed, **fixed | changes
  )


def _evaluation(store, *, batch=2, streams=("rgb",), **changes):
  fixed = dict(num_frames=4, image_size=_SIZE)
  return clips.evaluation_clips(store, streams, global_batch_size=batch, **fixed | changes)


def _first(batches, count=99):
  return [tf.nest.map_structure(lambda t: t.numpy(), batch) for batch in batches.take(count)]


def _assert_equal(one, other):
  assert len(one) == len(other) > 0
  tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def _context(worker, workers, replicas):
  return tf.distribute.InputContext(
    num_input_pipelines=workers, input_pipeline_id=worker, num_replicas_in_sync=replicas
  )


def _together(parts):
  """Returns the labels, weights and clips of several workers' batches, by step."""
  return [
    sorted(
      (label, weight, clip.tobytes())
      for streams, labels in step
      for label, weight, clip in zip(
        labels["label"].tolist(), labels["weight"].tolist(), streams["rgb"]
      )
    )
    for step in zip(*parts)
  ]


@_SIZES
@pytest.mark.parametrize("mode", ["disk", "none"])
def test_batches_have_the_network_s_shapes_and_small_types(open_store, mode, size, varied):
  store = open_store(mode, size=size)
  ((streams, labels),) = _first(_training(store, image_size=size, augmentation=varied), 1)
  as_stored = size == _FULL_SIZE and varied is not _VARIED
  assert {name: (values.shape, values.dtype) for name, values in streams.items()} == {
    "rgb": ((4, 4, size, size, 3), np.uint8),
    "flow": ((4, 4, size, size, 2), np.uint8 if as_stored else np.float16),
  } | ({"flow/step": ((4,), np.float32)} if as_stored else {})
  assert (labels["label"].dtype, labels["weight"].tolist()) == (np.int32, [1] * 4)


@_SIZES
@pytest.mark.parametrize("mode", ["memory", "none", "auto"])
def test_how_videos_are_cached_shows_in_no_bit(open_store, mode, size, varied):
  def batches(mode):
    store = open_store(mode, size=size)
    evaluation = _evaluation(store, streams=["flow", "rgb"], image_size=size, clips_per_video=2)
    training = _training(store, image_size=size, augmentation=varied)
    return _first(training, 5), _first(evaluation)

  for one, other in zip(batches(mode), batches("disk")):
    _assert_equal(one, other)


@pytest.mark.parametrize("mode", ["disk", "none"])
def test_flow_as_stored_means_to_a_network_what_the_dataset_says(open_store, mode):
  store = open_store(mode, size=_FULL_SIZE)
  streams, _ = _first(_evaluation(store, streams=["flow"], image_size=_FULL_SIZE), 1)[0]
  found = clip_values.for_network(streams)["flow"].numpy()
  video, bound = store.videos[0], store.streams["flow"].bound
  first = (video.frames - 4 + 1) // 2
  frames = [video.frame("flow", first + k)[3:38, 13:48] for k in range(4)]
  np.testing.assert_array_equal(found[0, 0], [flow_kind.to_pixels(f, bound) for f in frames])


@pytest.mark.parametrize("mode", ["disk", "none"])
def test_a_resumed_training_sees_what_it_would_have_seen(open_store, mode):
  store = open_store(mode)
  _assert_equal(_first(_training(store), 7)[4:], _first(_training(store, first_step=4), 3))


def test_another_seed_gives_other_clips(store):
  ((a, _),) = _first(_training(store, seed=1), 1)
  ((b, _),) = _first(_training(store, seed=2), 1)
  assert not np.array_equal(a["rgb"], b["rgb"])


def test_an_epoch_has_every_video_once(store):
  batches = _first(_training(store, batch=9), 2)
  epochs = [labels["label"].tolist() for _, labels in batches]
  assert [sorted(epoch) for epoch in epochs] == [[0, 0, 0, 1, 1, 1, 2, 2, 2]] * 2
  assert epochs[0] != epochs[1]


def test_half_of_the_training_clips_are_mirrored_if_asked(store):
  def images(flip):
    varied = views.Augmentation(horizontal_flip=flip)
    ((streams, _),) = _first(_training(store, batch=200, num_frames=1, augmentation=varied), 1)
    return streams["rgb"]

  plain, flipped = images(False), images(True)
  mirrored = [not np.array_equal(a, b) for a, b in zip(plain, flipped)]
  assert 70 < sum(mirrored) < 130
  assert all(np.array_equal(a[:, :, ::-1], b) for a, b, m in zip(plain, flipped, mirrored) if m)


def test_evaluation_has_every_video_once_and_pads_with_weight_0(open_store):
  batches = _first(_evaluation(open_store("none", "validation"), batch=4, clips_per_video=3))
  labels = np.concatenate([labels["label"] for _, labels in batches])
  weights = np.concatenate([labels["weight"] for _, labels in batches])
  assert [streams["rgb"].shape for streams, _ in batches] == [(4, 3, 4, _SIZE, _SIZE, 3)] * 2
  assert (labels[:5].tolist(), weights.tolist()) == ([2, 1, 0, 0, 2], [1] * 5 + [0] * 3)


def test_evaluation_takes_clips_times_crops(store):
  ((streams, _),) = _first(_evaluation(store, clips_per_video=2, crops_per_clip=3), 1)
  assert streams["rgb"].shape == (2, 6, 4, _SIZE, _SIZE, 3)
  assert not np.array_equal(streams["rgb"][:, 0], streams["rgb"][:, 2])


def test_evaluation_spans_a_video_from_its_first_frame_to_its_last(store):
  streams, _ = _first(_evaluation(store, batch=1, num_frames=2, clips_per_video=3), 1)[0]
  video = store.videos[0]
  for clip, first in ((0, 0), (2, video.frames - 2)):
    expected = np.stack([video.frame("rgb", first + k) for k in range(2)])[:, 3:35, 12:44]
    np.testing.assert_array_equal(streams["rgb"][0, clip], expected)


def test_workers_share_every_step_of_a_training_between_them(store):
  parts = [
    _first(_training(store, input_context=_context(worker, workers=2, replicas=2)), 4)
    for worker in range(2)
  ]
  assert parts[0][0][0]["rgb"].shape[0] == 2
  assert _together(parts) == _together([_first(_training(store), 4)])


def test_workers_share_an_evaluation_between_them(store):
  parts = [
    _first(_evaluation(store, batch=4, input_context=_context(worker, workers=2, replicas=4)))
    for worker in range(2)
  ]
  assert [len(part) for part in parts] == [6, 6]  # Two replicas each, a clip at a time.
  seen = sum(weight for step in _together(parts) for _, weight, _ in step)
  assert seen == len(store.videos) == 9


def test_replicas_get_equal_parts_of_a_batch(store):
  strategy = tf.distribute.MirroredStrategy(["CPU:0"])
  batches = strategy.distribute_datasets_from_function(
    lambda context: _training(store, input_context=context)
  )
  streams, _ = next(iter(batches))
  assert strategy.experimental_local_results(streams["rgb"])[0].shape[0] == 4


def test_a_batch_that_replicas_cannot_share_is_refused(store):
  with pytest.raises(
    cli.UserError, match="a batch of 4 clips cannot be divided among 3 replicas; make it a multiple"
  ):
    _training(store, input_context=_context(0, workers=1, replicas=3))


def test_a_stream_that_the_dataset_lacks_is_named(store):
  with pytest.raises(
    cli.UserError,
    match="the network reads the stream depth, and the dataset "
    "has flow, rgb; prepare a dataset that has it",
  ):
    _evaluation(store, streams=["depth", "rgb"])


def _small_store(write_dataset, folder, clip, **options):
  data = write_dataset(folder, {"train": [clip, clip]}, **options)
  return clip_store.open_store(
    data, "train", image_size=_SIZE, cache_dir=str(folder / "cache"), cache="none"
  )


def test_clips_with_several_labels_have_a_number_for_each_class(
  write_dataset, tmp_path, smooth_picture
):
  clip = [0, 2], {"rgb": [smooth_picture(0, (40, 40, 3))] * 4}
  store = _small_store(write_dataset, tmp_path, clip, multi_label=True)
  ((_, labels),) = _first(_evaluation(store), 1)
  assert labels["label"].tolist() == [[1, 0, 1], [1, 0, 1]]


@pytest.mark.parametrize("streams", [["rgb"], ["flow"], ["depth"], ["depth", "rgb"]])
def test_a_dataset_may_have_any_streams(write_dataset, tmp_path, smooth_picture, streams):
  pictures = {
    "rgb": [smooth_picture(0, (40, 60, 3))] * 5,
    "flow": [np.full((40, 60, 2), 1.25)] * 4,
    "depth": [smooth_picture(1, (20, 30))] * 5,  # Of half the size.
  }
  clip = [1], {name: pictures[name] for name in streams}
  store = _small_store(write_dataset, tmp_path, clip)
  ((batch, _),) = _first(_evaluation(store, streams=streams), 1)
  channels = {"rgb": 3, "flow": 2, "depth": 1}
  assert {name: values.shape for name, values in batch.items()} == {
    name: (2, 1, 4, _SIZE, _SIZE, channels[name]) for name in streams
  }

"""Flow that is computed from a dataset's frames, beside the flow that preparation stored."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.stream_kinds import flow as flow_kind
from official.inputs import clip_store
from official.inputs import clips
from official.inputs import flow_source
from official.inputs import videos
from official.inputs import views
from official.layers import optical_flow

_SIZE = 32
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def open_store(tmp_path_factory):
  cache_dir = str(tmp_path_factory.mktemp("cache"))

  def open_one(data_dir: str, flow="in_graph", cache="none", **options) -> clip_store.ClipStore:
    fixed = dict(image_size=_SIZE, cache_dir=cache_dir)
    return clip_store.open_store(data_dir, "test", flow=flow, cache=cache, **fixed | options)

  return open_one


def _evaluation(store):
  batches = clips.evaluation_clips(
    store, ["flow", "rgb"], num_frames=6, image_size=_SIZE, global_batch_size=1, clips_per_video=2
  )
  return {video.id: streams for video, (streams, _) in zip(store.videos, batches)}


def _training(store, flip=True):
  return clips.training_clips(
    store,
    ["flow", "rgb"],
    num_frames=6,
    image_size=_SIZE,
    global_batch_size=2,
    seed=3,
    augmentation=views.Augmentation(horizontal_flip=flip),
  ).take(4)


def test_computed_batches_are_close_to_stored_ones(open_store, sample_dataset, rgb_dataset):
  stored = _evaluation(open_store(sample_dataset, "stored"))
  computed = _evaluation(open_store(rgb_dataset))
  assert computed.keys() == stored.keys() and len(stored) > 5
  for clip in stored:
    np.testing.assert_array_equal(computed[clip]["rgb"], stored[clip]["rgb"])
  one, other = (
    np.stack([clip["flow"] for _, clip in sorted(each.items())]) for each in (stored, computed)
  )
  assert np.linalg.norm(one - other, axis=-1).mean() < 0.25
  assert np.linalg.norm(one, axis=-1).mean() > 0.5
  assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("mode", ["disk", "memory"])
def test_how_videos_are_cached_shows_in_no_bit(open_store, rgb_dataset, mode):
  kept, streamed = open_store(rgb_dataset, cache=mode), open_store(rgb_dataset)
  for (one, _), (other, _) in zip(_training(kept), _training(streamed)):
    np.testing.assert_array_equal(one["flow"], other["flow"])
    assert np.abs(one["flow"]).max() > 0.5


def test_it_is_the_same_where_the_dataset_has_flow(open_store, sample_dataset, rgb_dataset):
  one, other = (_evaluation(open_store(data)) for data in (sample_dataset, rgb_dataset))
  for clip in one:
    np.testing.assert_array_equal(one[clip]["flow"], other[clip]["flow"])


@pytest.fixture(scope="module")
def pairs():
  """Three pairs of moving texture, uint8."""
  rng = np.random.default_rng(0)
  coarse = rng.uniform(0, 255, (3, 6, 8, 3)).repeat(8, 1).repeat(8, 2)
  return np.stack([coarse, np.roll(coarse, 1, 2)], 1).astype(np.uint8)


@pytest.mark.slow
def test_the_number_of_threads_shows_in_no_bit(pairs, tmp_path):
  np.save(tmp_path / "pairs.npy", pairs)
  code = (
    "import numpy, tensorflow as tf\n"
    "from official.inputs import flow_source\n"
    "tf.config.threading.set_intra_op_parallelism_threads(3)\n"
    "numpy.save('flow.npy', flow_source.compute(numpy.load('pairs.npy'), 0.5))\n"
  )
  subprocess.run(
    [sys.executable, "-c", code],
    cwd=tmp_path,
    check=True,
    env={**os.environ, "PYTHONPATH": str(ROOT)},
  )
  assert tf.config.threading.get_intra_op_parallelism_threads() != 3
  np.testing.assert_array_equal(np.load(tmp_path / "flow.npy"), flow_source.compute(pairs, 0.5))


def test_a_pair_has_the_same_flow_alone_and_among_others(pairs):
  alone = [flow_source.compute(pair[np.newaxis], 0.5)[0] for pair in pairs]
  np.testing.assert_array_equal(flow_source.compute(pairs, 0.5), alone)


def test_motion_beyond_the_bound_is_clipped_as_stored_flow_is(pairs):
  flow = optical_flow.pair_flow(pairs).numpy()
  assert flow[..., 0].max() > 0.25
  np.testing.assert_array_equal(flow_source.compute(pairs, 0.25), flow_kind.to_levels(flow, 0.25))
  assert flow_source.compute(pairs, 0.25)[..., 0].max() == 255


def test_a_mirrored_clip_has_mirrored_flow_with_x_negated(open_store, rgb_dataset):
  store = open_store(rgb_dataset, cache="memory")
  plain, varied = (
    np.concatenate([streams["flow"].numpy() for streams, _ in _training(store, flip)])
    for flip in (False, True)
  )
  assert np.abs(plain).max() > 0.5
  mirrored = plain[:, :, :, ::-1] * np.array([-1, 1], plain.dtype)
  flipped = [not np.array_equal(one, other) for one, other in zip(varied, plain)]
  assert 0 < sum(flipped) < len(plain)
  np.testing.assert_array_equal(varied[flipped], mirrored[flipped])


def test_it_is_computed_once_and_kept_beside_what_is_stored(open_store, sample_dataset, tmp_path):
  told = []
  for flow in ("stored", "in_graph", "in_graph"):
    open_store(
      sample_dataset,
      flow,
      "disk",
      cache_dir=str(tmp_path),
      progress=lambda done, total: told.append((done, total)),
    )
  count = len(open_store(sample_dataset).videos)
  assert told == 2 * [(n, count) for n in range(1, count + 1)]
  stored, computed = sorted(path for path in tmp_path.iterdir() if path.is_dir())
  assert computed.name == stored.name + "-in_graph"
  assert np.load(computed / "flow.npy", mmap_mode="r").dtype == np.float16


def _only(write_dataset, folder, frames, side=40):
  data = write_dataset(folder, {"train": [([0], {"rgb": frames})]})
  streams = flow_source.streams(metadata.load(data), "in_graph")
  return videos.Streamed(streams, data, "train", side, None, shrunk=side < 40)[0], streams["flow"]


def test_flow_is_computed_at_the_dataset_s_size_and_then_brought_to_the_grid(
  write_dataset, tmp_path, smooth_picture
):
  frames = [np.roll(smooth_picture(0, (40, 60, 3)), 2 * t, 1) for t in range(2)]
  video, stream = _only(write_dataset, tmp_path, frames, side=20)
  found = flow_kind.vectors(video.frame("flow", 0), stream)
  assert found.shape == (20, 30, 2)
  assert np.median(found, (0, 1)) == pytest.approx([1, 0], abs=0.1)


def test_the_last_flow_is_repeated(write_dataset, tmp_path, smooth_picture):
  frames = [np.roll(smooth_picture(0, (40, 60, 3)), t * t, 1) for t in range(3)]
  video, _ = _only(write_dataset, tmp_path, frames)
  flows = list(video.read("flow", range(3)))
  np.testing.assert_array_equal(flows[2], flows[1])
  np.testing.assert_array_equal(flows[2], video.frame("flow", 2))
  assert not np.array_equal(flows[0], flows[1])


def test_a_video_of_one_frame_does_not_move(write_dataset, tmp_path, smooth_picture):
  video, stream = _only(write_dataset, tmp_path, [smooth_picture(0, (40, 60, 3))])
  assert not flow_kind.vectors(video.frame("flow", 0), stream).any()


def test_the_mode_is_read_from_the_streams(two_stream):
  info = metadata.load(two_stream)
  assert [flow_source.mode_of(flow_source.streams(info, mode)) for mode in flow_source.MODES] == [
    "stored",
    "in_graph",
  ]


@pytest.mark.parametrize(
  "mode, message",
  [
    (
      "in_graph",
      "`flow`=in_graph computes flow from the stream rgb, and the dataset has flow; give "
      "`flow`=stored, or prepare a dataset with frames",
    ),
    ("farneback", "unknown flow 'farneback'; there are stored, in_graph"),
  ],
)
def test_flow_that_cannot_be_had_is_refused(write_dataset, tmp_path, mode, message):
  clip = [0], {"flow": [np.zeros((40, 60, 2))] * 2}
  info = metadata.load(write_dataset(tmp_path, {"train": [clip]}))
  with pytest.raises(cli.UserError, match=message):
    flow_source.streams(info, mode)

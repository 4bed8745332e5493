"""Frames on the grid: decoded, shrunk, flow in pixels of what was shrunk."""

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import stored_images
from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import StreamInfo
from official.inputs import videos

FLOW = StreamInfo(kind="flow", channels=2, feature="flow", format="png", bound=20.0)


def _only(data_dir, side, folder) -> videos.Video:
  info = metadata.load(data_dir)
  kept = str(folder / "index.npy")
  shrunk = side < info.short_side
  return videos.Streamed(info.streams, data_dir, "train", side, kept, shrunk=shrunk)[0]


def _write(write_dataset, folder, **frames):
  return write_dataset(folder, {"train": [([1], frames)]})


def test_frames_are_those_of_the_dataset(write_dataset, tmp_path, smooth_picture):
  frames = [smooth_picture(seed, (40, 60, 3)) for seed in range(3)]
  video = _only(_write(write_dataset, tmp_path, rgb=frames), 40, tmp_path)
  assert (video.id, video.labels, video.frames) == ("train0", (1,), 3)
  np.testing.assert_array_equal([video.frame("rgb", index) for index in (1, 2)], frames[1:])


def test_frames_are_shrunk_as_preparation_shrinks_them(write_dataset, tmp_path, smooth_picture):
  frame = smooth_picture(0, (40, 60, 3))
  video = _only(_write(write_dataset, tmp_path, rgb=[frame]), 20, tmp_path)
  np.testing.assert_array_equal(video.frame("rgb", 0), stored_images.resized(frame, 30, 20))


def test_flow_is_in_pixels_of_the_grid(write_dataset, tmp_path):
  flow = np.broadcast_to(np.float32([2.5, -5.0]), (40, 60, 2))
  video = _only(_write(write_dataset, tmp_path, flow=[flow]), 20, tmp_path)
  np.testing.assert_array_equal(
    flow_kind.vectors(video.frame("flow", 0), FLOW), np.broadcast_to([1.25, -2.5], (20, 30, 2))
  )


def test_flow_at_full_size_is_what_decode_flow_says(write_dataset, tmp_path):
  flow = np.random.default_rng(0).normal(0, 8, (40, 60, 2)).astype(np.float32)
  video = _only(_write(write_dataset, tmp_path, flow=[flow]), 40, tmp_path)
  expected = flow_kind.to_pixels(flow_kind.to_levels(flow, 20.0), 20.0)
  frame = video.frame("flow", 0)
  assert frame.dtype == np.uint8
  np.testing.assert_array_equal(flow_kind.vectors(frame, FLOW), expected)


def test_flow_of_another_size_is_brought_to_the_dataset_s_and_stays_in_8_bits(
  write_dataset, tmp_path, smooth_picture
):
  frames = [smooth_picture(0, (40, 60, 3))] * 2
  flow = np.broadcast_to(np.float32([2.5, -5.0]), (20, 30, 2))
  video = _only(_write(write_dataset, tmp_path, rgb=frames, flow=[flow]), 40, tmp_path)
  frame = video.frame("flow", 0)
  assert frame.dtype == np.uint8
  np.testing.assert_array_equal(
    flow_kind.vectors(frame, FLOW), np.broadcast_to([5.0, -10.0], (40, 60, 2))
  )


def test_the_last_flow_is_repeated(write_dataset, tmp_path, smooth_picture):
  flows = [np.full((40, 40, 2), value, np.float32) for value in (1.25, 2.5)]
  frames = [smooth_picture(0, (40, 40, 3))] * 3
  video = _only(_write(write_dataset, tmp_path, rgb=frames, flow=flows), 40, tmp_path)
  frames = [flow_kind.vectors(video.frame("flow", index), FLOW) for index in range(3)]
  assert [frame[0, 0, 0] for frame in frames] == [1.25, 2.5, 2.5]


def test_a_stream_of_one_channel_keeps_it(write_dataset, tmp_path, smooth_picture):
  depth = smooth_picture(0, (40, 60))
  video = _only(_write(write_dataset, tmp_path, depth=[depth]), 40, tmp_path)
  np.testing.assert_array_equal(video.frame("depth", 0), depth[..., None])


@pytest.mark.parametrize(
  "image_size, prepared, expected",
  [(224, 320, 256), (224, 256, 256), (224, 240, 240), (32, 64, 37)],
)
def test_the_grid_is_a_little_larger_than_the_square_and_never_larger_than_the_dataset(
  write_dataset, tmp_path, smooth_picture, image_size, prepared, expected
):
  frames = {"rgb": [smooth_picture(0, (40, 60, 3))]}
  folder = write_dataset(tmp_path, {"train": [([0], frames)]}, short_side=prepared)
  assert videos.short_side(image_size, metadata.load(folder).short_side) == expected


def _record(**lists):
  return records.sequence_example({"example/id": [b"x"], "clip/label/index": [0]}, lists)


_RGB = {"rgb": StreamInfo(kind="image", channels=3, feature="image/encoded", format="png")}


def test_a_clip_without_frames_of_a_stream_is_named():
  with pytest.raises(cli.UserError, match="the clip 'x' has no frames of the stream 'rgb' "):
    videos.from_record(_record(), _RGB, 40, shrunk=False)


def test_a_frame_that_is_no_image_is_named():
  video = videos.from_record(_record(**{"image/encoded": [[b"no image"]]}), _RGB, 40, shrunk=False)
  with pytest.raises(cli.UserError, match="frame 0 of the stream 'rgb' of the clip 'x' cannot be"):
    video.frame("rgb", 0)

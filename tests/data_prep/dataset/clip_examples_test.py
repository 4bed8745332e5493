"""One video to one SequenceExample."""

import cv2
import numpy as np
import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import records
from data_prep.dataset import stored_images
from data_prep.dataset.stream_kinds import flow as flow_kind

FLOW = "FORWARD_FLOW/image/encoded"


def images(lists, key):
  """Decodes a feature list of images to RGB."""
  return [
    cv2.imdecode(np.frombuffer(step[0], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    for step in lists[key]
  ]


def test_t_frames_have_t_minus_1_flows(write_video, tmp_path, make_clip):
  record, frames = make_clip(write_video(tmp_path / "a.mp4", count=8))
  lists = records.parse(record)[1]
  assert frames == 8
  assert {key: len(steps) for key, steps in lists.items()} == {
    "image/encoded": 8,
    "image/timestamp": 8,
    FLOW: 7,
    "FORWARD_FLOW/image/timestamp": 7,
  }


def test_timestamps_are_microseconds_and_flow_has_that_of_its_first_frame(
  write_video, tmp_path, make_clip
):
  lists = records.parse(make_clip(write_video(tmp_path / "a.mp4", count=4))[0])[1]
  assert lists["image/timestamp"] == [[0], [100_000], [200_000], [300_000]]
  assert lists["FORWARD_FLOW/image/timestamp"] == [[0], [100_000], [200_000]]


def test_the_context_has_mediasequence_keys(write_video, tmp_path, make_clip):
  context = records.parse(make_clip(write_video(tmp_path / "a.mp4"), flow_bound=15.0)[0])[0]
  image = {
    "channels": [3],
    "colorspace": [b"RGB"],
    "width": [43],
    "height": [32],
    "frame_rate": [10.0],
  }
  assert context == {
    "example/id": [b"id"],
    "clip/media_id": [b"id"],
    "clip/data_path": [b"a.mp4"],
    "clip/label/index": [1],
    "clip/label/string": [b"b"],
    "clip/label/text": [b"b"],
    "image/format": [b"JPEG"],
    "FORWARD_FLOW/image/format": [b"PNG"],
    "FORWARD_FLOW/image/saturation": [15.0],
    **{f"image/{key}": value for key, value in image.items()},
    **{f"FORWARD_FLOW/image/{key}": value for key, value in image.items()},
  }


def test_a_window_has_its_own_times(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", count=30)
  record, frames = make_clip(path, start=1.5, end=2.0)
  context, lists = records.parse(record)
  assert frames == 5
  assert lists["image/timestamp"][0] == [1_500_000]
  assert context["clip/start/timestamp"] == [1_500_000]
  assert context["clip/end/timestamp"] == [2_000_000]


@pytest.mark.parametrize("shift, expected", [((3, 0), (3, 0)), ((0, -2), (0, -2))])
def test_x_is_channel_0_and_y_is_channel_1_of_any_rgb_decoder(
  write_video, tmp_path, make_clip, shift, expected
):
  tf = pytest.importorskip("tensorflow")
  path = write_video(tmp_path / "a.mp4", size=(96, 64), shift=shift)
  lists = records.parse(make_clip(path, short_side=64)[0])[1]
  decoded = tf.io.decode_image(lists[FLOW][2][0]).numpy()
  assert decoded.shape == (64, 96, 3) and not decoded[..., 2].any()
  vectors = flow_kind.to_pixels(decoded, 20.0)[12:-12, 12:-12]
  np.testing.assert_allclose(np.median(vectors, (0, 1)), expected, atol=0.35)


def test_flow_is_in_pixels_of_the_dataset_frame(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", size=(96, 64), shift=(4, 0))
  lists = records.parse(make_clip(path, short_side=32)[0])[1]
  vectors = flow_kind.to_pixels(images(lists, FLOW)[2], 20.0)[8:-8, 8:-8]
  assert abs(np.median(vectors[..., 0]) - 2) < 0.3


def test_a_repeated_frame_has_flow_that_is_exactly_zero(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", fps=5)
  lists = records.parse(make_clip(path, fps=10)[0])[1]
  flows = images(lists, FLOW)
  assert (flows[0][..., :2] == 128).all() and (flows[1][..., 0] != 128).any()


def test_frames_keep_their_colours(write_video, tmp_path, make_clip, texture):
  lists = records.parse(make_clip(write_video(tmp_path / "a.mp4"), short_side=48)[0])[1]
  expected = texture[40:88, 40:104]
  assert np.abs(images(lists, "image/encoded")[0].astype(int) - expected).mean() < 8


def test_without_flow_there_is_no_word_of_it(write_video, tmp_path, make_clip):
  context, lists = records.parse(make_clip(write_video(tmp_path / "a.mp4"), flow="none")[0])
  assert not [key for key in [*context, *lists] if "FLOW" in key]


def test_the_same_clip_gives_the_same_bytes(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4")
  assert make_clip(path) == make_clip(path)


def test_one_frame_is_enough_without_flow(write_video, tmp_path, make_clip):
  assert make_clip(write_video(tmp_path / "a.avi", count=1), flow="none")[1] == 1


@pytest.mark.parametrize(
  "window, fps, stage, message",
  [
    ({}, 1, "flow", "the clip has only one frame at 1 frames a second; flow needs two"),
    ({"start": 5.0}, 10, "decode", "the video has no frame between start 5 s and its end"),
  ],
)
def test_a_clip_that_is_too_short(write_video, tmp_path, make_clip, window, fps, stage, message):
  with pytest.raises(clip_examples.ClipError, match=message) as error:
    make_clip(write_video(tmp_path / "a.mp4"), fps=fps, **window)
  assert error.value.stage == stage


def test_no_video_at_all(tmp_path, make_clip):
  with pytest.raises(clip_examples.ClipError, match="No such file or directory") as error:
    make_clip(tmp_path / "a.mp4")
  assert error.value.stage == "decode"


def test_the_first_two_frames_of_the_real_clip_are_where_they_belong(shared_data, make_clip):
  path = shared_data / "ut_interaction" / "set1" / "0_1_4.avi"
  assert make_clip(path, fps=30, short_side=16, flow="none")[1] == 108


def test_flow_as_jpeg_says_so_and_is_near(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", size=(96, 64), shift=(3, 0))
  found = {
    name: records.parse(make_clip(path, short_side=64, flow_format=name)[0])
    for name in stored_images.FORMATS
  }
  assert found["jpeg"][0]["FORWARD_FLOW/image/format"] == [b"JPEG"]
  vectors = {
    name: flow_kind.to_pixels(images(lists, FLOW)[2], 20.0) for name, (_, lists) in found.items()
  }
  assert 0 < np.abs(vectors["png"] - vectors["jpeg"]).mean() < 0.2

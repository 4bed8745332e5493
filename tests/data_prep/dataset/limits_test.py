"""Limits of what a clip may cost."""

import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import rows
from data_prep.dataset.limits import LimitError
from data_prep.dataset.limits import Limits


def test_a_picture_within_the_limits_passes():
  Limits(max_megapixels=0.5).check_picture(1000, 500)


@pytest.mark.parametrize(
  "size, message",
  [
    ((1000, 501), "frames of 1000x501, more than --max_megapixels=0.5"),
    ((20, 321), "frames of 20x321: one side is more than 16 times the other"),
  ],
)
def test_a_picture_beyond_them(size, message):
  with pytest.raises(LimitError, match=message):
    Limits(max_megapixels=0.5).check_picture(*size)


@pytest.mark.parametrize(
  "limits, message",
  [
    (
      {"max_clip_seconds": 0.7},
      "longer than --max_clip_seconds=0.7; give start and end in the "
      "manifest, or --window_seconds, or raise it",
    ),
    ({"max_frames": 7}, "more than --max_frames=7 to decode from the key frame before the clip's"),
    ({"max_megapixels": 0.003}, "frames of 64x48, more than --max_megapixels=0.003"),
    ({"max_megabytes": 0.005}, "more than --max_megabytes=0.005 of encoded frames and flows"),
  ],
)
def test_a_clip_beyond_a_limit_fails_by_name(write_video, tmp_path, make_clip, limits, message):
  path = write_video(tmp_path / "a.mp4", count=8)
  with pytest.raises(clip_examples.ClipError, match=message) as error:
    make_clip(path, limits=Limits(**limits))
  assert error.value.stage == "limit"


def test_a_clip_of_exactly_the_limits_passes(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", count=8)
  limits = Limits(max_clip_seconds=0.8, max_frames=8, max_megapixels=0.003072)
  assert make_clip(path, limits=limits)[1] == 8


def test_a_clip_that_is_far_too_long_is_told_before_anything_is_decoded(write_video, tmp_path):
  path = write_video(tmp_path / "a.mp4", count=40)
  row = rows.Row(
    clip_id="id", path="a.mp4", location=str(path), labels=("a",), split="train", start=0.5
  )
  settings = clip_examples.Settings(fps=10, short_side=32, limits=Limits(max_clip_seconds=2.0))
  frames = []
  with pytest.raises(clip_examples.ClipError, match="longer than --max_clip_seconds=2; "):
    clip_examples.ClipMaker(settings, ["a"]).make(row, lambda: frames.append(1))
  assert not frames


def test_frames_after_the_end_of_a_window_do_not_count(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", count=60)
  limits = Limits(max_clip_seconds=0.5, max_frames=9)
  assert make_clip(path, start=2.4, end=2.9, limits=limits)[1] == 5

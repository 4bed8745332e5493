"""Frames that have been through H.264."""

import cv2
import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import clip_examples
from data_prep.dataset import coded_frames
from data_prep.dataset import decoding
from data_prep.dataset import records


def _decoded(stored):
  return [cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR_RGB) for one in stored]


def _coded(frames, text="h264:30"):
  coder = coded_frames.Coder(coded_frames.parse(text), decoding.exact(10))
  sizes = [coder.add(frame) for frame in frames]
  assert sum(sizes) + coder.finish() == sum(map(len, coder.stored))
  return _decoded(coder.stored)


@pytest.fixture
def moving(texture):
  """Fifty frames of odd sides, 45x61, that move by 3 pixels: more than an encoder looks ahead."""
  return [np.roll(texture, 3 * k, 1)[30:75, 40:101] for k in range(50)]


def test_frames_come_back_in_their_order_and_size(moving):
  found = _coded(moving)
  assert [frame.shape for frame in found] == [(45, 61, 3)] * 50
  for k, frame in enumerate(found):
    errors = [np.abs(frame.astype(int) - other).mean() for other in moving]
    assert np.argmin(errors) == k


def test_a_larger_factor_is_worse(moving):
  psnr = [
    np.mean([cv2.PSNR(*pair) for pair in zip(moving, _coded(moving, f"h264:{crf}"))])
    for crf in (10, 30, 45)
  ]
  assert psnr[0] > psnr[1] + 2 > psnr[2] + 4


def test_the_same_frames_give_the_same_bits(moving):
  np.testing.assert_array_equal(_coded(moving), _coded(moving))


def test_one_frame_is_enough(moving):
  assert len(_coded(moving[:1])) == 1


def test_a_clip_has_the_stream_beside_its_frames(write_video, tmp_path, make_clip):
  path = write_video(tmp_path / "a.mp4", count=4, fps=5)
  record, frames = make_clip(path, fps=10, flow="none", degrade="h264:40")
  context, lists = records.parse(record)
  assert len(lists[coded_frames.FEATURE]) == len(lists["image/encoded"]) == frames == 7
  assert lists["degraded/image/timestamp"] == lists["image/timestamp"]
  assert context["degraded/image/format"] == [b"PNG"]
  assert context["degraded/image/width"] == context["image/width"] == [43]
  coded, own = (
    _decoded(step[0] for step in lists[key]) for key in (coded_frames.FEATURE, "image/encoded")
  )
  psnr = [cv2.PSNR(*pair) for pair in zip(coded, own, strict=True)]
  assert 20 < min(psnr) and max(psnr) < 40
  plain = records.parse(make_clip(path, fps=10, flow="none")[0])
  assert lists["image/encoded"] == plain[1]["image/encoded"]
  assert plain[0] == {key: value for key, value in context.items() if "degraded" not in key}


def test_settings_without_it_are_as_before():
  plain = clip_examples.Settings(fps=10, short_side=64)
  assert "degrade" not in plain.identity and "degraded" not in plain.streams
  coded = clip_examples.Settings(fps=10, short_side=64, degrade="h264:38")
  assert coded.identity["degrade"] == "h264:38"
  assert coded.streams["degraded"].format == "png"


def test_bytes_of_coded_frames_count(write_video, tmp_path, make_clip):
  limits = clip_examples.Limits(max_megabytes=0.02)
  path = write_video(tmp_path / "a.mp4", count=8)
  make_clip(path, flow="none", limits=limits)
  with pytest.raises(clip_examples.ClipError) as error:
    make_clip(path, flow="none", limits=limits, degrade="h264:5")
  assert error.value.stage == "limit"


@pytest.mark.parametrize("text", ["h264", "h264:", "h264:-1", "h264:52", "h264:3.5", "hevc:30"])
def test_what_is_no_coding(text):
  with pytest.raises(cli.UserError, match="is not h264:CRF"):
    coded_frames.parse(text)

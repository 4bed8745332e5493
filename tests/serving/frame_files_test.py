"""Frames as videos and as folders of PNGs."""

from fractions import Fraction
import os

import cv2
import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import decoding
from official.serving import frame_files

_FRAMES = np.random.default_rng(0).integers(0, 256, (5, 13, 17, 3), dtype=np.uint8)


def _written(path, **settings) -> str:
  with frame_files.FrameFile(str(path), rate=Fraction(25, 2), **settings) as file:
    for frame in _FRAMES:
      file.write(frame)
  return file.path


def test_a_video_is_lossless_and_has_its_rate(tmp_path):
  path = _written(tmp_path / "video")
  timed = list(decoding.frames(path, clock=decoding.CLOCKS[0]))
  found = [decoding.upright_rgb(frame) for _, frame in timed]
  np.testing.assert_array_equal(found, _FRAMES)
  assert float(timed[1][0] - timed[0][0]) == pytest.approx(0.08)
  assert os.listdir(tmp_path) == ["video.mkv"]


def test_pngs_are_numbered_from_zero(tmp_path):
  path = _written(tmp_path / "video", codec=None)
  assert sorted(os.listdir(path)) == [f"00000{number}.png" for number in range(5)]
  found = cv2.imread(os.path.join(path, "000003.png"))[..., ::-1]
  np.testing.assert_array_equal(found, _FRAMES[3])


def test_another_codec_cuts_off_an_odd_row_and_column(tmp_path):
  path = _written(tmp_path / "video", codec="libx264")
  [(_, first), *_] = decoding.frames(path, clock=decoding.CLOCKS[0])
  assert decoding.upright_rgb(first).shape == (12, 16, 3)


@pytest.mark.parametrize("codec", [None, "ffv1"])
def test_nothing_is_left_of_a_file_that_fails(tmp_path, codec):
  with pytest.raises(RuntimeError):
    with frame_files.FrameFile(str(tmp_path / "video"), rate=Fraction(10), codec=codec) as file:
      file.write(_FRAMES[0])
      raise RuntimeError("a failure")
  assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("codec", ["nonsense", "pcm_s16le", "png"])
def test_what_encodes_no_video_is_refused(codec):
  with pytest.raises(cli.UserError, match=f"`codec`={codec} is no encoder"):
    frame_files.check_codec(codec)

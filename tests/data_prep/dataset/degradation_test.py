"""Degradations: what they do to frames, and what of a --degrade is refused."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import degradation


def _frames(side: int = 32, count: int = 4) -> np.ndarray:
  noise = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
  return np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in noise])


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bicubic_is_the_antialiased_filter_that_tensorflow_has(factor):
  frames = _frames(side=12 * factor)
  wanted = tf.image.resize(frames, [12, 12], method="bicubic", antialias=True).numpy()
  found = degradation.parse(f"bicubic:{factor}").apply(frames).astype(float)
  inside = np.s_[:, 3:-3, 3:-3]  # At borders, TensorFlow leaves out what we mirror.
  assert np.abs(found[inside] - wanted[inside]).max() <= 0.501


def test_gauss_takes_every_pixel_of_the_factor_of_what_opencv_blurs():
  frames = _frames()
  found = degradation.parse("gauss:1.6:4").apply(frames)
  blurred = cv2.GaussianBlur(frames[1], (0, 0), 1.6, borderType=cv2.BORDER_REFLECT_101)
  np.testing.assert_array_equal(found[1], blurred[2::4, 2::4])
  assert degradation.parse("gauss:1.6").apply(frames).shape == frames.shape


def test_jpeg_of_lower_quality_is_further_from_the_truth():
  frames = _frames().astype(int)
  near, far = (
    np.abs(degradation.parse(f"jpeg:{quality}").apply(_frames()).astype(int) - frames).mean()
    for quality in (90, 10)
  )
  assert 0 < near < far


def test_every_second_frame_is_the_mean_of_its_neighbours():
  frames = np.array([0, 99, 11, 99], np.uint8).reshape(4, 1, 1, 1) * np.ones((1, 2, 2, 3), np.uint8)
  chain = degradation.parse("drop:2")
  found = chain.apply(frames)
  assert found[:, 0, 0, 0].tolist() == [0, 6, 11, 11]
  assert chain.missing(5).tolist() == [False, True, False, True, False]
  assert frames[1, 0, 0, 0] == 99  # The truth is not touched.


def test_a_chain_does_one_after_the_other():
  frames = _frames()
  chain = degradation.parse("bicubic:2+jpeg:30")
  small = degradation.parse("bicubic:2").apply(frames)
  np.testing.assert_array_equal(chain.apply(frames), degradation.parse("jpeg:30").apply(small))
  assert chain.scale == 2 and degradation.parse("bicubic:2+gauss:1:3").scale == 6


@pytest.mark.parametrize(
  "text",
  ["blur", "bicubic", "bicubic:5", "gauss:0", "gauss:1.6:5", "jpeg:0", "jpeg:x", "drop:3", ""],
)
def test_what_there_is_not_is_refused_with_what_there_is(text):
  with pytest.raises(cli.UserError, match=f"^`degrade`={text}: there is no degradation '{text}'; "):
    degradation.parse(text)


def test_a_stream_is_where_the_frames_of_a_chain_come_from():
  frames = _frames()
  assert degradation.parse("bicubic:2").stream == ""
  chain = degradation.parse("stream:degraded")
  assert chain.stream == "degraded" and chain.scale == 1 and not chain.missing(4).any()
  np.testing.assert_array_equal(chain.apply(frames), frames)
  both = degradation.parse("stream:degraded+bicubic:2")
  np.testing.assert_array_equal(both.apply(frames), degradation.parse("bicubic:2").apply(frames))
  with pytest.raises(cli.UserError, match="stream:NAME is where frames come from; put it first"):
    degradation.parse("bicubic:2+stream:degraded")


def test_a_size_that_the_factor_does_not_divide_is_refused():
  degradation.check_size("bicubic:4", 64)
  with pytest.raises(cli.UserError, match="shrinks frames by 4, .*`image_size`=66; give .*=64$"):
    degradation.check_size("bicubic:4", 66)

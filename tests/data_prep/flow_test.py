"""TV-L1: sign, scale, accuracy."""

import cv2
import numpy as np
import pytest

from data_prep import dataset
from data_prep import flow


@pytest.fixture
def grey(texture):
  return cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("profile", sorted(flow.PROFILES))
@pytest.mark.parametrize("shift", [(2, 0), (0, -3)])
def test_flow_is_where_a_pixel_has_gone(grey, shift, profile):
  moved = np.roll(grey, (shift[1], shift[0]), (0, 1))
  vectors = flow.FlowComputer(profile)(grey, moved)[16:-16, 16:-16]
  np.testing.assert_allclose(vectors.mean((0, 1)), shift, atol=0.1)


def test_a_repeated_frame_has_the_flow_that_tvl1_would_find(grey):
  computer = flow.FlowComputer("fast")
  np.testing.assert_array_equal(computer(grey, grey), computer(grey, grey.copy()))


def test_flow_of_equal_frames_is_exactly_zero(grey):
  assert not flow.FlowComputer("fast")(grey, grey.copy()).any()


def test_the_same_frames_give_the_same_bits(grey):
  computer, moved = flow.FlowComputer("fast"), np.roll(grey, 3, 1)
  first = computer(grey, moved)
  computer(grey[:50, :40], moved[:50, :40])
  np.testing.assert_array_equal(computer(grey, moved), first)


def _pair_with_truth(folder, first, second, truth):
  images = [cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in (first, second)]
  content = (folder / truth).read_bytes()
  width, height = np.frombuffer(content, np.int32, 2, 4)
  return *images, np.frombuffer(content, np.float32, offset=12).reshape(height, width, 2)


def _error(vectors, truth):
  known = np.abs(truth).max(axis=2) < 1e9
  return np.linalg.norm(vectors - truth, axis=2)[known].mean()


def test_fast_is_accurate_on_rubber_whale_also_after_storage(shared_data):
  first, second, truth = _pair_with_truth(shared_data / "flow", "frame10.png", "frame11.png",
                                          "flow10.flo")
  vectors = flow.FlowComputer("fast")(first, second)
  stored = dataset.decode_flow(dataset.encode_flow(vectors, 20.0), 20.0)
  assert _error(vectors, truth) <= 0.195
  assert _error(stored, truth) <= 0.210


@pytest.mark.slow
def test_opencv_default_is_accurate_on_rubber_whale(shared_data):
  first, second, truth = _pair_with_truth(shared_data / "flow", "frame10.png", "frame11.png",
                                          "flow10.flo")
  assert _error(flow.FlowComputer("opencv_default")(first, second), truth) <= 0.160


def test_fast_follows_large_motion(shared_data):
  errors = []
  for pair in ("0000000", "0000001", "0000002"):
    first, second, truth = _pair_with_truth(shared_data / "flow", f"{pair}-img0.ppm",
                                            f"{pair}-img1.ppm", f"{pair}-gt.flo")
    errors.append(_error(flow.FlowComputer("fast")(first, second), truth))
  assert np.mean(errors) <= 3.6

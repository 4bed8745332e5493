"""TV-L1: sign, scale, sizes, accuracy."""

import cv2
import numpy as np
import pytest

from data_prep.dataset import tvl1
from data_prep.dataset.stream_kinds import flow as flow_kind
from tests import true_flow
from tests.tools import loaded_mains


@pytest.fixture
def grey(texture):
  return cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("profile", tvl1.PROFILES)
@pytest.mark.parametrize("shift", [(2, 0), (0, -3), (7, 4)])
def test_flow_is_where_a_pixel_has_gone(grey, shift, profile):
  moved = np.roll(grey, (shift[1], shift[0]), (0, 1))
  vectors = tvl1.FlowComputer(profile)(grey, moved)[16:-16, 16:-16]
  np.testing.assert_allclose(vectors.mean((0, 1)), shift, atol=0.1)


def test_a_repeated_frame_has_the_flow_that_tvl1_would_find(grey):
  computer = tvl1.FlowComputer("fast")
  np.testing.assert_array_equal(computer(grey, grey), computer(grey, grey.copy()))


def test_flow_of_equal_frames_is_exactly_zero(grey):
  assert not tvl1.FlowComputer("fast")(grey, grey.copy()).any()


def test_the_same_frames_give_the_same_bits(grey):
  computer, moved = tvl1.FlowComputer("fast"), np.roll(grey, 3, 1)
  first = computer(grey, moved)
  computer(grey[:50, :40], moved[:50, :40])
  np.testing.assert_array_equal(computer(grey, moved), first)


@pytest.mark.parametrize("profile", tvl1.PROFILES)
@pytest.mark.parametrize("turn, growth", [(2.0, 1.0), (0.0, 1.03), (-1.0, 0.98)])
def test_flow_of_a_turned_and_scaled_picture_is_known(grey, turn, growth, profile):
  height, width = grey.shape
  matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, growth)
  moved = cv2.warpAffine(
    grey, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
  )
  points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
  truth = points @ matrix[:, :2].T + matrix[:, 2] - points
  found = tvl1.FlowComputer(profile)(grey, moved)
  error = np.linalg.norm(found - truth, axis=-1)[16:-16, 16:-16].mean()
  assert error < 0.1 < np.linalg.norm(truth, axis=-1)[16:-16, 16:-16].mean() / 4


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 13), (8, 8), (2, 5), (1, 1)])
def test_frames_may_be_small(grey, size):
  height, width = size
  first, second = grey[:height, :width], grey[:height, 1 : 1 + width]
  vectors = tvl1.FlowComputer("fast")(first, second)
  assert vectors.shape == (*size, 2) and vectors.dtype == np.float32
  assert np.isfinite(vectors).all()
  if min(size) >= 13:
    assert np.median(vectors[..., 0]) == pytest.approx(-1, abs=0.2)


def test_frames_may_lie_in_memory_in_any_way(grey):
  moved, computer = np.roll(grey, 2, 1), tvl1.FlowComputer("fast")
  views = [np.asfortranarray(image) for image in (grey, moved)]
  views[0].flags.writeable = False
  expected = computer(grey, moved)
  np.testing.assert_array_equal(computer(*views), expected)
  every_other = [np.repeat(image, 2, axis=1)[:, ::2] for image in (grey, moved)]
  np.testing.assert_array_equal(computer(*every_other), expected)


@pytest.mark.parametrize("size", [(96, 128), (65, 97)])
def test_fast_is_close_to_opencv_with_the_same_parameters(grey, size):
  opencv = loaded_mains.load("tools.benchmarks.tvl1_speed").opencv_fast()
  first = cv2.resize(grey, size[::-1])
  second = np.roll(first, (1, 2), (0, 1))
  difference = tvl1.FlowComputer("fast")(first, second) - opencv(first, second)
  assert np.linalg.norm(difference, axis=-1)[8:-8, 8:-8].mean() < 0.02


def test_opencv_default_is_opencvs_own(grey):
  moved = np.roll(grey, 2, 1)
  np.testing.assert_array_equal(
    tvl1.FlowComputer("opencv_default")(grey, moved),
    cv2.optflow.DualTVL1OpticalFlow_create().calc(grey, moved, None),
  )


def test_fast_is_accurate_on_rubber_whale_also_after_storage(shared_data):
  first, second, truth = true_flow.rubber_whale(shared_data)
  vectors = tvl1.FlowComputer("fast")(first, second)
  stored = flow_kind.to_pixels(flow_kind.to_levels(vectors, 20.0), 20.0)
  assert true_flow.error(vectors, truth) <= 0.195
  assert true_flow.error(stored, truth) <= 0.210


@pytest.mark.slow
def test_opencv_default_is_accurate_on_rubber_whale(shared_data):
  first, second, truth = true_flow.rubber_whale(shared_data)
  assert true_flow.error(tvl1.FlowComputer("opencv_default")(first, second), truth) <= 0.160


def test_fast_follows_large_motion(shared_data):
  errors = []
  for first, second, truth in true_flow.flying_chairs(shared_data):
    errors.append(true_flow.error(tvl1.FlowComputer("fast")(first, second), truth))
  assert np.mean(errors) <= 3.6

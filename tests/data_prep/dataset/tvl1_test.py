"""TV-L1: sign, scale, accuracy."""

import cv2
import numpy as np
import pytest

from data_prep.dataset import tvl1
from data_prep.dataset.stream_kinds import flow as flow_kind
from tests import true_flow


@pytest.fixture
def grey(texture):
  return cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("profile", sorted(tvl1.PROFILES))
@pytest.mark.parametrize("shift", [(2, 0), (0, -3)])
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

"""The algorithms of optical flow: sign, scale, small frames, accuracy."""

import cv2
import numpy as np
import pytest

from data_prep.dataset import clip_examples
from data_prep.dataset import flow_methods
from data_prep.dataset import lucas_kanade
from data_prep.dataset import records
from data_prep.dataset import tvl1
from data_prep.dataset.stream_kinds import flow as flow_kind
from tests import true_flow

every_method = pytest.mark.parametrize("name", flow_methods.NAMES)
others = pytest.mark.parametrize("name", [n for n in flow_methods.NAMES if n != tvl1.ALGORITHM])


@pytest.fixture
def grey(texture):
  return cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY)


@every_method
@pytest.mark.parametrize("shift", [(2, 0), (0, -3)])
def test_flow_is_where_a_pixel_has_gone(grey, shift, name):
  moved = np.roll(grey, (shift[1], shift[0]), (0, 1))
  vectors = flow_methods.computer(name, "fast")(grey, moved)
  assert vectors.dtype == np.float32 and vectors.shape == (*grey.shape, 2)
  np.testing.assert_allclose(vectors[16:-16, 16:-16].mean((0, 1)), shift, atol=0.1)


@every_method
def test_flow_of_equal_frames_is_exactly_zero(grey, name):
  assert not flow_methods.computer(name, "fast")(grey, grey.copy()).any()


@others
@pytest.mark.parametrize("height, width", [(16, 16), (13, 31), (40, 13)])
def test_frames_may_be_small(grey, name, height, width):
  first, second = grey[:height, :width], grey[:height, 2 : 2 + width]
  vectors = flow_methods.computer(name, "fast")(first.copy(), second.copy())
  assert vectors.shape == (height, width, 2) and np.isfinite(vectors).all()
  assert np.median(vectors[..., 0]) == pytest.approx(-2, abs=0.5)


@others
def test_the_same_frames_give_the_same_bits_after_others(grey, name):
  compute, moved = flow_methods.computer(name, "fast"), np.roll(grey, 3, 1)
  first = compute(grey, moved)
  compute(grey[:12, :12].copy(), moved[:12, :12].copy())
  np.testing.assert_array_equal(compute(grey, moved), first)


def test_dis_takes_no_frames_below_its_smallest_side(grey):
  smallest = flow_methods.smallest_side("dis") - 1
  tiny = grey[:smallest, :smallest].copy()
  with pytest.raises(cv2.error, match="either width or height >= 12"):
    flow_methods.computer("dis", "")(tiny, tiny.T.copy())


def test_lucas_kanade_finds_nothing_between_frames_without_structure():
  flat = [np.full((40, 50), level, np.uint8) for level in (20, 200)]
  assert not lucas_kanade.flow(*flat).any()


@pytest.mark.parametrize(
  "name, whale, chairs", [("farneback", 0.34, 6.0), ("dis", 0.23, 4.5), ("lucas_kanade", 0.20, 4.5)]
)
def test_accuracy(shared_data, name, whale, chairs):
  compute = flow_methods.computer(name, "")
  first, second, truth = true_flow.rubber_whale(shared_data)
  assert true_flow.error(compute(first, second), truth) <= whale
  errors = [
    true_flow.error(compute(*pair[:2]), pair[2]) for pair in true_flow.flying_chairs(shared_data)
  ]
  assert np.mean(errors) <= chairs


@others
def test_a_clip_has_flow_of_the_algorithm_that_is_asked_for(write_video, tmp_path, make_clip, name):
  path = write_video(tmp_path / "a.mp4", size=(96, 64), shift=(3, 0))
  stored = records.parse(make_clip(path, short_side=64, flow=name)[0])[1]
  levels = cv2.imdecode(
    np.frombuffer(stored[clip_examples.FLOW_FEATURE][2][0], np.uint8), cv2.IMREAD_COLOR_RGB
  )
  images = [
    cv2.imdecode(np.frombuffer(step[0], np.uint8), cv2.IMREAD_GRAYSCALE)
    for step in stored[clip_examples.RGB_FEATURE][2:4]
  ]
  expected = flow_methods.computer(name, "")(*images)
  found = flow_kind.to_pixels(levels, 20.0)
  assert np.abs(found - expected).mean() < 0.15  # The images have been through JPEG.


def test_only_tvl1_has_a_profile_and_settings_of_yesterday_are_the_same():
  settings = clip_examples.Settings(fps=10, short_side=64)
  assert list(settings.identity)[:6] == [
    "fps",
    "short_side",
    "flow",
    "flow_profile",
    "flow_format",
    "flow_bound",
  ]
  assert settings.streams["flow"].profile == "fast"
  other = clip_examples.Settings(fps=10, short_side=64, flow="dis")
  assert "flow_profile" not in other.identity and other.identity["flow"] == "dis"
  assert other.streams["flow"].algorithm == "dis" and other.streams["flow"].profile is None
  assert flow_kind.KIND.describe(other.streams["flow"]) == "dis, bound 20 pixels"

"""Classes of pixels of videos of any size and length."""

import numpy as np
import pytest

from official.serving import mask_windows
from official.serving import tiling

_RNG = np.random.default_rng(0)


def _video(frames: int, height: int, width: int) -> np.ndarray:
  return _RNG.integers(0, 5, (frames, height, width, 3), dtype=np.uint8)


def _answers(video, ask, form, to_streams=lambda window: {"rgb": window}) -> np.ndarray:
  return np.stack(list(mask_windows.answers(iter(video), to_streams, ask, form)))


@pytest.mark.parametrize("shape", [(1, 5, 9), (3, 24, 24), (8, 33, 70), (21, 48, 24), (9, 100, 17)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_every_pixel_of_every_frame_comes_back_in_its_place(shape, overlap):
  video = _video(*shape)
  form = tiling.Tiling(num_frames=8, side=24, overlap=overlap)
  found = _answers(video, lambda tiles: tiles["rgb"][..., 0], form)
  np.testing.assert_array_equal(found, video[..., 0])


def test_the_window_in_which_a_pixel_lies_further_inside_answers():
  video = _video(1, 16, 40)
  numbers = iter(range(10, 20))

  def ask(tiles):
    return np.stack([np.full(one.shape[:3], next(numbers), np.uint8) for one in tiles["rgb"]])

  form = tiling.Tiling(num_frames=1, side=16, overlap=0.5)
  found = _answers(video, ask, form)[0]
  # Windows begin at 0, 8, 16 and 24; the middle row is as far from above and below in all.
  np.testing.assert_array_equal(found[7], np.repeat([10, 11, 12, 13], [12, 8, 8, 12]))


def test_the_window_in_which_a_frame_lies_further_inside_answers():
  numbers = iter(range(10, 20))
  ask = lambda tiles: np.full(tiles["rgb"].shape[:4], next(numbers), np.uint8)  # noqa: E731
  form = tiling.Tiling(num_frames=4, side=8, overlap=0.5)
  found = _answers(_video(8, 8, 8), ask, form)
  assert found[:, 4, 4].tolist() == [10, 10, 10, 11, 11, 12, 12, 12]


def test_streams_may_have_another_size_than_frames():
  video = _video(3, 20, 30)
  halved = lambda window: {"rgb": window[:, ::2, ::2], "flow": window[:, ::2, ::2, :2]}  # noqa: E731
  form = tiling.Tiling(num_frames=2, side=8)
  found = _answers(video, lambda tiles: tiles["flow"][..., 1], form, halved)
  np.testing.assert_array_equal(found, video[:, ::2, ::2, 1])

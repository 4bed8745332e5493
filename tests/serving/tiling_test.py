"""Videos of any size and length through windows."""

import numpy as np
import pytest

from official.serving import tiling

_RNG = np.random.default_rng(0)


def _video(frames: int, height: int, width: int) -> np.ndarray:
  return _RNG.integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def _blurred(clips: np.ndarray) -> np.ndarray:
  """A network that sees 1 frame and 3 pixels around, and zeros beyond the clip."""
  *_, frames, height, width, _ = clips.shape
  others = [(0, 0)] * (clips.ndim - 4)
  padded = np.pad(clips.astype(np.float32), [*others, (1, 1), (3, 3), (3, 3), (0, 0)])
  total = sum(
    padded[..., t : t + frames, y : y + height, x : x + width, :]
    for t in range(3)
    for y in range(7)
    for x in range(7)
  )
  return np.rint(total / (3 * 7 * 7)).astype(np.uint8)


def _answers(video, ask, form) -> np.ndarray:
  return np.stack(list(tiling.answers(iter(video), ask, form)))


@pytest.mark.parametrize("shape", [(1, 5, 9), (3, 24, 24), (8, 33, 70), (21, 48, 24), (9, 100, 17)])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_every_pixel_of_every_frame_comes_back_in_its_place(shape, overlap):
  video = _video(*shape)
  form = tiling.Tiling(num_frames=8, side=24, overlap=overlap)
  np.testing.assert_array_equal(_answers(video, lambda tiles: tiles, form), video)


def test_answers_may_be_larger():
  video = _video(11, 30, 41)
  enlarge = lambda tiles: tiles.repeat(3, axis=2).repeat(3, axis=3)  # noqa: E731
  form = tiling.Tiling(num_frames=4, side=16, scale=3)
  wanted = video.repeat(3, axis=1).repeat(3, axis=2)
  np.testing.assert_array_equal(_answers(video, enlarge, form), wanted)


def test_windows_that_overlap_enough_answer_like_the_whole():
  video = _video(20, 72, 96)
  form = tiling.Tiling(num_frames=8, side=32, overlap=0.5)
  found = _answers(video, _blurred, form).astype(int)
  assert np.abs(found - _blurred(video)).max() <= 1


def test_windows_that_do_not_overlap_leave_seams():
  video = _video(20, 72, 96)
  form = tiling.Tiling(num_frames=8, side=32, overlap=0.0)
  found = _answers(video, _blurred, form).astype(int)
  assert np.abs(found - _blurred(video)).max() > 10


def test_windows_begin_with_a_frame_that_is_there():
  video = _video(11, 8, 8)
  video[:, 0, 0, 0] = np.arange(11)
  begins = []

  def ask(tiles):
    begins.append(int(tiles[0, 0, 0, 0, 0]))
    return tiles

  form = tiling.Tiling(num_frames=4, side=8, period=2, overlap=0.25)
  np.testing.assert_array_equal(_answers(video, ask, form), video)
  assert begins == [0, 2, 4, 6, 8]


def test_a_window_is_moved_to_the_border():
  assert tiling.starts(50, 24, 16, 8) == ([0, 16, 32], 56)
  assert tiling.starts(24, 24, 16, 8) == ([0], 24)
  assert tiling.starts(10, 24, 16, 8) == ([0], 24)

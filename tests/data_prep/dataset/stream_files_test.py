"""Files of streams, and the frame that is nearest to a moment."""

import ast
import concurrent.futures
from fractions import Fraction
import time

import cv2
import numpy as np
import pytest

from data_prep.dataset import limits
from data_prep.dataset import stream_files


def _nearest(path, moments, rate=10):
  exact = [Fraction(str(moment)) for moment in moments]
  return list(stream_files.nearest(str(path), exact, Fraction(rate), limits.DEFAULT))


def test_a_rate_says_which_frame_of_an_array_is_nearest(tmp_path):
  np.save(tmp_path / "x.npy", np.arange(4, dtype=np.float32).reshape(4, 1, 1, 1))
  frames = _nearest(tmp_path / "x.npy", [0, 0.19, 0.21, 0.4, 9], rate=5)
  assert [frame.item() for frame in frames] == [0, 1, 1, 2, 3]


def test_timestamps_go_before_the_rate(tmp_path):
  values = np.arange(3, dtype=np.uint16).reshape(3, 1, 1)
  np.savez(tmp_path / "x.npz", values=values, timestamps=[1.0, 1.5, 3.0])
  frames = _nearest(tmp_path / "x.npz", [0, 1.25, 1.26, 2.3, 4])
  assert [frame.item() for frame in frames] == [0, 0, 1, 2, 2]
  assert frames[0].shape == (1, 1, 1)
  assert stream_files.look(str(tmp_path / "x.npz")).seconds == 4.0


def test_a_folder_has_its_images_in_the_order_of_their_names(tmp_path):
  for index in range(3):
    cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((2, 3), 1000 * index, np.uint16))
  facts = stream_files.look(str(tmp_path))
  assert (facts.frames, facts.height, facts.width, facts.channels) == (3, 2, 3, 1)
  assert facts.dtype == np.uint16
  assert [int(frame[0, 0, 0]) for frame in _nearest(tmp_path, [0, 0.1, 0.2])] == [0, 1000, 2000]


def test_the_colours_of_an_image_are_red_green_blue(tmp_path):
  rgb = np.uint8([[[1, 2, 3]]])
  cv2.imwrite(str(tmp_path / "0.png"), rgb[..., ::-1])
  np.testing.assert_array_equal(_nearest(tmp_path, [0])[0], rgb)


def test_a_video_is_aligned_by_its_own_times(write_video, tmp_path):
  path = write_video(tmp_path / "x.avi", count=4, fps=5)
  frames = _nearest(path, [0, 0.1, 0.2, 0.39, 0.41])
  same = [np.array_equal(one, other) for one, other in zip(frames, frames[1:])]
  assert same == [True, False, False, True]
  assert stream_files.look(str(path)).is_video


@pytest.mark.parametrize(
  "name, values, told",
  [
    ("x.npy", np.zeros((3, 4)), r"has the shape \[3, 4\]; a stream is \[time, height, width, chan"),
    ("x.npy", np.zeros((0, 4, 4, 1)), "has no frames"),
    ("y.npy", None, "is not there"),
    ("y", None, "is not there"),
  ],
)
def test_what_is_no_stream_is_told(tmp_path, name, values, told):
  if values is not None:
    np.save(tmp_path / name, values)
  with pytest.raises(stream_files.StreamError, match=told):
    stream_files.look(str(tmp_path / name))


def test_numbers_that_are_none_are_found(tmp_path):
  values = np.zeros((3, 2, 2, 1), np.float16)
  np.save(tmp_path / "x.npy", values)
  assert stream_files.has_only_numbers(str(tmp_path / "x.npy"))
  values[2, 1, 1] = np.inf
  np.save(tmp_path / "x.npy", values)
  assert not stream_files.has_only_numbers(str(tmp_path / "x.npy"))
  with pytest.raises(stream_files.StreamError, match="no finite number"):
    _nearest(tmp_path / "x.npy", [0.2])


def test_one_header_is_parsed_at_a_time(tmp_path, monkeypatch):
  """Two at once fail now and then within CPython, far too seldom to be waited for."""
  np.save(tmp_path / "x.npy", np.zeros((2, 3, 4, 5), np.float16))
  np.savez(tmp_path / "x.npz", x=np.zeros((2, 3, 4, 5), np.float16))
  inside, most = [], []
  parse = ast.parse

  def slow(*args, **kwargs):
    inside.append(args)
    most.append(len(inside))
    time.sleep(0.01)
    inside.pop()
    return parse(*args, **kwargs)

  monkeypatch.setattr(ast, "parse", slow)
  locations = [str(tmp_path / "x.npy"), str(tmp_path / "x.npz")] * 10
  with concurrent.futures.ThreadPoolExecutor(4) as threads:
    assert len(set(threads.map(stream_files.look, locations))) == 1
  assert len(most) >= len(locations) and max(most) == 1

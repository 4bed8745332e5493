"""Videos of any length as windows."""

import os

import numpy as np
import pytest

from data_prep import cli
from data_prep import decoding
from official.serving import windows


def _spans(count: int, size: int) -> list[tuple[int, int, list[int]]]:
  images = [np.full((1, 1, 3), k, np.uint8) for k in range(count)]
  return [(w.first, w.end, w.frames[:, 0, 0, 0].tolist()) for w in windows.windows(images, size)]


def test_windows_lie_side_by_side():
  assert _spans(4, 2) == [(0, 2, [0, 1]), (2, 4, [2, 3])]


def test_the_last_window_ends_with_the_video():
  assert _spans(5, 3) == [(0, 3, [0, 1, 2]), (2, 5, [2, 3, 4])]


def test_a_short_video_goes_on_with_its_last_frame():
  assert _spans(2, 4) == [(0, 2, [0, 1, 1, 1])]


def test_videos_of_a_folder_are_found_below_it(tmp_path):
  for name in ("b/two.avi", "a/one.MP4", "a/notes.txt"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
  found = windows.videos_of([str(tmp_path), str(tmp_path / "a" / "notes.txt")])
  assert [os.path.relpath(path, tmp_path) for path in found] == [
    "a/one.MP4", "b/two.avi", "a/notes.txt",
  ]


@pytest.mark.parametrize("paths, words", [
  ([], "no video is given"),
  (["/nowhere/a.avi"], "/nowhere/a.avi is not there"),
  (["{empty}"], "holds no video"),
])
def test_what_is_no_video_is_said(tmp_path, paths, words):
  with pytest.raises(cli.UserError, match=words):
    windows.videos_of([path.format(empty=tmp_path) for path in paths])


def test_a_video_with_nonsense_timestamps_is_read_to_its_end(shared_data):
  video = str(shared_data / "ut_interaction" / "set1" / "0_1_4.avi")
  found = windows.each(lambda w: (w.first, w.end, w.frames.shape), video, fps=10.0, size=8)
  assert [first for first, _, _ in found[:-1]] == [8 * k for k in range(len(found) - 1)]
  assert {shape[0] for _, _, shape in found} == {8}


def test_what_cannot_be_decoded_raises(tmp_path):
  (tmp_path / "a.avi").write_bytes(b"no video")
  with pytest.raises(decoding.DecodeError, match="Invalid data"):
    windows.each(len, str(tmp_path / "a.avi"), fps=10.0, size=2)

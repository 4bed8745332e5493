"""Videos of any length as windows."""

import functools
import os

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import limits
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


def test_frames_of_another_size_are_brought_to_that_of_the_first():
  images = [np.full((2, 4, 3), 10, np.uint8), np.full((4, 8, 3), 20, np.uint8)]
  (window,) = windows.windows([*images, images[0]], 3)
  assert window.frames.shape == (3, 2, 4, 3)
  assert window.frames[:, 0, 0, 0].tolist() == [10, 20, 10]


def test_a_window_says_how_much_of_it_is_padded():
  images = [np.zeros((1, 1, 3), np.uint8)] * 5
  assert [window.padded for window in windows.windows(images, 3)] == [0, 0]
  assert [window.padded for window in windows.windows(images, 8)] == [3]


def test_videos_of_a_folder_are_found_below_it(tmp_path):
  for name in ("b/two.avi", "a/one.MP4", "a/notes.txt", "a/._one.MP4", ".b/three.mp4"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
  found = windows.videos_of([str(tmp_path), str(tmp_path / "a" / "notes.txt")])
  assert [os.path.relpath(path, tmp_path) for path in found] == [
    "a/one.MP4",
    "b/two.avi",
    "a/notes.txt",
  ]


def test_what_was_skipped_in_folders_is_told(tmp_path):
  for name in ("one.mp4", "._one.mp4", "notes.txt"):
    (tmp_path / name).touch()
  told = []
  windows.videos_of([str(tmp_path)], told.append)
  assert told == [
    f"skipped 1 hidden video or folder: {tmp_path}/._one.mp4",
    f"skipped 1 file without a video's extension (1 .txt): {tmp_path}/notes.txt",
  ]


def test_a_path_that_is_no_good_does_not_stop_the_others(tmp_path):
  (tmp_path / "empty").mkdir()
  (tmp_path / "one.mp4").touch()
  paths = [str(tmp_path / name) for name in ("gone.mp4", "empty", "one.mp4")]
  assert windows.videos_of(paths) == paths
  os.mkfifo(tmp_path / "pipe.mp4")
  for path, words in zip(
    [*paths, str(tmp_path / "pipe.mp4")],
    (
      "No such file",
      "the folder holds no video",
      "the file is empty",
      "a pipe or a device",
    ),
  ):
    with pytest.raises(decoding.DecodeError, match=words):
      windows.each(len, path, fps=10.0, size=2)


@pytest.mark.parametrize(
  "paths, words",
  [
    ([], "no video is given"),
    (["/nowhere/a.avi"], "/nowhere/a.avi is not there"),
    (["{empty}"], "holds no video"),
  ],
)
def test_what_is_no_video_is_said(tmp_path, paths, words):
  with pytest.raises(cli.UserError, match=words):
    windows.videos_of([path.format(empty=tmp_path) for path in paths])


def test_a_video_with_nonsense_timestamps_is_read_to_its_end(shared_data):
  video = str(shared_data / "ut_interaction" / "set1" / "0_1_4.avi")
  found = windows.each(lambda w: (w.first, w.end, w.frames.shape), video, fps=10.0, size=8)
  assert [first for first, _, _ in found[:-1]] == [8 * k for k in range(len(found) - 1)]
  assert {shape[0] for _, _, shape in found} == {8}


def test_part_of_a_video_is_read(shared_data):
  video = str(shared_data / "reported_cases" / "long.mp4")
  read = functools.partial(windows.each, lambda w: (w.first, w.end, w.frames), video, fps=10.0)
  whole = np.concatenate([frames for _, _, frames in read(size=10)])
  (one, other) = read(size=4, start=2.0, end=2.7)
  assert [one[:2], other[:2]] == [(0, 4), (3, 7)]
  np.testing.assert_array_equal(np.concatenate([one[2], other[2][1:]]), whole[20:27])
  with pytest.raises(decoding.DecodeError, match="no frame between start 12 s and its end"):
    read(size=4, start=12.0, end=13.0)


@pytest.mark.parametrize(
  "name, words",
  [("sizechange.ts", ""), ("thin_1024x48.mp4", "one side is more than 16 times the other")],
)
def test_reported_cases(shared_data, name, words):
  video = str(shared_data / "reported_cases" / name)
  if words:
    with pytest.raises(limits.LimitError, match=words):
      windows.each(len, video, fps=10.0, size=8)
  else:
    notes = []
    found = windows.each(lambda w: w.frames.shape, video, fps=10.0, size=8, on_note=notes.append)
    assert set(found) == {(8, 120, 160, 3)}
    assert "the picture changes its size on the way; the clip has that of its first frame" in notes


def test_a_window_says_when_its_grid_begins(shared_data):
  video = str(shared_data / "reported_cases" / "delayed.mp4")
  begin = functools.partial(windows.each, lambda w: w.begin, video, fps=10.0, size=8)
  assert begin()[0] == pytest.approx(2.0, abs=0.1)
  assert begin(start=2.5)[0] == 2.5


def test_what_cannot_be_decoded_raises(tmp_path):
  (tmp_path / "a.avi").write_bytes(b"no video")
  with pytest.raises(decoding.DecodeError, match="Invalid data"):
    windows.each(len, str(tmp_path / "a.avi"), fps=10.0, size=2)

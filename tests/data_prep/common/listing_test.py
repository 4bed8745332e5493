"""Which files are taken for videos."""

import os

import pytest

from data_prep.common import listing


@pytest.fixture
def folder(tmp_path):
  for name in ("b/two.avi", "a/one.MP4", "a/notes.txt", "a/.one.mp4", ".git/x.mp4", "a/.DS_Store"):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
  (tmp_path / "b" / "back").symlink_to(tmp_path)
  os.mkfifo(tmp_path / "a" / "pipe.mp4")
  return tmp_path


def test_videos_at_any_depth_are_found_and_the_rest_is_counted_by_kind(folder):
  found = listing.find(str(folder))
  assert found.videos == (f"{folder}/a/one.MP4", f"{folder}/b/two.avi")
  assert found.skipped == {
    listing.HIDDEN: (f"{folder}/.git", f"{folder}/a/.one.mp4"),
    listing.OTHER_EXTENSION: (f"{folder}/a/notes.txt",),
    listing.LINKED_FOLDER: (f"{folder}/b/back",),
    listing.SPECIAL: (f"{folder}/a/pipe.mp4",),
  }


def test_what_was_skipped_is_told_with_a_count(folder):
  assert listing.told(listing.find(str(folder)).skipped) == [
    f"skipped 2 hidden videos or folders, such as {folder}/.git",
    f"skipped 1 file without a video's extension (1 .txt): {folder}/a/notes.txt",
    f"skipped 1 linked folder (name its target, or move it here): {folder}/b/back",
    f"skipped 1 pipe or device: {folder}/a/pipe.mp4",
  ]


def test_a_folder_that_cannot_be_read_is_counted(folder, monkeypatch):
  scandir = os.scandir

  def refuse(path):
    if str(path).endswith("/b"):
      raise PermissionError(13, "Permission denied", path)
    return scandir(path)

  monkeypatch.setattr(os, "scandir", refuse)
  found = listing.find(str(folder))
  assert found.skipped[listing.UNREADABLE_FOLDER] == (f"{folder}/b",)
  assert found.videos == (f"{folder}/a/one.MP4",)


def test_listings_that_overlap_are_joined(folder):
  whole, part = listing.find(str(folder)), listing.find(str(folder / "a"))
  joined = listing.join([part, whole])
  assert joined.videos == whole.videos
  assert joined.skipped == whole.skipped

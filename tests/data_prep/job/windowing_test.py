"""Long videos cut into clips."""

import pytest

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import clip_examples
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import rows
from data_prep.job import preparation
from data_prep.job import windowing


def row(**fields):
  return rows.Row(
    **{"clip_id": "a", "path": "a.mp4", "location": "/a.mp4", "labels": ("run",), "split": "train"}
    | fields
  )


def cut(one, length, window, stride=0.0):
  """Returns (start, end) of each window of a row."""
  found = windowing.cut(
    [one], {one.location: length}, windowing.Windows(window_seconds=window, stride_seconds=stride)
  )
  return sorted((window.start, window.end) for window in found)


def test_windows_touch_where_no_stride_is_given_and_the_rest_is_left_out():
  assert cut(row(), 10.0, 3.0) == [(0, 3), (3, 6), (6, 9)]


def test_windows_overlap_by_the_stride():
  assert cut(row(), 5.0, 3.0, 1.0) == [(0, 3), (1, 4), (2, 5)]


def test_windows_lie_within_the_row():
  assert cut(row(start=2.0, end=5.0), 100.0, 1.0) == [(2, 3), (3, 4), (4, 5)]


def test_windows_end_where_the_video_does():
  assert cut(row(start=2.0, end=50.0), 4.5, 1.0) == [(2, 3), (3, 4)]


def test_starts_are_exact_decimals():
  assert cut(row(), 0.5, 0.1)[3] == (0.3, 0.4)


@pytest.mark.parametrize("length", [2.0, None])
def test_a_video_that_is_short_or_cannot_be_read_stays_one_clip(length):
  assert windowing.cut([row()], {"/a.mp4": length}, windowing.Windows(window_seconds=3.0)) == (
    row(),
  )


def test_a_window_is_named_by_its_start_and_has_the_labels_and_the_split():
  found = windowing.cut([row()], {"/a.mp4": 3.0}, windowing.Windows(window_seconds=1.5))
  assert found == (row(clip_id="a@0", start=0.0, end=1.5), row(clip_id="a@1.5", start=1.5, end=3.0))


def test_two_windows_with_one_id_are_refused():
  with pytest.raises(cli.UserError, match="two windows would have the clip id 'a@0': give rows"):
    windowing.cut(
      [row(), row(clip_id="a@0", location="/b.mp4")],
      {"/a.mp4": 3.0, "/b.mp4": None},
      windowing.Windows(window_seconds=1.0),
    )


def test_lengths_are_looked_up_once(tmp_path):
  (tmp_path / ".unfinished").mkdir()
  all_rows = [row(location=f"/{index:03d}") for index in range(100)]
  assert windowing.write_videos(all_rows, str(tmp_path)) == 2
  first, second = windowing.read_videos(str(tmp_path))
  windowing.write_lengths(first, str(tmp_path), lambda location: 1.0)
  assert windowing.read_lengths(str(tmp_path)) == {location: 1.0 for location in first}
  assert windowing.write_videos(all_rows, str(tmp_path)) == 1
  assert windowing.read_videos(str(tmp_path)) == [second]


def test_windows_begin_where_the_video_does(shared_data):
  length = windowing.length_of(str(shared_data / "reported_cases" / "delayed.mp4"))
  assert length == [2.0, 4.0]
  assert cut(row(), length, 1.0) == [(2, 3), (3, 4)]
  assert cut(row(start=0.5), length, 1.0) == [(1.5, 2.5), (2.5, 3.5)]
  assert windowing.length_of(str(shared_data / "reported_cases" / "long.ts")) == 10.0


def test_long_videos_are_cut_into_windows(write_video, tmp_path):
  write_video(tmp_path / "long.mp4", count=45)
  (tmp_path / "broken.mp4").write_bytes(b"nothing")
  (tmp_path / "m.csv").write_text(
    "path,label,split,clip_id\nlong.mp4,a,train,long\n"
    "broken.mp4,a,train,broken\nlong.mp4,b,validation,again\n"
  )
  info = preparation.prepare(
    str(tmp_path / "m.csv"),
    str(tmp_path / "data"),
    clip_examples.Settings(fps=10, short_side=16, flow="none"),
    cutting=windowing.Windows(window_seconds=2.0, stride_seconds=1.0),
    num_shards=1,
    operation=preparation.Operation(
      isolate_decoding=False, beam_arguments=["--direct_num_workers=1"]
    ),
  )
  assert info.splits["train"] == metadata.SplitInfo(clips=3, frames=60, shards=1)
  assert info.failures == 1
  (shard,) = metadata.shard_paths(str(tmp_path / "data"), "train")
  with files.open_to_read(shard) as file:
    examples = [records.parse(record) for record in records.read_records(file)]
  assert [
    (context["example/id"], context["clip/start/timestamp"], lists["image/timestamp"][0])
    for context, lists in examples
  ] == [([f"long@{k}".encode()], [k * 1_000_000], [k * 1_000_000]) for k in range(3)]
  assert not (tmp_path / "data" / ".unfinished").exists()

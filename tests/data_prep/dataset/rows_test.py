"""Reading manifests, and telling what is wrong with one."""

import re

import pytest

from data_prep.common import cli
from data_prep.dataset import rows


@pytest.fixture
def read(tmp_path):
  """Reads a manifest of the given text."""

  def read_text(text: str | bytes):
    path = tmp_path / "m.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows.read(str(path))

  return read_text


def test_a_relative_path_starts_at_the_csv(read, tmp_path):
  (row,) = read("path,label,split\nvideos/a.mp4,run,train\n")
  assert (row.path, row.location) == ("videos/a.mp4", str(tmp_path / "videos/a.mp4"))


def test_a_url_stays_as_it_is(read):
  (row,) = read("path,label,split\ngs://bucket/a.mp4,run,train\n")
  assert row.location == "gs://bucket/a.mp4"


def test_columns_come_in_any_order_and_others_are_ignored(read):
  (row,) = read("split,camera,label,path\ntest,left,run,a.mp4\n")
  assert (row.split, row.labels, row.path) == ("test", ("run",), "a.mp4")


def test_several_labels(read):
  (row,) = read("path,label,split\na.mp4,run; jump,train\n")
  assert row.labels == ("run", "jump")


def test_classes_are_sorted(read):
  found = read("path,label,split\na.mp4,run;jump,train\nb.mp4,eat,test\n")
  assert rows.classes(found) == ("eat", "jump", "run")


def test_the_clip_id_is_made_from_path_start_and_end(read):
  found = read("path,label,split,start,end\na.mp4,run,train,,\na.mp4,run,train,1.5,3\n")
  assert [row.clip_id for row in found] == ["a.mp4", "a.mp4_1.5_3"]
  assert (found[1].start, found[1].end) == (1.5, 3.0)


def test_rows_come_in_order_of_their_ids(read):
  found = read("path,label,split,clip_id\na.mp4,run,train,z\nb.mp4,run,train,c\n")
  assert [row.clip_id for row in found] == ["c", "z"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(read):
  assert len(read(b"\xef\xbb\xbfpath,label,split\r\na.mp4,run,train\r\n")) == 1


def test_blanks_and_rows_without_content_do_not_matter(read):
  found = read("path , label, split\r\n\r\n my video \u00fc.mp4 , run , train \r\n,,\r\n  \r\n")
  assert [(row.path, row.labels, row.split) for row in found] == [
    ("my video \u00fc.mp4", ("run",), "train")
  ]


def test_rows_without_content_count_all_the_same(read):
  with pytest.raises(cli.UserError, match="row 5: the label is missing for b.mp4"):
    read("path,label,split\n\na.mp4,run,train\n,,\nb.mp4,,train\n")


def test_the_digest_ignores_order_and_folder(tmp_path):
  lines = ["a.mp4,run,train", "b.mp4,jump,test"]
  digests = set()
  for index, body in enumerate((lines, lines[::-1])):
    path = tmp_path / str(index) / "m.csv"
    path.parent.mkdir()
    path.write_text("\n".join(["path,label,split", *body]))
    digests.add(rows.digest(rows.read(str(path))))
  assert len(digests) == 1


def test_the_digest_tells_another_label(read):
  first = rows.digest(read("path,label,split\na.mp4,run,train\n"))
  assert first != rows.digest(read("path,label,split\na.mp4,jump,train\n"))


def test_a_manifest_without_the_column_label_has_no_classes(read):
  found = read("path,split,start\na.mp4,train,1\na.mp4,test,2\n")
  assert [row.labels for row in found] == [(), ()]
  assert rows.classes(found) == () and rows.contradictions(found) == []


def test_what_is_written_is_read(read):
  found = read(rows.to_csv(["a, b.mp4"], ["run"], ["train"]))
  assert found[0].path == "a, b.mp4"


def test_no_such_manifest(tmp_path):
  with pytest.raises(cli.UserError, match="there is no manifest .*missing.csv; `manifest` names a"):
    rows.read(str(tmp_path / "missing.csv"))


@pytest.mark.parametrize(
  "text, message",
  [
    (
      "path,label\na.mp4,run\n",
      "has no column 'split'; its first line names the columns: "
      "path,label; path,split are needed, separated by commas, and label where labels are learned",
    ),
    ("path,label,split,label\n", "has the column 'label' twice; leave one"),
    (
      'path,label,split\n"a.mp4,run,train\nb.mp4,run,train\n',
      "is no CSV near line 3: unexpected end of data",
    ),
    ("", "has no column 'path'; its first line names the columns: (nothing)"),
    ("path,label,split\n", "has a header but no rows"),
    ("path,label,split\na.mp4,run,train\nb.mp4,,train\n", "row 3: the label is missing for b.mp4"),
    ("path,label,split\n,run,train\n", "row 2: the path is missing"),
    ("path,label,split\na.mp4,run;,train\n", "row 2: an empty label in 'run;'"),
    ('path,label,split\na.mp4,"run\u2028fast",train\n', "row 2: the label 'run\\u2028fast' has a"),
    (
      "path,label,split\na.mp4,run,training\n",
      "row 2: unknown split 'training'; a split is one of train, validation, test",
    ),
    ("path,label,split\na.mp4,run\n", "row 2: unknown split ''"),
    ("path,label,split\na.mp4,run,train,5\n", "row 2: more fields than columns"),
    (
      "path,label,split,start\na.mp4,run,train,soon\n",
      "row 2: start 'soon' is not a number of seconds",
    ),
    ("path,label,split,end\na.mp4,run,train,nan\n", "row 2: end 'nan' is not a number of seconds"),
    (
      "path,label,split,start\na.mp4,run,train,-1\n",
      "row 2: start '-1' is not a number of seconds",
    ),
    ("path,label,split,start,end\na.mp4,run,train,3,2\n", "row 2: end 2 is not after start 3"),
    (
      "path,label,split\na.mp4,run,train\nb.mp4,run,train\na.mp4,run,test\n",
      "row 4: clip id 'a.mp4' is already that of row 2; give each clip its own",
    ),
    (b"path,label,split\n\xff.mp4,run,train\n", "cannot be read as UTF-8 text"),
  ],
)
def test_a_mistake_is_told_with_its_row(read, text, message):
  with pytest.raises(cli.UserError, match=re.escape(message)):
    read(text)


@pytest.fixture
def videos(tmp_path):
  """a.mp4, links to it of both kinds, and b.mp4."""
  for name in ("a.mp4", "b.mp4"):
    (tmp_path / name).touch()
  (tmp_path / "link.mp4").symlink_to("a.mp4")
  (tmp_path / "hard.mp4").hardlink_to(tmp_path / "a.mp4")
  return tmp_path


@pytest.mark.parametrize("path", ["./a.mp4", "x/../a.mp4", "{0}/a.mp4", "link.mp4", "hard.mp4"])
def test_one_video_in_two_splits_is_told_with_its_rows(read, videos, path):
  found = read(
    f"path,label,split\nb.mp4,run,train\na.mp4,run,train\n{path.format(videos)},run,test\n"
  )
  assert rows.leaks(found) == [
    "the same frames of 1 video are in more than one split, so that networks are judged by what "
    "they were trained on: row 3 (train) and row 4 (test): a.mp4"
  ]


def test_a_video_that_is_not_there_is_known_by_its_path(read):
  (told,) = rows.leaks(read("path,label,split\nc.mp4,run,train\n./c.mp4,run,validation\n"))
  assert told.endswith("row 2 (train) and row 3 (validation): c.mp4")


@pytest.mark.parametrize(
  "spans, words",
  [
    (("0,2,train", "2,4,test"), "parts, which do not overlap, of 1 video are in more than one"),
    (("0,2,train", "1.9,4,test"), "the same frames of 1 video are in more than one split"),
    (("1,9,train", "2,3,train", "4,5,test"), "the same frames of 1 video are in more than one"),
    ((",,train", "4,5,test"), "the same frames of 1 video are in more than one split"),
  ],
)
def test_parts_of_a_video_are_told_apart(read, spans, words):
  found = read("path,label,start,end,split\n" + "".join(f"a.mp4,run,{span}\n" for span in spans))
  (told,) = rows.leaks(found)
  assert told.startswith(words)


def test_a_video_that_keeps_to_one_split_is_no_leak(read, videos):
  text = "path,label,split,clip_id\na.mp4,run,train,1\nlink.mp4,run,train,2\nb.mp4,run,test,3\n"
  assert rows.leaks(read(text)) == []


def test_many_leaks_are_counted_and_some_are_named(read):
  found = read(
    "path,label,split\n"
    + "".join(
      f"{start}{number}.mp4,run,{split}\n"
      for start, split in (("", "train"), ("./", "test"))
      for number in range(9)
    )
  )
  (told,) = rows.leaks(found)
  assert "frames of 9 videos" in told and told.count(" and row ") == 5 and told.endswith("; ...")


def test_the_same_frames_with_other_labels_are_told(read, videos):
  found = read(
    "path,label,split,start\na.mp4,run;jump,train,\n./a.mp4,jump;run,train,0\n"
    "a.mp4,eat,train,1\nlink.mp4,eat,train,0\nb.mp4,eat,train,\n"
  )
  assert rows.contradictions(found) == [
    "1 clip has other labels in another row; several labels of one clip are written a;b in one "
    "row: row 2 (run;jump) and row 5 (eat): a.mp4"
  ]

"""The CSV of answers: what it holds, and how it is resumed."""

import csv
import os
import resource
import signal

import numpy as np
import pytest

from data_prep.common import cli
from official.serving import answers
from official.serving import prediction

FORM = answers.Format(model="m1", classes=("eat", "run"))
WINDOWS = answers.Format(model="m1", classes=("eat", "run"), per_window=True)


def _question(path, **fields):
  return answers.Question(**{"id": answers.written(path), "path": path} | fields)


def _parts(path, *scores, **fields):
  return [
    prediction.Prediction(
      path=path, start=float(k), end=k + 1.0, probabilities=np.array([one, 1 - one]), **fields
    )
    for k, one in enumerate(scores)
  ]


def _failed(path):
  return [prediction.Prediction(path=path, error='no, "really" not')]


def _write(output, form, *videos, **options):
  """Writes rows of videos given as (path, parts); returns what was kept."""
  with answers.AnswerFile(str(output), form, **options) as file:
    for path, parts in videos:
      file.write(_question(path), parts)
  return file.kept


def _read(output):
  with open(output, encoding="utf-8", newline="") as file:
    return list(csv.DictReader(file, strict=True))


@pytest.fixture
def output(tmp_path):
  return tmp_path / "a.csv"


def test_a_row_has_the_mean_of_the_windows(output):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.25, 0.5)), ("/b.mp4", _failed("/b.mp4")))
  good, bad = _read(output)
  assert good == {
    "path": "/a.mp4",
    "start": "0.000",
    "end": "2.000",
    "class": "run",
    "score": "0.6250",
    "error": "",
    "padded": "0",
    "windows": "2",
    "notes": "",
    "model": "m1",
    "probability of eat": "0.3750",
    "probability of run": "0.6250",
  }
  assert bad.pop("error") == 'no, "really" not'
  assert {name for name, value in bad.items() if value} == {"path", "model"}


def test_what_is_odd_about_a_video_is_noted(output):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5, 0.5, notes=["a", "b"])))
  assert [row["notes"] for row in _read(output)] == ["a; b"]


def test_each_window_may_have_a_row(output):
  _write(output, WINDOWS, ("/a.mp4", _parts("/a.mp4", 0.25, 0.75)))
  assert [(row["class"], row["window"], row["windows"]) for row in _read(output)] == [
    ("run", "1", "2"),
    ("eat", "2", "2"),
  ]


def test_a_row_is_in_the_file_as_soon_as_it_is_written(output):
  with answers.AnswerFile(str(output), FORM) as file:
    file.write(_question("/a.mp4"), _parts("/a.mp4", 0.5))
    assert len(_read(output)) == 1
    file.write(_question("/b.mp4"), _failed("/b.mp4"))
    assert len(_read(output)) == 2


@pytest.mark.parametrize(
  "path",
  [
    "/new\nline.mp4",
    "/car\rriage.mp4",
    '/q"uote,.mp4',
    "/\u2028.mp4",
    "/ \u00fc .mp4",
    "/tab\t.mp4",
  ],
)
def test_any_name_comes_back_from_the_csv(output, path):
  _write(output, FORM, (path, _parts(path, 0.5)))
  assert [row["path"] for row in _read(output)] == [path]
  assert list(_write(output, FORM)) == [path]


def test_a_name_that_is_not_utf_8_is_a_file_url(output):
  path = os.fsdecode(b"/caf\xe9 %.mp4")
  _write(output, FORM, (path, _parts(path, 0.5)))
  assert [row["path"] for row in _read(output)] == ["file:///caf%E9%20%25.mp4"]
  assert answers.written(path) in _write(output, FORM)


def test_what_is_whole_is_kept_wherever_the_file_was_torn(output):
  videos = [
    ("/a.mp4", _parts("/a.mp4", 0.5)),
    ("/new\nline.mp4", _parts("/new\nline.mp4", 0.2)),
    ("/\u00fc.mp4", _failed("/\u00fc.mp4")),
  ]
  _write(output, FORM, *videos)
  whole = output.read_bytes()
  for length in range(len(whole) + 1):
    output.write_bytes(whole[:length])
    kept = _write(output, FORM)
    assert list(kept) == [path for path, _ in videos][: len(kept)]
    _write(output, FORM, *videos[len(kept) :])
    assert output.read_bytes() == whole, length


def test_a_video_that_lacks_windows_is_asked_about_again(output):
  videos = [(path, _parts(path, 0.5, 0.2, 0.1)) for path in ("/a.mp4", "/b.mp4")]
  _write(output, WINDOWS, *videos)
  whole = output.read_bytes()
  for length in range(len(whole) + 1):
    output.write_bytes(whole[:length])
    kept = _write(output, WINDOWS)
    assert list(kept) == [path for path, _ in videos][: len(kept)]
    _write(output, WINDOWS, *videos[len(kept) :])
    assert output.read_bytes() == whole, length


def test_windows_that_lack_in_the_middle_are_dropped(output):
  _write(output, WINDOWS, *((path, _parts(path, 0.5, 0.2)) for path in ("/a.mp4", "/b.mp4")))
  lines = output.read_text().splitlines(keepends=True)
  output.write_text("".join(lines[:1] + lines[2:]))
  assert list(_write(output, WINDOWS, ("/c.mp4", _parts("/c.mp4", 0.5)))) == ["/b.mp4"]
  assert [row["path"] for row in _read(output)] == ["/b.mp4", "/b.mp4", "/c.mp4"]


def test_errors_are_kept_unless_they_are_to_be_asked_about_again(output):
  _write(output, FORM, ("/a.mp4", _failed("/a.mp4")), ("/b.mp4", _parts("/b.mp4", 0.5)))
  assert list(_write(output, FORM)) == ["/a.mp4", "/b.mp4"]
  kept = _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5)), retry_errors=True)
  assert list(kept) == ["/b.mp4"]
  assert [(row["path"], row["error"]) for row in _read(output)] == [("/b.mp4", ""), ("/a.mp4", "")]


def test_a_file_that_a_spreadsheet_saved_is_resumed(output):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5)))
  output.write_bytes(b"\xef\xbb\xbf" + output.read_bytes().replace(b"\n", b"\r\n"))
  assert list(_write(output, FORM, ("/b.mp4", _parts("/b.mp4", 0.5)))) == ["/a.mp4"]
  assert [row["path"] for row in _read(output)] == ["/a.mp4", "/b.mp4"]


@pytest.mark.parametrize(
  "form, words",
  [
    (answers.Format(model="m2", classes=FORM.classes), "was answered by m1, and this is m2"),
    (
      answers.Format(model="m1", classes=("eat", "sit")),
      "was answered by a model of other classes",
    ),
    (WINDOWS, "was written with other flags, without the columns window"),
    (
      answers.Format(model="m1", classes=FORM.classes, with_labels=True),
      "was written with other flags, without the columns clip_id, label, split, verdict",
    ),
  ],
)
def test_what_another_command_wrote_is_refused_and_stays(output, form, words):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5)))
  before = output.read_bytes()
  with pytest.raises(cli.UserError, match=words):
    _write(output, form)
  assert output.read_bytes() == before
  _write(output, form, ("/b.mp4", _failed("/b.mp4")), overwrite=True)
  assert [row["path"] for row in _read(output)] == ["/b.mp4"]


@pytest.mark.parametrize(
  "content", [b"hello\n", b"hello", b"\xff\xfe\n", b"path,label,split\n", b'"path\n']
)
def test_what_holds_something_else_is_refused_and_stays(output, content):
  output.write_bytes(content)
  with pytest.raises(cli.UserError, match="give another `output`, or `overwrite` to lose"):
    _write(output, FORM)
  assert output.read_bytes() == content


def test_a_damaged_row_in_the_middle_is_refused(output):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5)), ("/b.mp4", _parts("/b.mp4", 0.5)))
  lines = output.read_text().splitlines(keepends=True)
  output.write_text(lines[0] + "/a.mp4,0\n" + lines[2])
  with pytest.raises(cli.UserError, match=r"has a damaged row \(/a.mp4,0\)"):
    _write(output, FORM)


def test_overwriting_begins_with_the_first_row(output):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5)))
  with answers.AnswerFile(str(output), FORM, overwrite=True) as file:
    assert [row["path"] for row in _read(output)] == ["/a.mp4"]
    file.write(_question("/b.mp4"), _parts("/b.mp4", 0.5))
  assert [row["path"] for row in _read(output)] == ["/b.mp4"]


def test_two_runs_do_not_write_one_file(output):
  with answers.AnswerFile(str(output), FORM) as file:
    with pytest.raises(cli.UserError, match="is being written by another run"):
      answers.AnswerFile(str(output), FORM)
    file.write(_question("/b.mp4"), _parts("/b.mp4", 0.5))
  assert len(_read(output)) == 1


def test_a_run_that_wrote_nothing_leaves_no_file(output):
  with answers.AnswerFile(str(output), FORM):
    pass
  assert not output.exists()


@pytest.mark.parametrize(
  "name, words",
  [("", "cannot be written: Is a directory"), ("nowhere/a.csv", "there is no folder")],
)
def test_a_file_that_cannot_be_written_is_told(tmp_path, name, words):
  with pytest.raises(cli.UserError, match=words):
    answers.AnswerFile(str(tmp_path / name), FORM)


def test_a_device_is_refused():
  with pytest.raises(cli.UserError, match="`output`=/dev/full is a pipe, a device or a link"):
    answers.AnswerFile("/dev/full", FORM)


def test_a_full_disk_is_told_and_the_rows_stay(output):
  _write(output, FORM, ("/a.mp4", _parts("/a.mp4", 0.5)))
  before = output.read_bytes()
  with answers.AnswerFile(str(output), FORM) as file:
    file.write(_question("/b.mp4"), _failed("/b.mp4"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
      resource.setrlimit(resource.RLIMIT_FSIZE, (output.stat().st_size + 10, limits[1]))
      with pytest.raises(cli.UserError, match="a.csv cannot be written: File too large"):
        file.write(_question("/c.mp4"), _parts("/c.mp4", 0.5))
    finally:
      resource.setrlimit(resource.RLIMIT_FSIZE, limits)
      signal.signal(signal.SIGXFSZ, handler)
  assert output.read_bytes().startswith(before)
  assert list(_write(output, FORM)) == ["/a.mp4", "/b.mp4"]


def test_labels_and_verdicts(output):
  form = answers.Format(model="m1", classes=FORM.classes, with_labels=True)
  with answers.AnswerFile(str(output), form) as file:
    for name, labels, parts in (
      ("right", ("run", "sit"), _parts("/a.mp4", 0.1)),
      ("wrong", ("eat",), _parts("/a.mp4", 0.1)),
      ("unknown", (), _parts("/a.mp4", 0.1)),
      ("failed", ("eat",), _failed("/a.mp4")),
    ):
      file.write(_question("/a.mp4", id=name, labels=labels, split="test"), parts)
  assert [(row["clip_id"], row["label"], row["verdict"]) for row in _read(output)] == [
    ("right", "run;sit", "right"),
    ("wrong", "eat", "wrong"),
    ("unknown", "", ""),
    ("failed", "eat", ""),
  ]

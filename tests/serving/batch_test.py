"""Asking about many videos, of which some are no good."""

import csv
import os
import signal

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import isolation
from official.serving import answers
from official.serving import batch
from official.serving import prediction
from official.tasks import label_marks

CLASSES = ("eat", "run", "sit")
FORM = answers.Format(model="m", classes=CLASSES)
LABELLED = answers.Format(model="m", classes=CLASSES, with_labels=True)


def make(deadly: str = ""):
  """Returns what answers by the name of a file: its class, or what is wrong with it."""

  def ask(path, start, end):
    name = os.path.basename(path).split("_")[0].split(".")[0]
    if name == deadly:
      os.kill(os.getpid(), signal.SIGSEGV)
    if name == "gone":
      raise cli.UserError("the server is away")
    if name not in CLASSES:
      raise ValueError(f"{name}\nis no class")
    scores, padded = np.where(np.array(CLASSES) == name, 0.8, 0.1), int(name == "sit")
    return [prediction.Prediction(path=path, end=1.0, probabilities=scores, padded=padded)]

  return ask


class Here:
  """An isolation.Child that calls in this process, so that tests are fast."""

  def __init__(self, initializer, arguments):
    initializer(*arguments)

  def call(self, function, argument):
    return function(argument)

  def close(self):
    batch._asking = None


@pytest.fixture
def here(monkeypatch):
  monkeypatch.setattr(isolation, "Child", Here)


@pytest.fixture
def ask(here, tmp_path):
  """Asks about files of the given names; returns the exit status."""

  def run(*names, form=FORM, output="a.csv", arguments=(), **options):
    questions = [
      answers.Question(id=str(tmp_path / name), path=str(tmp_path / name)) for name in names
    ]
    asked = batch.Batch(questions=questions, form=form, make=make, arguments=arguments)
    return batch.run(asked, output and str(tmp_path / output), **options)

  return run


@pytest.fixture
def read(tmp_path):
  def read_rows():
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
      return list(csv.DictReader(file))

  return read_rows


def test_a_bad_video_is_a_row_and_the_rest_is_answered(ask, read, tmp_path, capsys):
  assert ask("eat.mp4", "bad.mp4", "sit.mp4") == 0
  assert [(row["class"], row["error"], row["padded"]) for row in read()] == [
    ("eat", "", "0"),
    ("", "ValueError: bad is no class", ""),
    ("sit", "", "1"),
  ]
  assert capsys.readouterr().err.splitlines() == [
    f"[1/3] {tmp_path}/eat.mp4: eat 0.800",
    f"[2/3] {tmp_path}/bad.mp4: ValueError: bad is no class",
    f"[3/3] {tmp_path}/sit.mp4: sit 0.800, padded by 1 frame",
    f"answered 2 of 3 videos: {tmp_path}/a.csv",
    f"1 of 3 videos could not be read: {tmp_path}/a.csv says why, and --retry_errors asks again",
  ]


def test_no_answer_at_all_is_status_1(ask):
  assert ask("bad.mp4") == 1
  assert ask("bad.mp4") == 1  # From before.
  assert ask("bad.mp4", "eat.mp4") == 0


def test_the_same_command_asks_only_what_is_not_answered_yet(ask, read, tmp_path, capsys):
  ask("eat.mp4", "bad.mp4")
  capsys.readouterr()
  ask("eat.mp4", "bad.mp4", "run.mp4")
  told = capsys.readouterr().err.splitlines()
  assert told[:2] == [
    f"2 of 3 videos are in {tmp_path}/a.csv already",
    f"[3/3] {tmp_path}/run.mp4: run 0.800",
  ]
  assert told[2] == f"answered 2 of 3 videos: {tmp_path}/a.csv"
  assert [row["class"] for row in read()] == ["eat", "", "run"]


def test_errors_are_asked_about_again_when_that_is_wanted(ask, capsys):
  ask("eat.mp4", "bad.mp4")
  capsys.readouterr()
  ask("eat.mp4", "bad.mp4", retry_errors=True)
  assert "[2/2]" in capsys.readouterr().err


def test_where_there_is_no_use_in_going_on_the_rows_stay(ask, read):
  with pytest.raises(cli.UserError, match=r"the server is away \(1 of 3 videos were asked about\)"):
    ask("eat.mp4", "gone.mp4", "run.mp4")
  assert [row["class"] for row in read()] == ["eat"]


def test_an_interrupted_run_keeps_its_rows_and_says_so(ask, read, monkeypatch, capsys):
  asked = []

  def interrupted(self, function, argument):
    asked.append(argument)
    if len(asked) == 2:
      raise KeyboardInterrupt
    return function(argument)

  monkeypatch.setattr(Here, "call", interrupted)
  assert ask("eat.mp4", "run.mp4", "sit.mp4") == cli.INTERRUPTED
  assert capsys.readouterr().err.splitlines()[-1] == (
    "interrupted after 1 of 3 videos; the same command resumes"
  )
  assert [row["class"] for row in read()] == ["eat"]


def test_without_a_file_answers_are_told_only(ask, tmp_path, capsys):
  assert ask("eat.mp4", "bad.mp4", output=None) == 0
  assert capsys.readouterr().err.splitlines()[-1] == "1 of 2 videos could not be read: see above"
  assert not list(tmp_path.iterdir())


def test_what_is_read_is_not_written_over(ask, tmp_path):
  (tmp_path / "eat.mp4").touch()
  (tmp_path / "link").symlink_to("eat.mp4")
  with pytest.raises(cli.UserError, match="link is what is read; name another file"):
    ask("eat.mp4", output="link", overwrite=True)
  (tmp_path / "m.csv").touch()
  with pytest.raises(cli.UserError, match="m.csv is what is read; name another file"):
    ask("eat.mp4", output="m.csv", overwrite=True, manifest=str(tmp_path / "m.csv"))


def test_a_crash_costs_one_video(tmp_path, read):
  questions = [answers.Question(id=name, path=f"/{name}.mp4") for name in ("eat", "crash", "run")]
  asked = batch.Batch(questions=questions, form=FORM, make=make, arguments=("crash",))
  assert batch.run(asked, str(tmp_path / "a.csv")) == 0
  assert [(row["class"], row["error"]) for row in read()] == [
    ("eat", ""),
    ("", "the process that decoded it died of SIGSEGV"),
    ("run", ""),
  ]


@pytest.fixture
def manifest(tmp_path):
  """Writes a manifest, and the files that it lists."""

  def write(text):
    path = tmp_path / "m.csv"
    path.write_text("path,label,split,start,end\n" + text)
    for line in text.splitlines():
      (tmp_path / line.split(",")[0]).touch()
    return str(path)

  return write


def _ask_manifest(manifest, tmp_path, *videos, **options):
  questions = batch.questions(videos, manifest=manifest, **options)
  asked = batch.Batch(questions=questions, form=LABELLED, make=make, arguments=())
  return batch.run(asked, str(tmp_path / "a.csv"))


def test_a_manifest_adds_labels_verdicts_and_the_accuracy(here, manifest, tmp_path, read, capsys):
  path = manifest("run_1.mp4,run,test\neat_1.mp4,run,test\nsit_1.mp4,sit,train\nbad.mp4,eat,test\n")
  assert _ask_manifest(path, tmp_path) == 0
  assert [(row["clip_id"], row["label"], row["split"], row["verdict"]) for row in read()] == [
    ("run_1.mp4", "run", "test", "right"),
    ("eat_1.mp4", "run", "test", "wrong"),
    ("sit_1.mp4", "sit", "train", "right"),
    ("bad.mp4", "eat", "test", ""),
  ]
  told = capsys.readouterr()
  assert told.out.splitlines() == [
    "accuracy: 0.667 (2 of 3 videos right, 95 % interval 0.208 to 0.939; chance 0.333, largest "
    "class 0.667)",
    "accuracy of the split train: 1.000 (1 of 1 videos right, 95 % interval 0.207 to 1.000)",
    "accuracy of the split test: 0.500 (1 of 2 videos right, 95 % interval 0.095 to 0.905)",
  ]
  assert "eat_1.mp4: eat 0.800, wrong (it is run)" in told.err
  _ask_manifest(path, tmp_path)
  assert capsys.readouterr().out == told.out  # From the rows of before.


def test_videos_of_several_classes_have_a_mean_average_precision(here, manifest, tmp_path, capsys):
  path = manifest("run_1.mp4,run;eat,test\neat_1.mp4,eat,test\nrun_2.mp4,eat,test\n")
  _ask_manifest(path, tmp_path)
  # eat: ranked eat_1, then the other two as one step. run: run_1 and run_2 are one step.
  precision = ((1 / 3 * 1 + 2 / 3 * 1) + 1 / 2) / 2
  assert capsys.readouterr().out.splitlines() == [
    # A random answer is right for two thirds of one video and one third of the others.
    "accuracy: 0.667 (2 of 3 videos right, 95 % interval 0.208 to 0.939; chance 0.444, largest "
    "class 1.000)",
    f"mean average precision: {precision:.3f} (over 2 classes)",
  ]


def test_the_command_line_chooses_among_the_clips_of_a_manifest(manifest, tmp_path):
  path = manifest("run_1.mp4,run,test,0,1\nrun_1.mp4,run,test,1,2\neat_1.mp4,eat,train,,\n")
  (tmp_path / "other.mp4").touch()
  (tmp_path / "link.mp4").symlink_to("run_1.mp4")
  found = batch.questions([str(tmp_path / "link.mp4"), str(tmp_path / "other.mp4")], manifest=path)
  assert [(one.id, one.start, one.end, one.labels) for one in found] == [
    ("run_1.mp4_0_1", 0.0, 1.0, ("run",)),
    ("run_1.mp4_1_2", 1.0, 2.0, ("run",)),
    (str(tmp_path / "other.mp4"), None, None, ()),
  ]
  assert [one.id for one in batch.questions([], manifest=path, split="train")] == ["eat_1.mp4"]
  with pytest.raises(cli.UserError, match="has no clip of these in --split=validation"):
    batch.questions([], manifest=path, split="validation")
  with pytest.raises(cli.UserError, match="--split needs --manifest"):
    batch.questions([str(tmp_path)], split="test")


def test_labels_that_changed_are_refused(here, manifest, tmp_path):
  _ask_manifest(manifest("run_1.mp4,run,test\n"), tmp_path)
  with pytest.raises(cli.UserError, match="says 'run' of run_1.mp4, and --manifest 'eat'; give"):
    _ask_manifest(manifest("run_1.mp4,eat,test\n"), tmp_path)


def test_a_video_that_is_named_twice_is_asked_about_once(tmp_path):
  (tmp_path / "a.mp4").touch()
  found = batch.questions([str(tmp_path), str(tmp_path / "a.mp4"), f"{tmp_path}/./a.mp4"])
  assert [one.path for one in found] == [str(tmp_path / "a.mp4")]


def test_labels_that_no_network_knows_are_told():
  assert label_marks.unknown({"1": ("run",), "2": ("Run", "eat")}, CLASSES) == [
    "1 clip has labels that are none of the network's 3 classes: Run"
  ]
  assert label_marks.unknown({"1": ("run",)}, CLASSES) == []


def test_average_precision_is_that_of_a_ranking():
  scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
  truth = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool)
  found, classes = label_marks.mean_average_precision(scores, truth)
  assert (found, classes) == (pytest.approx((1 + 2 / 3) / 2), 1)
  ties, _ = label_marks.mean_average_precision(np.zeros((4, 1)), truth[:, :1])
  assert ties == pytest.approx(0.5)

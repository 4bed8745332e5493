"""The output folder before, while and after it is made."""

import dataclasses
import json

import pytest

from data_prep.common import cli
from data_prep.job import folder

JOB = folder.Identity(settings={"fps": 25}, manifest_sha256="abc", versions={"opencv": "4"})


def names(path):
  return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


@pytest.fixture
def killed(tmp_path):
  """The folder of a killed run of `JOB`."""
  (tmp_path / ".unfinished" / "results").mkdir(parents=True)
  (tmp_path / ".unfinished" / "job.json").write_text(json.dumps(dataclasses.asdict(JOB)))
  for name in (
    ".unfinished/plan.json",
    ".unfinished/progress-1",
    ".unfinished/results/a.json",
    ".unfinished/results/train-00000-of-00002.tfrecord.json",
    "train-00000-of-00002.tfrecord",
    "train-00001-of-00002.tfrecord",
    "test-00000-of-00001.tfrecord.0a1b2c3d.incomplete",
    "failures.jsonl",
    "notes.txt",
    "train.tfrecord",
  ):
    (tmp_path / name).touch()
  return tmp_path


def test_of_a_killed_run_the_shards_that_have_a_result_are_kept(killed):
  with folder.owned(str(killed), JOB):
    assert names(killed) == [
      ".unfinished",
      ".unfinished/job.json",
      ".unfinished/lock",
      ".unfinished/results",
      ".unfinished/results/train-00000-of-00002.tfrecord.json",
      "notes.txt",
      "train-00000-of-00002.tfrecord",
      "train.tfrecord",
    ]


@pytest.mark.parametrize(
  "change, message",
  [
    ({"settings": {"fps": 30}}, "unfinished preparation with `fps`=25, not `fps`=30"),
    ({"manifest_sha256": "x"}, "unfinished preparation from another `manifest`"),
    ({"versions": {"opencv": "5"}}, "unfinished preparation by opencv 4, and this is opencv 5"),
  ],
)
def test_another_preparation_is_refused_unless_it_may_be_lost(killed, change, message):
  other = dataclasses.replace(JOB, **change)
  with pytest.raises(cli.UserError, match=message), folder.owned(str(killed), other):
    pass
  assert (killed / "train-00000-of-00002.tfrecord").exists()
  with folder.owned(str(killed), other, overwrite=True):
    assert names(killed) == [
      ".unfinished",
      ".unfinished/job.json",
      ".unfinished/lock",
      ".unfinished/results",
      "notes.txt",
      "train.tfrecord",
    ]


def test_files_that_nobody_can_tell_the_origin_of_are_not_removed(tmp_path):
  (tmp_path / "train-00000-of-00001.tfrecord").touch()
  with (
    pytest.raises(cli.UserError, match="has train-00000-of-00001.tfrecord, but nothing says"),
    folder.owned(str(tmp_path), JOB),
  ):
    pass
  assert (tmp_path / "train-00000-of-00001.tfrecord").exists()


def test_a_good_end_leaves_only_the_dataset(tmp_path):
  with folder.owned(str(tmp_path / "a" / "b"), JOB):
    (tmp_path / "a" / "b" / "dataset.json").touch()
  assert names(tmp_path) == ["a", "a/b", "a/b/dataset.json"]


def test_what_is_to_be_discarded_leaves_nothing(tmp_path):
  with pytest.raises(folder.Discard, match="wrong"), folder.owned(str(tmp_path / "a" / "b"), JOB):
    (tmp_path / "a" / "b" / "train-00000-of-00001.tfrecord").touch()
    raise folder.Discard("wrong")
  assert names(tmp_path) == []


def test_another_error_leaves_what_there_is_for_the_next_run(tmp_path):
  with pytest.raises(RuntimeError), folder.owned(str(tmp_path), JOB):
    raise RuntimeError
  assert ".unfinished/lock" in names(tmp_path)


def test_a_second_run_is_kept_out_and_changes_nothing(tmp_path):
  with folder.owned(str(tmp_path), JOB):
    (tmp_path / "train-00000-of-00001.tfrecord").touch()
    with (
      pytest.raises(cli.UserError, match="another data_prep.extract is writing .*; wait"),
      folder.owned(str(tmp_path), JOB),
    ):
      pass
    assert "train-00000-of-00001.tfrecord" in names(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
  (tmp_path / "file").touch()
  with (
    pytest.raises(cli.UserError, match="`directory`=.*file cannot be made: "),
    folder.owned(str(tmp_path / "file"), JOB),
  ):
    pass

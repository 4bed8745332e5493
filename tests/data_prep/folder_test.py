"""The output folder before, while and after it is made."""

import pytest

from data_prep import cli
from data_prep import folder


def names(path):
  return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
  (tmp_path / ".unfinished" / "results").mkdir(parents=True)
  for name in (".unfinished/plan.json", ".unfinished/progress-1", ".unfinished/results/a.json",
               "train-00000-of-00001.tfrecord", "test-00000-of-00001.tfrecord.0a1b2c3d.incomplete",
               "failures.jsonl", "notes.txt", "train.tfrecord"):
    (tmp_path / name).touch()
  with folder.owned(str(tmp_path)):
    assert names(tmp_path) == [".unfinished", ".unfinished/lock", ".unfinished/results",
                               "notes.txt", "train.tfrecord"]


def test_a_good_end_leaves_only_the_dataset(tmp_path):
  with folder.owned(str(tmp_path / "a" / "b")):
    (tmp_path / "a" / "b" / "dataset.json").touch()
  assert names(tmp_path) == ["a", "a/b", "a/b/dataset.json"]


def test_a_mistake_of_the_user_leaves_nothing(tmp_path):
  with pytest.raises(cli.UserError, match="wrong"), folder.owned(str(tmp_path / "a" / "b")):
    (tmp_path / "a" / "b" / "train-00000-of-00001.tfrecord").touch()
    raise cli.UserError("wrong")
  assert names(tmp_path) == []


def test_another_error_leaves_what_there_is_for_the_next_run(tmp_path):
  with pytest.raises(RuntimeError), folder.owned(str(tmp_path)):
    raise RuntimeError
  assert ".unfinished/lock" in names(tmp_path)


def test_a_second_run_is_kept_out_and_changes_nothing(tmp_path):
  with folder.owned(str(tmp_path)):
    (tmp_path / "train-00000-of-00001.tfrecord").touch()
    with (pytest.raises(cli.UserError, match="another data_prep.extract is writing .*; wait"),
          folder.owned(str(tmp_path))):
      pass
    assert "train-00000-of-00001.tfrecord" in names(tmp_path)


def test_a_folder_that_was_finished_meanwhile_is_left_alone(tmp_path):
  (tmp_path / "dataset.json").touch()
  with (pytest.raises(cli.UserError, match="has just been prepared by another run"),
        folder.owned(str(tmp_path))):
    pass
  assert (tmp_path / "dataset.json").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
  (tmp_path / "file").touch()
  with (pytest.raises(cli.UserError, match="--output_dir=.*file cannot be made: "),
        folder.owned(str(tmp_path / "file"))):
    pass

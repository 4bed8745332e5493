"""The newest checkpoint of a folder is whole, or told."""

import pytest
import tensorflow as tf

from data_prep.common import cli
from official.training import checkpoints


def model(units=3):
  return tf.keras.Sequential([tf.keras.layers.Dense(units, input_shape=(2,))])


@pytest.fixture
def folder(tmp_path):
  """A folder of one checkpoint of a small model."""
  checkpoint = tf.train.Checkpoint(model=model())
  tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=1).save()
  return tmp_path


def is_told(folder, *words):
  with pytest.raises(cli.UserError) as raised:
    checkpoints.newest(str(folder))
  line = str(raised.value)
  assert all(word in line for word in (str(folder), "to have it trained from the start", *words))
  assert "\n" not in line


def test_a_whole_one_is_found(folder):
  assert checkpoints.newest(str(folder)) == str(folder / "ckpt-1")


def test_a_folder_without_any_has_none(tmp_path):
  assert checkpoints.newest(str(tmp_path)) is None
  assert checkpoints.newest(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize("name", ["ckpt-1.data-00000-of-00001", "ckpt-1.index"])
@pytest.mark.parametrize("content", [None, b"", b"x", b"half"])
def test_files_that_are_missing_or_damaged_are_told(folder, name, content):
  whole = (folder / name).read_bytes()
  (folder / name).unlink()
  if content is not None:
    (folder / name).write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
  is_told(folder, "ckpt-1")


@pytest.mark.parametrize(
  "content", [b"", b"\xff\x00", b"{}", b"garbage", b'model_checkpoint_path: "ckpt-7"']
)
def test_a_damaged_list_is_told(folder, content):
  (folder / "checkpoint").write_bytes(content)
  is_told(folder)


def test_a_list_that_is_a_folder_is_told(folder):
  (folder / "checkpoint").unlink()
  (folder / "checkpoint").mkdir()
  is_told(folder)


def test_one_of_another_network_is_told(folder):
  prefix = checkpoints.newest(str(folder))
  checkpoints.check_fits(model(), prefix, "give another")
  with pytest.raises(cli.UserError, match="is of another architecture .*; give another"):
    checkpoints.check_fits(model(5), prefix, "give another")

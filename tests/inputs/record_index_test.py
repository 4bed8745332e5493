"""Records of TFRecord files, found and read by position."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import records
from official.inputs import record_index

_DATA = [[b"first", b"", b"third" * 1000], [b"other"]]


@pytest.fixture
def paths(tmp_path):
  names = []
  for number, several in enumerate(_DATA):
    names.append(str(tmp_path / f"{number}.tfrecord"))
    with open(names[-1], "wb") as file:
      for data in several:
        records.write_record(file, data)
  return names


def test_every_record_is_found_in_order(paths):
  index = record_index.locate(paths, None)
  read = [record_index.read(paths[file], position) for file, position in index.tolist()]
  assert read == [record.numpy() for record in tf.data.TFRecordDataset(paths)]
  assert index[:, 0].tolist() == [0, 0, 0, 1]


def test_positions_are_kept(paths, tmp_path):
  kept = str(tmp_path / "cache" / "index.npy")
  index = record_index.locate(paths, kept)
  np.testing.assert_array_equal(record_index.locate(["not looked at"], kept), index)


def test_a_file_that_ends_within_a_record_is_named(paths):
  with open(paths[0], "rb+") as file:
    file.truncate(60)
  with pytest.raises(cli.UserError, match=r"0.tfrecord is damaged: the record at byte 37 is not"):
    record_index.locate(paths, None)


def test_a_record_that_does_not_fit_its_checksum_is_named(paths):
  index = record_index.locate(paths, None).tolist()
  with open(paths[0], "rb+") as file:
    file.seek(100)
    file.write(b"X")
  with pytest.raises(cli.UserError, match="0.tfrecord is damaged: the record at byte 37 is not"):
    record_index.read(paths[0], index[2][1])


@pytest.mark.parametrize("content", [b"", b"x", b"\x93NUMPY\x01\x00"])
def test_a_damaged_index_is_made_anew(paths, tmp_path, content):
  kept = tmp_path / "kept.npy"
  kept.write_bytes(content)
  assert record_index.locate(paths, str(kept)).shape == (4, 2)
  assert np.load(kept).shape == (4, 2)

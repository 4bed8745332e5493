"""SequenceExamples and TFRecord files, read back by TensorFlow and by ourselves."""

import io

import pytest

from data_prep.dataset import records


@pytest.fixture
def example() -> bytes:
  return records.sequence_example(
    {"name": [b"clip", "é".encode()], "index": [1, -2], "rate": [0.5]},
    {"images": [[b"one"], [b"two"]], "times": [[0], [1 << 40]]},
  )


def test_tensorflow_parses_what_is_written(example, tmp_path):
  tf = pytest.importorskip("tensorflow")
  path = tmp_path / "a.tfrecord"
  with open(path, "wb") as file:
    records.write_record(file, example)
    records.write_record(file, example)
  contents = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
  assert contents == [example, example]
  parsed = tf.train.SequenceExample.FromString(contents[0])
  assert parsed.context.feature["name"].bytes_list.value[:] == [b"clip", "é".encode()]
  assert parsed.context.feature["index"].int64_list.value[:] == [1, -2]
  assert parsed.context.feature["rate"].float_list.value[:] == [0.5]
  steps = parsed.feature_lists.feature_list["times"].feature
  assert [step.int64_list.value[:] for step in steps] == [[0], [1 << 40]]
  assert len(parsed.feature_lists.feature_list["images"].feature) == 2


def test_what_is_serialized_is_parsed(example):
  context, lists = records.parse(example)
  assert context == {"name": [b"clip", "é".encode()], "index": [1, -2], "rate": [0.5]}
  assert lists == {"images": [[b"one"], [b"two"]], "times": [[0], [1 << 40]]}


def test_the_order_of_keys_does_not_change_the_bytes():
  keys = [f"key{index}" for index in range(40)]
  forwards = records.sequence_example({key: [1] for key in keys}, {})
  assert forwards == records.sequence_example({key: [1] for key in reversed(keys)}, {})


@pytest.mark.parametrize("position", [0, 9, 12, 20, -1])
def test_a_damaged_record_is_noticed(example, position):
  file = io.BytesIO()
  records.write_record(file, example)
  content = bytearray(file.getvalue())
  content[position] ^= 1
  with pytest.raises(ValueError, match="the TFRecord file is damaged"):
    list(records.read_records(io.BytesIO(bytes(content))))


def test_a_record_that_is_cut_is_noticed(example):
  file = io.BytesIO()
  records.write_record(file, example)
  with pytest.raises(ValueError, match="a record does not fit its checksum"):
    list(records.read_records(io.BytesIO(file.getvalue()[:-6])))

"""The clip that a server warms up with."""

import dataclasses

from data_prep.dataset import metadata
from data_prep.dataset import records
from official.serving import warm_up


def test_the_first_clip_may_be_in_a_later_file(info, tmp_path):
  splits = {**info.splits, "train": metadata.SplitInfo(clips=1, frames=2, shards=2)}
  metadata.save(dataclasses.replace(info, splits=splits), str(tmp_path))
  (tmp_path / "train-00000-of-00002.tfrecord").touch()
  with open(tmp_path / "train-00001-of-00002.tfrecord", "wb") as file:
    records.write_record(file, records.sequence_example({}, {"image/encoded": [[b"a"], [b"b"]]}))
  assert warm_up.first_clip(str(tmp_path), 1) == [b"a"]
  assert warm_up.first_clip(str(tmp_path), 3) == [b"a", b"b", b"b"]

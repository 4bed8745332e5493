"""Which clips go where."""

import collections

import pytest

from data_prep.dataset import rows
from data_prep.job import shards


def make_rows(**counts):
  return [
    rows.Row(
      clip_id=f"{split}{index:03d}", path="p", location="/nowhere", labels=("a",), split=split
    )
    for split, count in counts.items()
    for index in range(count)
  ]


def test_every_clip_is_in_one_shard_of_its_split():
  plan = shards.assign(make_rows(train=10, test=3), num_shards=4)
  assert collections.Counter(
    (shard.split, row.clip_id) for shard in plan for row in shard.rows
  ) == collections.Counter((row.split, row.clip_id) for row in make_rows(train=10, test=3))


def test_clips_are_dealt_out_in_turn():
  plan = shards.assign(make_rows(train=5), num_shards=2)
  assert [[row.clip_id for row in shard.rows] for shard in plan] == [
    ["train000", "train002", "train004"],
    ["train001", "train003"],
  ]


@pytest.mark.parametrize(
  "clips, num_shards, expected",
  [(10, 0, 10), (1, 0, 1), (100, 0, 64), (1000, 0, 250), (10, 4, 4), (3, 8, 3), (100_000, 0, 4096)],
)
def test_the_number_of_files(clips, num_shards, expected):
  assert len(shards.assign(make_rows(train=clips), num_shards)) == expected


def test_files_are_named_by_split_number_and_count():
  assert [shard.name for shard in shards.assign(make_rows(train=5, test=1), num_shards=2)] == [
    "train-00000-of-00002.tfrecord",
    "train-00001-of-00002.tfrecord",
    "test-00000-of-00001.tfrecord",
  ]


def test_workers_in_turn_get_about_the_same_to_do(tmp_path):
  plan = []
  for index, size in enumerate((10, 70, 40, 20, 50, 30)):
    (tmp_path / str(index)).write_bytes(b"x" * size)
    row = rows.Row(
      clip_id=str(index),
      path="p",
      location=str(tmp_path / str(index)),
      labels=("a",),
      split="train",
    )
    plan.append(shards.Shard(name=str(size), split="train", rows=(row,)))
  ordered = shards.in_working_order(plan, 2)
  assert [shard.name for shard in ordered] == ["70", "50", "30", "40", "20", "10"]


def test_a_plan_is_read_as_it_was_written(tmp_path):
  (tmp_path / shards.UNFINISHED).mkdir()
  plan = shards.assign(make_rows(train=5, validation=2))
  shards.write_plan(plan, str(tmp_path))
  assert shards.read_plan(str(tmp_path)) == plan

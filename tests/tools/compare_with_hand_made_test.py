"""The comparison of a search with hand-made networks: which are compared, how, and the table."""

import dataclasses

import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import hand_made
from official.architecture import serialization
from official.architecture.space import load_space
from official.runs import json_files
from official.runs import records
from official.runs.final_records import FinalResult
from official.runs.run_directory import RunDirectory
from official.tasks import baselines
from official.training import config
from tests.tools import loaded_mains

compare = loaded_mains.load("tools.compare_with_hand_made")

SPACE = load_space("small")
INFO = metadata.DatasetInfo(
  classes=("a", "b"),
  streams={},
  fps=10,
  short_side=32,
  splits={
    split: metadata.SplitInfo(clips=clips, shards=1, frames=clips)
    for split, clips in (("train", 100), ("validation", 80), ("test", 84))
  },
  failures=0,
  multi_label=False,
  manifest_sha256="",
  settings={},
  versions={},
)


def searched(path, winner=3) -> RunDirectory:
  """A search whose candidates are random up to 2; the best ones are 1 and 3."""
  run = RunDirectory(str(path))
  drawn = serialization.to_json(hand_made.make("late-fusion", SPACE, hand_made.CLIP, 90_000))
  with run.opened({}, {}):
    for number, fitness in enumerate([0.5, 0.7, 0.6, 0.8, 0.75]):
      run.write_candidate(
        records.Candidate(
          number=number, seed=100 + number, architecture=drawn, parent=1 if number > 2 else None
        )
      )
      run.write_result(
        records.Result(
          number=number,
          status="ok",
          fitness=fitness,
          metrics={"loss": 1.0},
          params=90_000,
          finish_order=number,
        ),
        records.Timing(),
      )
    json_files.make_directory(run.final_directory)
    final = FinalResult(
      candidate=winner,
      params=90_000,
      metrics={"validation": {"accuracy": 0.85}, "test": {"accuracy": 0.75}},
    )
    json_files.write_json(json_files.join(run.final_directory, "result.json"), final.to_json())
  return run


def test_hand_made_networks_and_the_best_of_both_sorts_are_compared(tmp_path):
  found = compare.rows(searched(tmp_path), SPACE, INFO, ["late-fusion", "fully-connected"])
  assert [row.name for row in found] == [
    "hand-made: late-fusion",
    "hand-made: fully-connected",
    "best random: 000001",
    "best evolved: 000003, the winner",
  ]
  assert [row.trained is not None for row in found] == [False, False, False, True]
  assert [row.seed for row in found] == [0, 0, 101, 103]
  assert [row.searched for row in found] == [None, None, 0.7, 0.8]


def test_hand_made_networks_are_as_large_as_the_winner(tmp_path):
  for row in compare.rows(searched(tmp_path), SPACE, INFO, hand_made.names())[:5]:
    drawn = serialization.from_json(row.architecture)
    params = cost.parameters(drawn, hand_made.CLIP.streams, len(INFO.classes))
    assert params == pytest.approx(90_000, rel=0.05)


def test_a_winner_that_was_not_the_best_in_the_search_has_a_row(tmp_path):
  found = compare.rows(searched(tmp_path, winner=4), SPACE, INFO, [])
  assert [row.name for row in found] == [
    "best random: 000001",
    "best evolved: 000003",
    "confirmed: 000004, the winner",
  ]


def test_a_search_without_a_final_training_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match="has no finished final training of one candidate"):
    compare.rows(RunDirectory(str(tmp_path)), SPACE, INFO, [])


def test_networks_are_trained_with_the_flags_of_the_search():
  training = config.of(batch_size=4, horizontal_flip=False, learning_rate=0.25)
  identity = {**config.identity(training, config.EVOLVE), "threads_per_candidate": 2, "seed": 7}
  found = compare.training_flags(identity)
  assert {"--batch_size=4", "--horizontal_flip=false", "--learning_rate=0.25"} <= set(found)
  assert "--threads=2" in found
  assert not [flag for flag in found if flag.startswith(("--seed", "--train_steps", "--data_dir"))]


def test_the_table_tells_share_clips_and_interval(tmp_path):
  row = compare.rows(searched(tmp_path), SPACE, INFO, [])[1]
  beside = {
    split: baselines.Baseline(metric="accuracy", clips=clips, chance=0.5, largest_class=0.6)
    for split, clips in (("validation", 80), ("test", 84))
  }
  lines = compare.table([(row, row.trained)], beside, "accuracy", 1000, 200).splitlines()
  assert "trained alike for 1,000 steps" in lines[0]
  assert lines[2].split("  ")[0] == "network"
  assert lines[2].endswith("test, 84 clips") and "accuracy after 200 steps" in lines[2]
  # Wilson: 68 of 80, 63 of 84.
  assert lines[3].split()[-8:] == "0.850 (0.76 to 0.91) 0.750 (0.65 to 0.83)".split()
  assert lines[5] == "validation: chance 0.500, largest class 0.600"
  assert "One search and one training of each say little" in lines[-1]


def test_a_share_that_is_no_number_is_none(tmp_path):
  row = compare.rows(searched(tmp_path), SPACE, INFO, [])[1]
  beside = {"test": baselines.Baseline(metric="accuracy", clips=84, chance=0.5)}
  for metrics in ({}, {"test": {"accuracy": None}}, {"test": {"accuracy": float("nan")}}):
    final = dataclasses.replace(row.trained, metrics=metrics)
    line = compare.table([(row, final)], beside, "accuracy", 1000, 200).splitlines()[3]
    assert line.endswith("none")

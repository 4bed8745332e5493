"""What an accuracy is compared with."""

import dataclasses

import pytest

from data_prep.dataset import metadata
from official.runs import final_records
from official.runs import recorded_data
from official.runs.records import RunFlags
from official.tasks import baselines
from official.tasks import registry

_BASELINE = baselines.Baseline(metric="accuracy", clips=4, chance=0.25, largest_class=0.5)
_TOLD = "3 of 4 clips right, 95 % interval 0.301 to 0.954; chance 0.250, largest class 0.500"


@pytest.fixture
def counted(tiny_dataset) -> metadata.DatasetInfo:
  """Returns two classes, with three and one validation clips."""
  return dataclasses.replace(
    tiny_dataset,
    classes=("a", "b"),
    splits={**tiny_dataset.splits, "validation": metadata.SplitInfo(clips=4, frames=4, shards=1)},
    class_clips={"validation": [3, 1]},
  )


@pytest.fixture
def tiny_dataset() -> metadata.DatasetInfo:
  return metadata.DatasetInfo(
    classes=("a",),
    streams={},
    fps=10.0,
    short_side=8,
    splits={split: metadata.SplitInfo() for split in metadata.SPLITS},
    failures=0,
    multi_label=False,
    manifest_sha256="",
    settings={},
    versions={},
  )


def test_it_tells_clips_interval_chance_and_the_largest_class():
  assert _BASELINE.of({"accuracy": 0.75}) == _TOLD


@pytest.mark.parametrize(
  "metrics", [{}, {"loss": 1.0}, {"accuracy": None}, {"accuracy": float("nan")}]
)
def test_without_an_accuracy_there_is_nothing_to_tell(metrics):
  assert _BASELINE.of(metrics) is None


def test_a_dataset_tells_the_baseline_of_a_split(counted):
  found = baselines.of_splits(registry.DEFAULT, counted, {"validation": {}, "test": {}})
  assert found == {
    "validation": baselines.Baseline(metric="accuracy", clips=4, chance=0.5, largest_class=0.75)
  }
  assert baselines.from_json(baselines.to_json(found)) == found


def test_a_dataset_that_does_not_count_its_classes_has_no_largest_one(counted):
  counted = dataclasses.replace(counted, class_clips=None)
  found = baselines.of_split(registry.DEFAULT, counted, "validation")
  assert found.text(0.5).endswith("; chance 0.500")


def test_a_task_without_a_share_of_right_answers_has_none(counted):
  assert baselines.of_split(registry.get("multi_label"), counted, "validation") is None


def test_a_final_result_keeps_them_and_tells_them():
  result = final_records.FinalResult(
    metrics={"test": {"accuracy": 0.75}}, baselines={"test": _BASELINE}
  )
  again = final_records.FinalResult.from_json(result.to_json(), "result.json")
  assert again.lines() == ["test: accuracy 0.7500", f"test: {_TOLD}"]


def test_a_final_result_of_before_is_told_as_before():
  result = final_records.FinalResult.from_json({"metrics": {"test": {"accuracy": 0.75}}}, "p")
  assert result.lines() == ["test: accuracy 0.7500"]
  assert "baselines" not in result.to_json()


def test_a_search_tells_them_while_its_dataset_is_there(counted, tmp_path):
  metadata.save(counted, str(tmp_path))
  flags = RunFlags(
    identity={"data_dir": counted.fingerprint}, operation={"data_dir": str(tmp_path)}
  )
  told = "2 of 4 clips right, 95 % interval 0.150 to 0.850; chance 0.500, largest class 0.750"
  assert recorded_data.beside(flags, {"accuracy": 0.5}) == told
  other = dataclasses.replace(flags, identity={"data_dir": "another"})
  assert recorded_data.beside(other, {"accuracy": 0.5}) is None
  gone = dataclasses.replace(flags, operation={"data_dir": str(tmp_path / "gone")})
  assert recorded_data.beside(gone, {"accuracy": 0.5}) is None

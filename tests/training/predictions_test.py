"""What is kept of a final network's answers: rows in order, the worst, and pictures of them."""

import csv
import pathlib

import numpy as np
import pytest

from data_prep.dataset import metadata
from data_prep.dataset import stored_images
from official.inputs import videos
from official.tasks import registry
from official.training import answers as answers_lib
from official.training import predictions

_CLASSES = ("eat", "run", "sit")
_VIDEOS = [
  videos.Video(id=f"clip{n}", labels=(n % 3,), frames=1, read=lambda *_: iter(())) for n in range(5)
]


def _info() -> metadata.DatasetInfo:
  return metadata.DatasetInfo(
    classes=_CLASSES,
    streams={},
    fps=1.0,
    short_side=8,
    splits={},
    failures=0,
    multi_label=False,
    manifest_sha256="",
    settings={},
    versions={},
  )


def _collected(order: list[int], probabilities: np.ndarray) -> answers_lib.Answers:
  """Answers of two replicas, whose batches of three are padded and come in some order."""
  collector = answers_lib.Collector()
  for start in (0, 3):
    numbers = np.array(order[start : start + 3])
    collector.add(
      numbers, (numbers < 5).astype(np.float32), {"probabilities": probabilities[numbers % 5]}, {}
    )
  return collector.answers(_VIDEOS)


_PROBABILITIES = np.array(
  [[0.5, 0.3, 0.2], [0.9, 0.1, 0.0], [0.0, 0.1, 0.9], [0.2, 0.4, 0.4], [0.1, 0.8, 0.1]]
)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [0, 2, 4, 1, 3, 5], [3, 4, 5, 0, 1, 2]])
def test_answers_are_in_the_order_of_the_videos_and_padding_is_left_out(order):
  found = _collected(order, _PROBABILITIES)
  assert found.ids == tuple(f"clip{n}" for n in range(5))
  assert found.labels == ((0,), (1,), (2,), (0,), (1,))
  np.testing.assert_array_equal(found.values["probabilities"], _PROBABILITIES)


def _written(tmp_path: pathlib.Path, name: str, found: answers_lib.Answers) -> list[dict]:
  spec = registry.get(name)
  predictions.write(str(tmp_path), {"test": found, "validation": found}, "test", spec, _info())
  with open(tmp_path / "predictions.csv", encoding="utf-8", newline="") as file:
    return list(csv.DictReader(file))


def test_a_row_says_label_answer_score_and_whether_it_is_right(tmp_path):
  rows = _written(tmp_path, "classification", _collected(list(range(6)), _PROBABILITIES))
  assert [row["split"] for row in rows] == ["validation"] * 5 + ["test"] * 5
  assert rows[1] == {
    "clip": "clip1",
    "split": "validation",
    "label": "run",
    "answer": "eat",
    "score": "0.900000",
    "right": "0",
  }
  assert [row["right"] for row in rows[:5]] == ["1", "0", "1", "0", "1"]


def test_the_report_ends_with_the_worst_once(tmp_path):
  (tmp_path / "report.txt").write_text("accuracy 0.6\n")
  for _ in range(2):
    _written(tmp_path, "classification", _collected(list(range(6)), _PROBABILITIES))
  before, told = (tmp_path / "report.txt").read_text().split("\n\n")
  assert before == "accuracy 0.6"
  head, _, *rows = told.splitlines()
  assert head == "worst answers about test videos; predictions.csv has all"
  # Wrong ones, the surest first; then right ones, the least sure first.
  assert [row.split()[0] for row in rows] == ["clip1", "clip3", "clip0", "clip4", "clip2"]


def test_of_several_labels_the_answer_is_all_that_are_likely(tmp_path):
  found = answers_lib.Answers(
    ids=("a", "b"),
    labels=((0, 2), (1,)),
    values={"probabilities": np.array([[0.9, 0.2, 0.6], [0.1, 0.3, 0.2]])},
    examples=(),
  )
  rows = _written(tmp_path, "multi_label", found)
  assert [(r["label"], r["answer"], r["score"], r["right"]) for r in rows[:2]] == [
    ("eat;sit", "eat;sit", "0.600000", "1"),
    ("run", "", "0.700000", "0"),
  ]


def test_masks_are_judged_by_clip():
  pixels = np.array([[[3, 1, 0], [0, 4, 0], [0, 0, 0]]], np.float32)
  rows = registry.get("segmentation").served().predictions([()], {"pixels": pixels}, _CLASSES)
  assert rows == [
    {
      "mean_iou": "0.7750",
      "pixel_accuracy": "0.8750",
      "iou of eat": "0.7500",
      "iou of run": "0.8000",
      "iou of sit": "",
    }
  ]


def test_pictures_of_the_worst_are_kept(tmp_path):
  collector = answers_lib.Collector(examples=2)
  frames = np.zeros((3, 4, 8, 8, 3), np.uint8) + np.array([10, 20, 30], np.uint8).reshape(
    3, 1, 1, 1, 1
  )
  shown = {"badness": np.array([1.0, 3.0, 2.0]), "output": frames, "truth": frames[..., 0]}
  judged = {name: np.zeros(3) for name in ("psnr", "ssim", "input_psnr", "input_ssim")}
  collector.add(np.arange(3), np.ones(3), judged, shown)
  found = collector.answers(_VIDEOS)
  assert [example.number for example in found.examples] == [1, 2]
  _written(tmp_path, "restoration", found)
  with open(tmp_path / "examples" / "examples.csv", encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
  assert rows[0] == {
    "clip": "clip1",
    "split": "test",
    "input": "",
    "output": "0-output.png",
    "truth": "0-truth.png",
  }
  strip = stored_images.decode((tmp_path / "examples" / "0-output.png").read_bytes(), grey=False)
  assert strip.shape == (96, 4 * 96 + 3 * 2, 3) and (strip[0, 0] == 20).all()


def test_a_task_that_says_nothing_of_videos_gets_no_files(tmp_path):
  class Silent:
    served = staticmethod(
      lambda: type("Served", (), {"predictions": lambda *_: [], "badness": None})()
    )
    names = staticmethod(lambda info: _CLASSES)

  found = _collected(list(range(6)), _PROBABILITIES)
  predictions.write(str(tmp_path), {"test": found}, "test", Silent(), _info())
  assert list(tmp_path.iterdir()) == []

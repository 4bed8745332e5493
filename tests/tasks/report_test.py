"""The report on a trained network: figures, tables, picture."""

import json
import pathlib

import numpy as np
import pytest

from official.tasks.classification import report

# Of 4 dogs one is taken for a cat; no bird is ever recognized, and there is no fox.
_CONFUSION = np.array([[2, 0, 0, 0], [1, 3, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0]])
_CLASSES = ("cat", "dog", "bird", "fox")
_METRICS = {"accuracy": 0.625, "top5_accuracy": 1.0, "loss": 1.25}


@pytest.fixture
def written(tmp_path) -> pathlib.Path:
  report.write(str(tmp_path), "test", _CLASSES, _METRICS, _CONFUSION)
  return tmp_path


def test_precision_and_recall_are_shares_of_columns_and_rows(written):
  content = json.loads((written / "report.json").read_text(encoding="utf-8"))
  assert content["classes"] == [
    {"class": "cat", "clips": 2, "precision": pytest.approx(2 / 3), "recall": 1.0},
    {"class": "dog", "clips": 4, "precision": pytest.approx(3 / 5), "recall": 0.75},
    {"class": "bird", "clips": 2, "precision": None, "recall": 0.0},
    {"class": "fox", "clips": 0, "precision": None, "recall": None},
  ]
  assert (content["split"], content["clips"], content["metrics"]) == ("test", 8, _METRICS)
  assert content["confusion"] == _CONFUSION.tolist()


def test_the_text_has_the_classes_and_the_mistakes(written):
  assert (
    (written / "report.txt").read_text(encoding="utf-8")
    == """\
8 test videos: accuracy 0.6250, top5_accuracy 1.0000, loss 1.2500
5 of 8 clips right, 95 % interval 0.306 to 0.863; chance 0.250, largest class 0.500

class  videos  precision  recall
cat         2      0.667   1.000
dog         4      0.600   0.750
bird        2          -   0.000
fox         0          -       -

most frequent mistakes
     2  bird taken for dog
     1  dog taken for cat
"""
  )


def test_without_mistakes_there_is_no_list_of_them():
  content = report.summarize("test", ["a", "b"], _METRICS, np.eye(2, dtype=int))
  assert "mistakes" not in report.text(content)


def test_a_cell_of_the_picture_has_its_count_and_its_row_s_share():
  picture = report.draw(report.summarize("test", _CLASSES, _METRICS, _CONFUSION))
  axes = picture.axes[0]
  assert [text.get_text() for text in axes.texts] == ["2", "1", "3", "2"]
  np.testing.assert_allclose(
    axes.images[0].get_array(),
    [[1, 0, 0, 0], [0.25, 0.75, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]],
  )
  assert [label.get_text() for label in axes.get_yticklabels()] == list(_CLASSES)


def test_the_picture_is_a_png(written):
  assert (written / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_many_classes_still_give_a_picture(tmp_path):
  classes = [f"class {number}" for number in range(400)]
  report.write(str(tmp_path), "validation", classes, _METRICS, np.eye(400, dtype=int))
  assert (tmp_path / "confusion.png").stat().st_size < 1_000_000

"""The report on a trained network's right and wrong answers, for people and for programs.

    report.json    split, metrics, what the accuracy is compared with, per class precision and
                   recall, and the confusion matrix
    report.txt     the same as tables, and the mistakes that are made most
    confusion.png  the matrix as a picture; a row's shades are its shares

Of class c, `precision` is the share of the videos taken for c that are c, and `recall` the share of
the videos of c that are taken for it; None (in JSON null) where there are no such videos. The
matrix counts videos by [true class][predicted class].
"""

from collections.abc import Mapping, Sequence
import json
import os
from typing import Any

from matplotlib import figure
from matplotlib.backends import backend_agg
import numpy as np

from data_prep.common import intervals
from official.tasks.baselines import Baseline
from official.tasks.label_metrics import ACCURACY

_MISTAKES_SHOWN = 10
_COUNTS_SHOWN_UP_TO = 30  # Classes: of more, the numbers in the picture's cells would not be read.
_NAMES_SHOWN_UP_TO = 100


def write(
  directory: str,
  split: str,
  classes: Sequence[str],
  metrics: Mapping[str, float],
  confusion: np.ndarray,
) -> None:
  """Writes the three files.

  Args:
    directory: Where they go; it exists.
    split: Whose videos they are.
    classes: Names, in the order of the matrix.
    metrics: accuracy, top5_accuracy, loss.
    confusion: Videos by [true class, predicted class].
  """
  content = summarize(split, classes, metrics, confusion)
  with open(os.path.join(directory, "report.json"), "w", encoding="utf-8") as file:
    file.write(json.dumps(content, indent=1) + "\n")
  with open(os.path.join(directory, "report.txt"), "w", encoding="utf-8") as file:
    file.write(text(content))
  draw(content).savefig(os.path.join(directory, "confusion.png"))


def summarize(
  split: str, classes: Sequence[str], metrics: Mapping[str, float], confusion: np.ndarray
) -> dict[str, Any]:
  """Returns the content of report.json; arguments as for `write`."""
  right, true, predicted = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
  clips = int(confusion.sum())
  return {
    "split": split,
    "clips": clips,
    "metrics": dict(metrics),
    "accuracy_interval": list(intervals.wilson(int(right.sum()), clips)) if clips else None,
    "chance": 1 / len(classes),
    "largest_class": _share(true.max(), clips),
    "classes": [
      {
        "class": name,
        "clips": int(true[index]),
        "precision": _share(right[index], predicted[index]),
        "recall": _share(right[index], true[index]),
      }
      for index, name in enumerate(classes)
    ],
    "confusion": confusion.tolist(),
  }


def text(content: Mapping[str, Any]) -> str:
  """Returns report.txt for the content of report.json."""
  names = [row["class"] for row in content["classes"]]
  width = max(len("class"), *map(len, names))
  metrics = ", ".join(f"{name} {value:.4f}" for name, value in content["metrics"].items())
  lines = [
    f"{content['clips']} {content['split']} videos: {metrics}",
    *_beside(content),
    "",
    f"{'class':<{width}}  videos  precision  recall",
    *(
      f"{row['class']:<{width}}  {row['clips']:>6}  {_number(row['precision']):>9}"
      f"  {_number(row['recall']):>6}"
      for row in content["classes"]
    ),
  ]
  mistakes = [
    (-count, names[true], names[predicted])
    for true, row in enumerate(content["confusion"])
    for predicted, count in enumerate(row)
    if count and true != predicted
  ]
  if mistakes:
    lines += ["", "most frequent mistakes"]
    lines += [
      f"{-count:>6}  {true} taken for {predicted}"
      for count, true, predicted in sorted(mistakes)[:_MISTAKES_SHOWN]
    ]
  return "\n".join(lines) + "\n"


def _beside(content: Mapping[str, Any]) -> list[str]:
  """Returns what is said of the accuracy; nothing of a split without videos."""
  if not content["clips"]:
    return []
  baseline = Baseline(
    metric=ACCURACY.name,
    clips=content["clips"],
    chance=content["chance"],
    largest_class=content["largest_class"],
  )
  return [baseline.text(sum(np.diagonal(content["confusion"])) / content["clips"])]


def draw(content: Mapping[str, Any]) -> figure.Figure:
  """Returns the picture of the confusion matrix, for the content of report.json."""
  names = [row["class"] for row in content["classes"]]
  counts = np.array(content["confusion"])
  shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
  side = min(3 + 0.45 * len(names), 20)
  picture = figure.Figure(figsize=(side + 1, side), layout="constrained", dpi=120)
  backend_agg.FigureCanvasAgg(picture)
  axes = picture.add_subplot()
  image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
  picture.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
  accuracy = content["metrics"]["accuracy"]
  title = f"{content['clips']} {content['split']} videos, accuracy {accuracy:.3f}"
  axes.set(xlabel="predicted", ylabel="true", title=title)
  if len(names) <= _NAMES_SHOWN_UP_TO:
    size = min(10, 600 / len(names))
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
  if len(names) <= _COUNTS_SHOWN_UP_TO:
    for (true, predicted), count in np.ndenumerate(counts):
      if count:
        color = "white" if shares[true, predicted] > 0.5 else "black"
        axes.text(predicted, true, str(count), ha="center", va="center", fontsize=9, color=color)
  return picture


def _share(part: int, whole: int) -> float | None:
  return float(part / whole) if whole else None


def _number(share: float | None) -> str:
  return "-" if share is None else f"{share:.3f}"

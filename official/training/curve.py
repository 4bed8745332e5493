"""The learning curve of a final training, as a file that grows while it trains.

    step,split,loss,accuracy,top5_accuracy
    20,train,1.7612,0.2031,
    100,train,1.4930,0.3125,
    100,validation,1.6022,0.2833,0.9500

A row of `train` has means over the steps since the one before, with augmentation, label smoothing
and class weights; one of `validation` has what a search would have judged at that step.

There are validation points at checkpoints, evenly spread: ten at most, and as many as cost a tenth
of the training at most, a training step counted as three evaluations of its clips. They change
nothing of what is learned. A training that is resumed drops the rows after its checkpoint.
"""

from collections.abc import Mapping, Sequence
import csv
import os

FILE = "curve.csv"
_MOST_POINTS = 10
_SHARE = 0.1  # Of a training's cost.
_STEP_COST = 3  # Forward passes that a training step costs, for the same clips.


def points(*, last_step: int, interval: int, batch_size: int, clips: int) -> tuple[int, ...]:
  """Returns the steps before the last one at which a network is evaluated, ascending.

  Args:
    last_step: Steps of the training, after which it is evaluated in any case.
    interval: Steps between checkpoints.
    batch_size: Clips per step.
    clips: Clips of an evaluation, over all views.
  """
  checkpoints = range(interval, last_step, interval)
  affordable = int(_SHARE * _STEP_COST * last_step * batch_size / max(clips, 1))
  count = min(_MOST_POINTS, affordable, len(checkpoints))
  chosen = (checkpoints[(place + 1) * len(checkpoints) // (count + 1)] for place in range(count))
  return tuple(dict.fromkeys(chosen))


class Curve:
  """Writes the file of one training."""

  def __init__(self, path: str):
    self._path = path
    self._columns: Sequence[str] = ()

  def begin(self, step: int, columns: Sequence[str]) -> None:
    """Creates the file, or resumes it at a step, whose rows stay.

    Args:
      step: Where the training begins.
      columns: Names of the metrics.
    """
    self._columns = ("step", "split", *columns)
    kept = [row for row in read(self._path) if int(row["step"]) <= step]
    with open(self._path, "w", encoding="utf-8", newline="") as file:
      writer = self._writer(file)
      writer.writeheader()
      writer.writerows(kept)

  def add(self, step: int, split: str, values: Mapping[str, float]) -> None:
    """Adds a row; values that have no column are left out."""
    with open(self._path, "a", encoding="utf-8", newline="") as file:
      told = {name: f"{float(value):.6g}" for name, value in values.items()}
      self._writer(file).writerow({"step": step, "split": split, **told})

  def _writer(self, file) -> csv.DictWriter:
    return csv.DictWriter(file, self._columns, lineterminator="\n", extrasaction="ignore")


def read(path: str) -> list[dict[str, str]]:
  """Returns the rows; none where there is no file, and none of a line that was cut off."""
  if not os.path.exists(path):
    return []
  with open(path, encoding="utf-8", errors="replace", newline="") as file:
    text = file.read()
  whole = text[: text.rfind("\n") + 1]
  rows = csv.DictReader(whole.splitlines())
  return [row for row in rows if (row.get("step") or "").isdigit() and None not in row.values()]

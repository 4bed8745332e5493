"""Segmentation: frames in, the class of every pixel out, and a report of each class.

A signature answers about the middle square of the frames, in the pixels that the network sees of
it: it brings frames to its size as for every other task.
"""

from collections.abc import Mapping, Sequence
import os
import typing

import numpy as np

from data_prep.common import files
from official.tasks import pixel_answers

if typing.TYPE_CHECKING:
  import tensorflow as tf


class Served(pixel_answers.PixelServed):
  """A signature returns `masks`, uint8 [batch, time, side, side]."""

  outputs = ("masks",)
  averaged = "masks"
  returns_masks = True

  def answer(self, outputs: "tf.Tensor", classes: "tf.Tensor") -> dict[str, "tf.Tensor"]:
    import tensorflow as tf

    return {"masks": tf.cast(tf.argmax(outputs, -1), tf.uint8)}

  def check(self, answer: Mapping[str, np.ndarray], classes: Sequence[str]) -> tuple[bool, str]:
    masks = answer["masks"]
    right = masks.dtype == np.uint8 and masks.ndim == 4 and int(masks.max()) < len(classes)
    most = int(np.bincount(masks.ravel()).argmax())
    name = classes[most] if most < len(classes) else str(most)
    return right, f"masks {'x'.join(map(str, masks.shape[1:]))}, mostly {name}"

  def predictions(
    self,
    labels: Sequence[Sequence[int]],
    values: Mapping[str, np.ndarray],
    classes: Sequence[str],
  ) -> list[dict[str, str]]:
    rows = []
    for pixels in values["pixels"].astype(np.float64):
      both = np.diag(pixels)
      union = pixels.sum(0) + pixels.sum(1) - both
      shares = both / np.maximum(union, 1)
      mean = shares[union > 0].mean() if union.any() else 0.0
      row = {"mean_iou": f"{mean:.4f}", "pixel_accuracy": _share(both.sum(), pixels.sum())}
      for name, share, count in zip(classes, shares, union, strict=True):
        row[f"iou of {name}"] = f"{share:.4f}" if count else ""
      rows.append(row)
    return rows

  def badness(self, row: Mapping[str, str]) -> tuple[float, ...]:
    return (-float(row["mean_iou"]),)

  def title(self, classes: Sequence[str]) -> str:
    return f"Segmentation of video frames into {len(classes)} classes"

  def names(self, classes: Sequence[str]) -> str:
    numbered = (f"{number} {name}" for number, name in enumerate(classes))
    return f"Classes of pixels (assets/labels.txt): {', '.join(numbered)}."

  def returns(self, classes: Sequence[str]) -> str:
    return (
      "Every signature returns `masks`, uint8 [batch, frames, side, side]: the number of the class "
      "of each pixel of the square that the network sees, the middle one of the frames."
    )

  def report(
    self,
    directory: str,
    split: str,
    classes: Sequence[str],
    metrics: Mapping[str, float],
    looks: Mapping[str, np.ndarray],
  ) -> None:
    text = "\n".join(lines(split, classes, metrics, looks["confusion"])) + "\n"
    files.write_bytes(os.path.join(directory, "report.txt"), text.encode())


def lines(
  split: str, classes: Sequence[str], metrics: Mapping[str, float], confusion: np.ndarray
) -> list[str]:
  """Returns the report of a split: intersection over union, precision and recall of each class.

  Args:
    split: Its name.
    classes: Names in the order of their numbers.
    metrics: By name.
    confusion: Pixels by [class, answer].
  """
  both, truth, answered = np.diag(confusion), confusion.sum(1), confusion.sum(0)
  width = max(len(name) for name in (*classes, "class"))
  largest = truth.max() / max(truth.sum(), 1)
  seen = int((truth > 0).sum())
  told = [
    f"{split}: mean_iou {metrics['mean_iou']:.4f}, pixel_accuracy "
    f"{metrics['pixel_accuracy']:.4f}; the class of most pixels everywhere would have "
    f"{largest / max(seen, 1):.4f} and {largest:.4f}",
    "",
    f"{'class':<{width}}  {'iou':>6}  {'precision':>9}  {'recall':>6}  {'pixels':>12}",
  ]
  for index, name in enumerate(classes):
    shares = (
      _share(both[index], truth[index] + answered[index] - both[index]),
      _share(both[index], answered[index]),
      _share(both[index], truth[index]),
    )
    iou, precision, recall = shares
    told.append(f"{name:<{width}}  {iou:>6}  {precision:>9}  {recall:>6}  {int(truth[index]):>12,}")
  return told


def _share(part: float, whole: float) -> str:
  return f"{part / whole:.4f}" if whole else "-"

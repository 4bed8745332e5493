"""How well classes of pixels agree with the truth: intersections over unions, in NumPy.

A *confusion* counts pixels by [class, answer]; confusions of several videos add up. They are the
metrics of a training (official.tasks.segmentation).
"""

import numpy as np

from data_prep.dataset import stream_files
from data_prep.dataset.stream_kinds.mask import IGNORED


def confusion(truth: np.ndarray, ids: np.ndarray, classes: int) -> np.ndarray:
  """Returns int64 [classes, classes] of two masks, uint8 of one shape.

  Pixels whose truth is 255 are left out.

  Raises:
    StreamError: The truth has a number beyond the classes.
  """
  counts = truth != IGNORED
  right, found = truth[counts].astype(np.int64), ids[counts]
  if right.size and right.max() >= classes:
    raise stream_files.StreamError(
      f"the true mask has the number {right.max()}, and the network knows {classes} classes"
    )
  return np.bincount(right * classes + found, minlength=classes**2).reshape(classes, classes)


def of_classes(counts: np.ndarray) -> np.ndarray:
  """Returns intersection over union of each class; NaN where it is neither there nor answered."""
  both = np.diag(counts).astype(float)
  union = counts.sum(0) + counts.sum(1) - both
  with np.errstate(invalid="ignore"):
    return both / union


def mean(counts: np.ndarray) -> float:
  """Returns the mean over the classes that are there or were answered; NaN without a pixel."""
  shares = of_classes(counts)
  there = shares[~np.isnan(shares)]
  return float(there.mean()) if there.size else float("nan")


def accuracy(counts: np.ndarray) -> float:
  """Returns the share of the pixels that were answered right; NaN without a pixel."""
  total = counts.sum()
  return float(np.trace(counts) / total) if total else float("nan")

"""The rows of predictions.csv of tasks whose target is labels. No TensorFlow.

label     the classes of the video, as in the manifest: `a`, or `a;b`
answer    the best class; where a video may have several, all with a probability of one half
          or more
score     probability of the answer; of several, the least that one of the decisions, for or
          against a class, has
right     1 or 0
"""

from collections.abc import Mapping, Sequence

import numpy as np

_SEPARATOR = ";"
COLUMNS = ("label", "answer", "score", "right")


def of_one(
  labels: Sequence[Sequence[int]], probabilities: np.ndarray, classes: Sequence[str]
) -> list[dict[str, str]]:
  """Returns the rows of videos of which one class is right; any of a video's own, if it has more.

  Args:
    labels: The numbers of the classes of every video.
    probabilities: [videos, classes].
    classes: Names.
  """
  rows = []
  for right, values in zip(labels, probabilities, strict=True):
    best = int(np.argmax(values))
    rows.append(_row(_names(right, classes), classes[best], float(values[best]), best in right))
  return rows


def of_several(
  labels: Sequence[Sequence[int]], probabilities: np.ndarray, classes: Sequence[str]
) -> list[dict[str, str]]:
  """Returns the rows of videos that may be of several classes; right is what has all and no more.

  Arguments as of `of_one`.
  """
  rows = []
  for right, values in zip(labels, probabilities, strict=True):
    answer = np.flatnonzero(values >= 0.5).tolist()
    sure = float(np.maximum(values, 1 - values).min())
    rows.append(
      _row(_names(right, classes), _names(answer, classes), sure, answer == sorted(right))
    )
  return rows


def badness(row: Mapping[str, str]) -> tuple[float, ...]:
  """Returns what sorts rows: sure and right first, sure and wrong last."""
  score = float(row["score"])
  return (0.0, -score) if row["right"] == "1" else (1.0, score)


def _names(numbers: Sequence[int], classes: Sequence[str]) -> str:
  return _SEPARATOR.join(classes[number] for number in sorted(numbers))


def _row(label: str, answer: str, score: float, right: bool) -> dict[str, str]:
  return {"label": label, "answer": answer, "score": f"{score:.6f}", "right": str(int(right))}

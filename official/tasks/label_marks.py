"""The quality of answers: accuracy, and mean average precision if videos have several classes.

    accuracy    share of videos whose best class is one of their labels
    AP          sum_k P_k (R_k - R_(k-1)), P_k and R_k being precision and recall of the first k
                videos, ranked by the score of a class; equal scores are one step
    mAP         mean of AP over the classes that some video has

A video counts once, also where every window of it has a row: by the mean over its windows. One
without an answer, or without a label, does not count.
"""

import collections
from collections.abc import Iterable, Mapping, Sequence
import itertools

import numpy as np

from data_prep.dataset import class_table
from data_prep.dataset import metadata
from official.tasks import baselines


def lines(
  found: Iterable[Mapping[str, str]],
  ids: Mapping[str, Sequence[str]],
  classes: Sequence[str],
  columns: Sequence[str],
  *,
  per_window: bool,
) -> list[str]:
  """Returns what is to be said of a CSV's rows.

  Args:
    found: Rows by column, those of one video one after the other.
    ids: By the ids that count, the labels.
    classes: Names of the network's classes; none where they are not known.
    columns: Those of the classes' probabilities.
    per_window: Whether there is a row for each window.
  """
  rights: dict[str, list[bool]] = {split: [] for split in metadata.SPLITS}
  counted: list[Sequence[str]] = []
  scores, truth = [], []
  several = bool(classes) and any(len(labels) > 1 for labels in ids.values())
  for name, group in itertools.groupby(found, key=lambda row: row["clip_id"]):
    members = list(group)
    labels = ids.get(name, ())
    if not labels or members[0]["error"]:
      continue
    best = members[0]["class"]
    if several or per_window:
      mean = np.mean([[float(row[column]) for column in columns] for row in members], axis=0)
      best = classes[int(np.argmax(mean))]
      if several:
        scores.append(mean.astype(np.float32))
        truth.append([one in labels for one in classes])
    rights[members[0]["split"]].append(best in labels)
    counted.append(labels)
  told = _accuracy(rights, counted, classes)
  if scores:
    precision, count = mean_average_precision(np.array(scores), np.array(truth))
    told.append(f"mean average precision: {precision:.3f} (over {count} classes)")
  return told


def unknown(ids: Mapping[str, Sequence[str]], classes: Sequence[str]) -> list[str]:
  """Returns a warning, by the labels of each clip, where some are none of the network's classes."""
  strange = sorted({label for labels in ids.values() for label in labels} - set(classes))
  if not strange:
    return []
  count = sum(not set(labels).isdisjoint(strange) for labels in ids.values())
  clips_have = "1 clip has" if count == 1 else f"{count} clips have"
  return [
    f"{clips_have} labels that are none of the network's {len(classes)} classes: "
    f"{class_table.named(strange)}"
  ]


def mean_average_precision(scores: np.ndarray, truth: np.ndarray) -> tuple[float, int]:
  """Returns mAP, and the number of classes that some video has; NaN and 0 where there are none.

  Args:
    scores: [videos, classes].
    truth: Whether a video is of a class, [videos, classes].
  """
  found = [_average_precision(*column) for column in zip(scores.T, truth.T) if column[1].any()]
  return (float(np.mean(found)) if found else float("nan")), len(found)


def _average_precision(scores: np.ndarray, truth: np.ndarray) -> float:
  order = np.argsort(-scores, kind="stable")
  scores, truth = scores[order], truth[order]
  steps = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # The last of equal ones.
  hits = np.cumsum(truth)[steps]
  return float(np.sum(hits / (steps + 1) * np.diff(hits, prepend=0)) / hits[-1])


def _accuracy(
  rights: Mapping[str, Sequence[bool]], counted: Sequence[Sequence[str]], classes: Sequence[str]
) -> list[str]:
  """Returns lines for the marks of every split and the labels of all videos that have one."""
  used = {split: marks for split, marks in rights.items() if marks}
  together = [mark for marks in used.values() for mark in marks]
  if not together:
    return ["accuracy: unknown, since no video has both an answer and a label"]
  told = [f"accuracy: {_share(together, _compared(counted, classes))}"]
  if len(used) > 1:
    told += [f"accuracy of the split {split}: {_share(marks)}" for split, marks in used.items()]
  return told


def _share(marks: Sequence[bool], compared: str = "") -> str:
  interval = baselines.interval_text(sum(marks), len(marks))
  return f"{np.mean(marks):.3f} ({sum(marks)} of {len(marks)} videos right, {interval}{compared})"


def _compared(counted: Sequence[Sequence[str]], classes: Sequence[str]) -> str:
  """Returns which shares a random answer and the most frequent label would get right.

  Of a video with several labels, each of them is right.
  """
  frequent = collections.Counter(label for labels in counted for label in set(labels))
  largest = max(frequent.values()) / len(counted)
  names = set(classes)
  chances = [len(names & set(labels)) / len(names) for labels in counted] if names else []
  chance = float(np.mean(chances)) if names else None
  return f"; {baselines.compared_text(chance, largest)}"

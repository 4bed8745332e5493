"""What a share of right answers is compared with: how many clips, chance, the largest class.

    36 of 49 clips right, 95 % interval 0.597 to 0.838; chance 0.167, largest class 0.184

An accuracy of few clips says little by itself, and one that a constant answer reaches says nothing.
Wherever an accuracy is shown, this is shown beside it. No TensorFlow.
"""

from collections.abc import Mapping
import dataclasses
import math
from typing import Any

from data_prep.common import intervals
from data_prep.dataset import metadata
from official.tasks import contract

SHAPE = {"metric": str, "clips": int, "chance": float, "largest_class?": float}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
  """What the accuracy on a split is compared with.

  Attributes:
    metric: The metric that is a share of right answers.
    clips: Clips of the split.
    chance: The share that a random answer gets right.
    largest_class: The share that always answering the most frequent class gets right, or None where
      the dataset does not say how many clips a class has.
  """

  metric: str
  clips: int
  chance: float
  largest_class: float | None = None

  def text(self, share: float) -> str:
    """Returns what is said of a share of right answers; a share is a number from 0 to 1."""
    right = min(max(round(share * self.clips), 0), self.clips)
    return (
      f"{right} of {self.clips} clips right, {interval_text(right, self.clips)}; "
      f"{compared_text(self.chance, self.largest_class)}"
    )

  def of(self, metrics: Mapping[str, float | None]) -> str | None:
    """Returns what is said of the share among metrics; None where there is none."""
    share = metrics.get(self.metric)
    return None if share is None or math.isnan(share) else self.text(share)


def interval_text(right: int, count: int) -> str:
  """Returns the interval of a share for people."""
  low, high = intervals.wilson(right, count)
  return f"95 % interval {low:.3f} to {high:.3f}"


def compared_text(chance: float | None, largest_class: float | None) -> str:
  """Returns what a random answer and the most frequent class would get right, if known."""
  shares = {"chance": chance, "largest class": largest_class}
  return ", ".join(f"{name} {share:.3f}" for name, share in shares.items() if share is not None)


def of_split(spec: contract.Spec, info: metadata.DatasetInfo, split: str) -> Baseline | None:
  """Returns the baseline of a split; None where the task has no share of right answers, or the
  split no clips."""
  share = next((metric for metric in spec.metrics if metric.is_share), None)
  clips = info.splits[split].clips
  if share is None or not clips:
    return None
  counts = (info.class_clips or {}).get(split)
  return Baseline(
    metric=share.name,
    clips=clips,
    chance=1 / len(info.classes),
    largest_class=max(counts) / sum(counts) if counts and sum(counts) else None,
  )


def of_splits(
  spec: contract.Spec, info: metadata.DatasetInfo, splits: Mapping[str, object]
) -> dict[str, Baseline]:
  """Returns the baselines of some splits, of those that have one."""
  found = {split: of_split(spec, info, split) for split in splits}
  return {split: baseline for split, baseline in found.items() if baseline is not None}


def lines(
  name: str, metrics: Mapping[str, float | None], baseline: Baseline | None, told: str
) -> list[str]:
  """Returns what is said of the metrics of a split, on one line or two.

  Args:
    name: Name of the split, which stands before the colon.
    metrics: By name.
    baseline: That of the split, if it has one.
    told: The metrics as a text.
  """
  beside = baseline.of(metrics) if baseline else None
  return [f"{name}: {told}", *([f"{name}: {beside}"] if beside else [])]


def to_json(baselines: Mapping[str, Baseline]) -> dict[str, dict[str, object]]:
  """Returns baselines by split as plain data."""
  return {split: dataclasses.asdict(baseline) for split, baseline in baselines.items()}


def from_json(data: Mapping[str, Mapping[str, Any]]) -> dict[str, Baseline]:
  """Inverse of `to_json`, of data that has SHAPE by split."""
  names = [field.name for field in dataclasses.fields(Baseline)]
  return {
    split: Baseline(**{name: values[name] for name in names if name in values})
    for split, values in data.items()
  }

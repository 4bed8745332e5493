"""What a network answered about every video of a split, and pictures of the worst answers.

An evaluation hands over its batches one by one; padding is left out, and videos are put in their
order by their numbers, in whatever order replicas answered.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import heapq
import itertools

import numpy as np

EXAMPLES = 6  # The worst, of which pictures are kept.
PICTURES = ("input", "output", "truth")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
  """Pictures of one answer.

  Attributes:
    number: Number of the video.
    badness: Larger for a worse answer.
    pictures: `input`, `output` and `truth`, as far as there are such: uint8 [time, height, width,
      3], or without channels where pixels have classes.
  """

  number: int
  badness: float
  pictures: Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers:
  """The answers about a split.

  Attributes:
    ids: Clip ids of the videos, in the order of the split.
    labels: The numbers of their classes.
    values: What the task found (`Learning.found`), by name, [videos, ...].
    examples: Pictures of the worst answers, the worst first.
  """

  ids: tuple[str, ...]
  labels: tuple[tuple[int, ...], ...]
  values: Mapping[str, np.ndarray]
  examples: tuple[Example, ...]


class Collector:
  """Gathers the batches of an evaluation."""

  def __init__(self, examples: int = EXAMPLES):
    self._numbers: list[np.ndarray] = []
    self._values: list[dict[str, np.ndarray]] = []
    self._examples = examples
    self._worst: list[tuple[float, int, Example]] = []

  def add(
    self,
    numbers: np.ndarray,
    weights: np.ndarray,
    values: Mapping[str, np.ndarray],
    shown: Mapping[str, np.ndarray],
  ) -> None:
    """Adds a batch.

    Args:
      numbers: Numbers of the videos, int [batch].
      weights: 0 for padding, [batch].
      values: What `Learning.found` found, by name, [batch, ...].
      shown: What `Learning.shown` shows, by name, [batch, ...].
    """
    there = weights > 0
    self._numbers.append(numbers[there])
    self._values.append({name: array[there] for name, array in values.items()})
    if not shown:
      return
    for index in np.flatnonzero(there):
      badness, number = float(shown["badness"][index]), int(numbers[index])
      place = (badness, -number)
      if len(self._worst) == self._examples and place <= self._worst[0][:2]:
        continue
      pictures = {name: shown[name][index].copy() for name in PICTURES if name in shown}
      example = Example(number=number, badness=badness, pictures=pictures)
      heapq.heappush(self._worst, (*place, example))
      if len(self._worst) > self._examples:
        heapq.heappop(self._worst)

  def answers(self, videos: Sequence) -> Answers:
    """Returns all answers.

    Args:
      videos: Those of the split, each with an `id` and `labels`.
    """
    numbers = np.concatenate(self._numbers) if self._numbers else np.zeros(0, np.int64)
    order = np.argsort(numbers, kind="stable")
    names = list(itertools.chain(*self._values[:1]))
    values = {name: np.concatenate([one[name] for one in self._values])[order] for name in names}
    answered = [videos[int(number)] for number in numbers[order]]
    worst = sorted(self._worst, key=lambda one: one[:2], reverse=True)
    return Answers(
      ids=tuple(video.id for video in answered),
      labels=tuple(tuple(video.labels) for video in answered),
      values=values,
      examples=tuple(example for *_, example in worst),
    )

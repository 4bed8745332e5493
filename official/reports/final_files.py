"""What a final training leaves for a page: predictions.csv, curve.csv and examples/.

The files are those of `official.training.predictions` and `official.training.curve`. A run of an
older version has none of them.
"""

from collections.abc import Mapping, Sequence
import csv
import dataclasses
import os

import numpy as np

from official.reports import facts

_SEPARATOR = ";"
_IMAGES = ("input", "output", "truth")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
  """What a network answered about a clip that has labels.

  Attributes:
    place: Number of the clip in its split.
    clip: Its id.
    label, answer: Names of classes, sorted; the best class alone where only one is right.
    score: From 0 to 1.
    right: Whether it counts as right.
  """

  place: int
  clip: str
  label: tuple[str, ...]
  answer: tuple[str, ...]
  score: float
  right: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
  """Pictures of an answer.

  Attributes:
    clip: Id of the clip.
    split: Where it is.
    images: PNG by `input`, `output` and `truth`, as far as there are such.
  """

  clip: str
  split: str
  images: Mapping[str, bytes]


def folder(run: facts.Run) -> str:
  """Returns where the files are: of several networks in the folder of the best."""
  if not run.is_search:
    return run.folder
  final = os.path.join(run.folder, "final")
  own = os.path.join(final, f"{run.winner:06d}") if run.winner is not None else final
  has_own = not os.path.exists(os.path.join(final, "predictions.csv")) and os.path.isdir(own)
  return own if has_own else final


def rows(path: str) -> list[dict[str, str]]:
  """Returns the rows of a CSV file; none where there is none. Lines that were cut off are left
  out."""
  if not os.path.exists(path):
    return []
  with open(path, encoding="utf-8", errors="replace", newline="") as file:
    return [row for row in csv.DictReader(file) if None not in row and None not in row.values()]


def answers(run: facts.Run) -> dict[str, list[Answer]]:
  """Returns the answers about clips with labels, by split; none of other tasks."""
  found: dict[str, list[Answer]] = {}
  for row in rows(os.path.join(folder(run), "predictions.csv")):
    if not {"clip", "split", "label", "answer", "score", "right"} <= row.keys():
      return {}
    of_split = found.setdefault(row["split"], [])
    of_split.append(
      Answer(
        place=len(of_split),
        clip=row["clip"],
        label=_names(row["label"]),
        answer=_names(row["answer"]),
        score=float(row["score"]),
        right=row["right"] == "1",
      )
    )
  return found


def judged(run: facts.Run) -> list[dict[str, str]]:
  """Returns the rows of predictions.csv as they are, of a task that answers for every pixel."""
  found = rows(os.path.join(folder(run), "predictions.csv"))
  return [row for row in found if {"clip", "split"} <= row.keys()]


def _names(text: str) -> tuple[str, ...]:
  return tuple(filter(None, text.split(_SEPARATOR)))


def worst(found: Sequence[Answer]) -> list[Answer]:
  """Returns the wrong answers, the surest first."""
  return sorted((one for one in found if not one.right), key=lambda one: (-one.score, one.place))


def confusion(found: Sequence[Answer], classes: Sequence[str]) -> np.ndarray:
  """Returns how many clips of each class got each answer, int64 [class, answer]."""
  numbers = {name: index for index, name in enumerate(classes)}
  counts = np.zeros((len(classes), len(classes)), np.int64)
  for one in found:
    pair = [numbers.get(names[0]) if names else None for names in (one.label, one.answer)]
    if None not in pair:
      counts[tuple(pair)] += 1
  return counts


def examples(run: facts.Run) -> list[Example]:
  """Returns the worst answers of a task that answers for every pixel."""
  directory = os.path.join(folder(run), "examples")
  found = []
  for row in rows(os.path.join(directory, "examples.csv")):
    images = {}
    for name in _IMAGES:
      path = os.path.join(directory, os.path.basename(row.get(name, "")))
      if row.get(name) and os.path.exists(path):
        with open(path, "rb") as file:
          images[name] = file.read()
    found.append(Example(clip=row["clip"], split=row["split"], images=images))
  return found


def curve(run: facts.Run) -> list[dict[str, str]]:
  """Returns the rows of curve.csv: step, split, and metrics, which may be empty."""
  return [
    row
    for row in rows(os.path.join(folder(run), "curve.csv"))
    if row.get("step", "").isdigit() and row.get("split")
  ]

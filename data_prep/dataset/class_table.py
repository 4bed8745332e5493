"""The number of clips of each class in each split: a table for terminals, and warnings about gaps.

    class            train  validation  test  all
    jump                12           4     4   20
    run                 11           3     6   20
    2 classes           23           7    10   40

A clip of several classes counts in each of them, and once in the last row, which is all that there
is of clips without labels. Where there are many
classes, only those that need a look are shown: the ones that lack a split, then the smallest.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import unicodedata

from data_prep.common import cli
from data_prep.dataset import metadata

_ROWS_SHOWN = 20
_LONGEST_NAME = 40  # Columns of a terminal.
_NAMES_TOLD = 10
_EMPTY_SPLIT = {
  "train": "nothing can be trained",
  "validation": "a search has nothing to choose networks by",
  "test": "the final network cannot be tested",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassTable:
  """Clips by class and split.

  Attributes:
    by_class: Class -> clips in each split, in the order of `metadata.SPLITS`.
    clips: Clips in each split.
  """

  by_class: Mapping[str, Sequence[int]]
  clips: Sequence[int]

  def lines(self) -> list[str]:
    """Returns the table, at most 24 lines of at most 80 columns where counts have 7 digits."""
    shown = self._most_telling()
    table = [["class" if self.by_class else "", *metadata.SPLITS, "all"]]
    table += [[_cut(name), *_numbers(self.by_class[name])] for name in shown]
    others = [counts for name, counts in self.by_class.items() if name not in set(shown)]
    if others:
      smallest, largest = (limit(map(sum, others)) for limit in (min, max))
      table.append([f"... {len(others)} more classes with {smallest} to {largest} clips"])
    several = "classes" if len(self.by_class) != 1 else "class"
    last = f"{len(self.by_class)} {several}" if self.by_class else "clips"
    table.append([last, *_numbers(self.clips)])
    full = [row for row in table if len(row) > 1]
    widths = [max(map(_width, column)) for column in zip(*full)]
    return [_line(row, widths) for row in table]

  def warnings(self, wanted: Sequence[str] = metadata.SPLITS) -> list[str]:
    """Returns what is missing: splits without a clip, and classes that a split has no clip of.

    Args:
      wanted: The splits that should have clips.
    """
    found = []
    for split, clips in zip(metadata.SPLITS, self.clips):
      if not clips and split in wanted:
        found.append(f"no clip is in the split {split}: {_EMPTY_SPLIT[split]}")
    for index, split in enumerate(metadata.SPLITS):
      lacking = [name for name, counts in self.by_class.items() if not counts[index]]
      if lacking and self.clips[index] and split in wanted:
        verb = "have" if len(lacking) > 1 else "has"
        found.append(
          f"{len(lacking)} of the {len(self.by_class)} classes {verb} no clip in the split "
          f"{split}: {named(lacking)}"
        )
    return found + self._alike()

  def _alike(self) -> list[str]:
    """Returns a warning about classes that may be the same: `Run` and `run`, `a b` and `a  b`."""
    by_letters: dict[str, list[str]] = {}
    for name in self.by_class:
      letters = "".join(unicodedata.normalize("NFKC", name).casefold().split())
      by_letters.setdefault(letters, []).append(name)
    pairs = [" and ".join(map(repr, names)) for names in by_letters.values() if len(names) > 1]
    what = "capitals, blanks or the coding of letters"
    return [f"classes that differ only in {what}: {named(pairs)}"] if pairs else []

  def by_split(self, classes: Sequence[str]) -> dict[str, list[int]]:
    """Returns, by split, the clips of each of the classes."""
    return {
      split: [self.by_class[name][index] for name in classes]
      for index, split in enumerate(metadata.SPLITS)
    }

  def _most_telling(self) -> list[str]:
    """Returns the names of the classes to show, in their own order."""
    if len(self.by_class) <= _ROWS_SHOWN:
      return list(self.by_class)
    used = [index for index, clips in enumerate(self.clips) if clips]
    urgency = {
      name: (all(counts[index] for index in used), sum(counts))
      for name, counts in self.by_class.items()
    }
    chosen = set(sorted(urgency, key=urgency.get)[:_ROWS_SHOWN])
    return [name for name in self.by_class if name in chosen]


def tabulate(clips: Iterable[tuple[Sequence[str], str]], classes: Sequence[str] = ()) -> ClassTable:
  """Returns the table of clips, each given by its labels and its split.

  Args:
    clips: (labels, split) of each clip.
    classes: Names that are listed even where no clip has them.
  """
  by_class = {name: [0] * len(metadata.SPLITS) for name in classes}
  totals = [0] * len(metadata.SPLITS)
  for labels, split in clips:
    index = metadata.SPLITS.index(split)
    totals[index] += 1
    for label in labels:
      by_class.setdefault(label, [0] * len(metadata.SPLITS))[index] += 1
  return ClassTable(by_class=dict(sorted(by_class.items())), clips=totals)


def named(names: Sequence[str]) -> str:
  """Returns the first names, on one line, with dots where there are more."""
  more = ", ..." if len(names) > _NAMES_TOLD else ""
  return ", ".join(_cut(name) for name in names[:_NAMES_TOLD]) + more


def _numbers(counts: Sequence[int]) -> list[str]:
  return [f"{count}" for count in (*counts, sum(counts))]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
  name, *numbers = row
  padded = name + " " * (widths[0] - _width(name))
  return "  ".join([padded, *(text.rjust(width) for text, width in zip(numbers, widths[1:]))])


def _width(text: str) -> int:
  """Returns the columns that a terminal needs: two for a wide character, none for an accent."""
  return sum(
    0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF")
    for one in text
  )


def _cut(name: str) -> str:
  name = cli.printable(name)
  if _width(name) <= _LONGEST_NAME:
    return name
  while _width(name) > _LONGEST_NAME - 3:
    name = name[:-1]
  return name + "..."

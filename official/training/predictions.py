"""The answers of a final network about every video, as files for people and programs.

predictions.csv    clip, split, and what the task says of an answer (`Served.predictions`):
                   label, answer, score, right; or psnr, ssim, ...; or mean_iou, ...
report.txt         gets the worst at its end: wrong answers, the surest first, then right
                   ones, the least sure first
examples/          of tasks that answer for every pixel: of the worst, what the network saw,
                   answered, and should have answered, each a PNG of frames side by side;
                   examples.csv names them
"""

from collections.abc import Mapping, Sequence
import csv
import io
import os
import shutil

import cv2
import numpy as np

from data_prep.common import files
from data_prep.dataset import metadata
from data_prep.dataset import stored_images
from data_prep.dataset.stream_kinds import mask
from official.tasks import contract
from official.training.answers import PICTURES
from official.training.answers import Answers
from official.training.answers import Example

FILE = "predictions.csv"
EXAMPLES = "examples"
_REPORT = "report.txt"
_HEADLINE = "worst answers about"
_TOLD = 10
_FRAMES = 6  # Of a strip.
_LEAST_HEIGHT = 96  # Pixels; smaller frames are enlarged.
_GAP = 2


def write(
  directory: str,
  answers: Mapping[str, Answers],
  split: str,
  task: contract.Spec,
  info: metadata.DatasetInfo,
) -> None:
  """Writes the files; none for a task that says nothing of single videos.

  Args:
    directory: Where they go; it exists.
    answers: By split.
    split: The one of which the worst are told and shown.
    task: What was learned.
    info: The dataset.
  """
  served, classes = task.served(), task.names(info)
  rows = {
    name: [
      {"clip": clip, "split": name, **row}
      for clip, row in zip(
        found.ids, served.predictions(found.labels, found.values, classes), strict=False
      )
    ]
    for name, found in sorted(answers.items(), key=lambda one: metadata.SPLITS.index(one[0]))
  }
  if not any(rows.values()):
    return
  files.write_bytes(
    os.path.join(directory, FILE), table([row for some in rows.values() for row in some])
  )
  worst = sorted(rows[split], key=served.badness, reverse=True)[:_TOLD]
  _tell(os.path.join(directory, _REPORT), lines(worst, split))
  _show(os.path.join(directory, EXAMPLES), answers[split], split)


def table(rows: Sequence[Mapping[str, str]]) -> bytes:
  """Returns a CSV file with a header."""
  text = io.StringIO()
  writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
  writer.writeheader()
  writer.writerows(rows)
  return text.getvalue().encode()


def lines(worst: Sequence[Mapping[str, str]], split: str) -> list[str]:
  """Returns what a report says of the worst answers."""
  if not worst:
    return []
  names = [name for name in worst[0] if name != "split"]
  cells = [names, *([row[name] for name in names] for row in worst)]
  widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
  told = (
    "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for row in cells
  )
  return [f"{_HEADLINE} {split} videos; {FILE} has all", *told]


def _tell(path: str, told: Sequence[str]) -> None:
  """Puts lines at the end of a report, in place of those of an earlier one."""
  before = files.read_bytes(path).decode() if os.path.exists(path) else ""
  kept = before.partition(_HEADLINE)[0].rstrip("\n")
  text = "\n".join([*([kept, ""] if kept else []), *told])
  files.write_bytes(path, f"{text}\n".encode())


def _show(directory: str, answers: Answers, split: str) -> None:
  """Writes examples/, whole: what was there before is of an earlier training."""
  shutil.rmtree(directory, ignore_errors=True)
  if not answers.examples:
    return
  os.makedirs(directory)
  rows = []
  for place, example in enumerate(answers.examples):
    row = {"clip": answers.ids[example.number], "split": split}
    for name in PICTURES:
      row[name] = ""
      if name in example.pictures:
        row[name] = f"{place}-{name}.png"
        files.write_bytes(os.path.join(directory, row[name]), _strip(example, name))
    rows.append(row)
  files.write_bytes(os.path.join(directory, "examples.csv"), table(rows))


def _strip(example: Example, name: str) -> bytes:
  """Returns some frames side by side, as PNG; pixels that have classes in their colours."""
  frames = example.pictures[name]
  if frames.ndim == 3:
    frames = mask.colours()[frames]
  chosen = np.unique(np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int))
  height, width = frames.shape[1:3]
  times = max(1, round(_LEAST_HEIGHT / height))
  pieces: list[np.ndarray] = []
  for index in chosen:
    large = cv2.resize(
      frames[index], (width * times, height * times), interpolation=cv2.INTER_NEAREST
    )
    pieces += [large, np.full((height * times, _GAP, 3), 255, np.uint8)]
  return stored_images.encode(np.concatenate(pieces[:-1], axis=1), "png")

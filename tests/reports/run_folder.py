"""Makes the directory of a run within a second: the real search, on trainings that are made up.

    folder = run_folder.make(tmp_path / "run", rounds=20)

Candidates, their parents and operators, the order of finishing, population and final training are
the product's own; only the numbers are not. A deeper network with more dilation is better here, and
some luck is added. The dataset beside the run has classes whose names try to break a page.
"""

from collections.abc import Mapping
import csv
import dataclasses
import io
import json
import pathlib
import random
import shutil

import search_fakes

from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.architecture import cost
from official.architecture import serialization
from official.runs import console
from official.runs import executors
from official.search import application

CLASSES = (
  "<script>alert('x')</script>",
  "a \"quoted\" & 'half' name",
  "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd",  # Hebrew, from right to left.
  "\U0001f3c3\u200d\u2640\ufe0f running",
  "$x_1$ </svg><!--",
  "plain",
)
CLIPS = {"train": 120, "validation": 40, "test": 40}


def make(
  folder: pathlib.Path,
  *,
  rounds: int = 8,
  training: "Training | None" = None,
  settings: Mapping[str, object] | None = None,
) -> pathlib.Path:
  """Returns the folder of a run that has finished, in which `dataset` is a folder beside it.

  Args:
    folder: Where it is made.
    rounds: Candidates after the first four.
    training: What candidates come to.
    settings: Other settings of the search.
  """
  info = dataset(folder.parent / "dataset")
  chosen = search_fakes.settings(rounds=rounds, **(settings or {}))
  status = application.run(
    model_dir=str(folder),
    space=search_fakes.small_space(),
    settings=chosen,
    clip=search_fakes.CLIP,
    executor=lambda: executors.make("inline", workers=1, threads=1, preload=()),
    trainings=lambda: application.Trainings(
      candidate=training or Training(),
      final=final,
      joining=search_fakes.joining,
    ),
    identity={"data_dir": info.fingerprint, "task": "classification", "candidate_steps": 200},
    operation={"data_dir": str(folder.parent / "dataset")},
    final_settings={"final_steps": 20},
    console=console.Console(lines=io.StringIO(), terminal=False),
  )
  assert status == (0 if training is None or training.failing < 1 else 1)
  _time(folder)
  return folder


def _time(folder: pathlib.Path) -> None:
  """Gives trainings and the run fixed times, as if two workers had been at work."""
  for path in sorted(folder.glob("candidates/*/timing.json")):
    timing, number = json.loads(path.read_text()), int(path.parent.name)
    timing["started_at"] = 1_790_000_000.0 + 35 * (number // 2) + 3 * (number % 2)
    timing["finished_at"] = timing["started_at"] + timing.get("seconds", 5.0)
    path.write_text(json.dumps(timing))
  start = {"at": "2026-09-21T14:13:20+00:00", "version": "0.1.0", "commit": None}
  command = "python -m official.evolve --data_dir='<b>' --model_dir=run"
  timing = {"searched_seconds": 210.0, "starts": [{**start, "command": command}]}
  (folder / "timing.json").write_text(json.dumps(timing))


def copied(run: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
  """Returns a copy of a run that a test may change."""
  shutil.copytree(run, folder)
  return folder


def dataset(folder: pathlib.Path) -> metadata.DatasetInfo:
  """Returns what dataset.json says, which is written to a folder without records."""
  images = {"feature": "image/encoded", "format": "jpeg"}
  flow = {"feature": "FORWARD_FLOW/image/encoded", "format": "png"}
  counts = {split: [clips // 6] * 6 for split, clips in CLIPS.items()}
  info = metadata.DatasetInfo(
    classes=CLASSES,
    streams={
      "rgb": StreamInfo(kind="image", channels=3, **images),
      "flow": StreamInfo(kind="flow", channels=2, bound=20.0, algorithm="tvl1", **flow),
    },
    fps=10.0,
    short_side=32,
    splits={
      split: metadata.SplitInfo(clips=clips, frames=20 * clips, shards=1)
      for split, clips in CLIPS.items()
    },
    failures=0,
    multi_label=False,
    manifest_sha256="0" * 64,
    settings={},
    versions={},
    class_clips=counts,
  )
  folder.mkdir(parents=True, exist_ok=True)
  (folder / metadata.FILE_NAME).write_text(json.dumps(metadata.to_json(info)))
  return info


@dataclasses.dataclass(frozen=True)
class Training:
  """A training that is done at once.

  Attributes:
    failing: The share of candidates that turn out infeasible.
  """

  failing: float = 0.1

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    del directory
    rng = random.Random(candidate["seed"])
    if candidate["number"] and rng.random() < self.failing or self.failing == 1:
      return {"status": "infeasible", "reason": f"out of memory: {rng.randrange(9)} GB are missing"}
    return _result(candidate, rng)


def _result(candidate: Mapping, rng: random.Random) -> dict:
  architecture = serialization.from_json(candidate["architecture"])
  dilation = max(block.temporal_dilation for block in architecture.blocks)
  skill = 0.2 + 0.01 * len(architecture.connections) + 0.04 * dilation + 0.2 * rng.random()
  accuracy = round(min(skill, 1.0) * CLIPS["validation"]) / CLIPS["validation"]
  return {
    "status": "ok",
    "reason": None,
    "metrics": {"accuracy": accuracy, "top5_accuracy": 1.0, "loss": 2 - accuracy},
    "connection_weights": [
      {**connection, "start": 0.5, "end": rng.random()}
      for connection in candidate["architecture"]["connections"]
    ],
    "params": cost.parameters(architecture, search_fakes.CLIP.streams, len(CLASSES)),
    "multiply_adds": cost.multiply_adds(architecture, search_fakes.CLIP),
    "timing": {"seconds": 20 + 10 * rng.random(), "seconds_in_steps": 12.0},
  }


def final(candidate: Mapping, directory: str) -> dict:
  """A final training that is done at once."""
  rng = random.Random(candidate["seed"])
  value = _result(candidate, rng)
  export = pathlib.Path(directory).parent / "export" / "1"
  export.mkdir(parents=True, exist_ok=True)
  splits = {split: value["metrics"] for split in ("validation", "test")}
  _answer(pathlib.Path(directory) / "predictions.csv", rng)
  return {**value, "metrics": splits, "export": str(export)}


def _answer(path: pathlib.Path, rng: random.Random) -> None:
  """Writes answers about all clips, a fifth of which are a wrong class."""
  with path.open("w", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["clip", "split", "label", "answer", "score", "right"])
    for split in ("validation", "test"):
      for number in range(CLIPS[split]):
        true = number % len(CLASSES)
        answer = true if rng.random() < 0.8 else (true + 1) % len(CLASSES)
        score = f"{rng.uniform(0.3, 1):.6f}"
        row = [f"{number}.avi", split, CLASSES[true], CLASSES[answer], score, int(true == answer)]
        rows.writerow(row)

"""What a study keeps of its runs: one JSON line for each that has finished, small enough to commit.

    {"kind": "search", "arm", "seed", "candidates": [...], "final": {...}, "incumbents": {...}}
    {"kind": "hand_made", "arm", "seed", "final": {...}}

`candidates` are in the order in which they finished. `processor_seconds` of a search with rungs
counts those that stopped at a rung, too. `final` has the metrics of the training to the
end, of the winner or of the hand-made network, by split.
"""

from collections.abc import Iterable, Iterator
import glob
import json
import os
from typing import Any

from data_prep.common import cli
from data_prep.common import files
from official.runs import run_directory
from tools.study import plan

Line = dict[str, Any]
_SPLITS = ("validation", "test")
_KEPT = ("accuracy", "loss")


def is_finished(folder: str) -> bool:
  """Returns whether a training's folder has its result."""
  return os.path.exists(os.path.join(folder, "result.json"))


def read_runs(folder: str, study: plan.Study) -> list[Line]:
  """Returns the lines of all runs below a study's folder that have finished."""
  lines = []
  for arm in study.arms:
    lines += [
      _search(os.path.join(folder, "runs"), arm, seed) for seed in _seeds(folder, arm, "final")
    ]
  for pattern in study.hand_made.patterns:
    name = f"hand_made/{pattern}"
    for seed in _seeds(folder, name, ""):
      final = _final(os.path.join(folder, "runs", name, str(seed)))
      lines.append({"kind": "hand_made", "arm": pattern, "seed": seed, "final": final})
  return lines


def write(lines: Iterable[Line], path: str) -> None:
  """Writes lines to a file, sorted; lines of other runs that it has already stay."""
  there = {_key(line): line for line in read(path)} if os.path.exists(path) else {}
  there |= {_key(line): line for line in lines}
  text = "".join(json.dumps(there[key], separators=(",", ":")) + "\n" for key in sorted(there))
  files.write_bytes(path, text.encode())


def read(path: str) -> list[Line]:
  """Returns the lines of a file; UserError if it has none."""
  try:
    with open(path, encoding="utf-8") as file:
      lines = [json.loads(line) for line in file]
    for line in lines:
      _key(line)
  except (OSError, ValueError, KeyError, TypeError) as error:
    raise cli.UserError(
      f"--summary={path} is no summary of a study ({error}); tools.study.run writes one"
    ) from error
  return lines


def incumbents(run: str) -> list[int]:
  """Returns the candidates that were the best of a search for a while, the winner left out."""
  best: dict[str, Any] | None = None
  found = []
  for candidate in _candidates(run):
    if candidate["status"] == "ok" and (best is None or _rank(candidate) > _rank(best)):
      best = candidate
      found.append(candidate["number"])
  return found[:-1]


def _rank(candidate: Line) -> tuple[float, float]:
  return candidate["fitness"], -candidate["loss"]


def _key(line: Line) -> tuple[str, str, int]:
  return line["kind"], line["arm"], line["seed"]


def _seeds(folder: str, name: str, within: str) -> Iterator[int]:
  """Yields the seeds of an arm whose runs have finished."""
  runs = os.path.join(folder, "runs", name)
  for seed in sorted(
    filter(str.isdecimal, os.listdir(runs) if os.path.isdir(runs) else ()), key=int
  ):
    if is_finished(os.path.join(runs, seed, within)):
      yield int(seed)


def _search(runs: str, arm: str, seed: int) -> Line:
  run = os.path.join(runs, arm, str(seed))
  trained = os.path.join(runs, "incumbents", arm)
  numbers = [
    n for n in incumbents(run) if is_finished(os.path.join(trained, f"{n:06d}", str(seed)))
  ]
  return {
    "kind": "search",
    "arm": arm,
    "seed": seed,
    "candidates": _candidates(run),
    "processor_seconds": processor_seconds(run),
    "final": _final(os.path.join(run, "final")),
    "incumbents": {
      str(number): _final(os.path.join(trained, f"{number:06d}", str(seed))) for number in numbers
    },
  }


def _candidates(run: str) -> list[Line]:
  """Returns the candidates of a search in the order in which they finished."""
  directory = run_directory.RunDirectory(run)
  lines = []
  for number in range(directory.count()):
    result, timing = directory.read_result(number), directory.read_timing(number)
    if result is None:
      continue
    lines.append(
      {
        "number": number,
        "order": result.finish_order,
        "parent": directory.read_proposal(number).parent,
        "status": result.status,
        "fitness": _rounded(result.fitness),
        "loss": _rounded(result.loss),
        "params": result.params,
        "multiply_adds": result.multiply_adds,
        "seconds": timing and timing.seconds,
        "processor_seconds": timing and timing.processor_seconds,
      }
    )
  return sorted(lines, key=lambda line: line["order"])


def processor_seconds(run: str) -> float:
  """Returns the processor time of all trainings of a search, those to a rung included."""
  total = 0.0
  for path in glob.glob(os.path.join(glob.escape(run), "candidates", "*", "*timing.json")):
    with open(path, encoding="utf-8") as file:
      total += json.load(file).get("processor_seconds") or 0
  return round(total, 3)


def _final(folder: str) -> Line:
  """Returns what came of a training to the end."""
  with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
    result = json.load(file)
  with open(os.path.join(folder, "timing.json"), encoding="utf-8") as file:
    timing = json.load(file)
  return {
    "candidate": result.get("candidate"),
    "params": result.get("params"),
    "multiply_adds": result.get("multiply_adds"),
    "processor_seconds": timing.get("processor_seconds"),
    **{
      split: {name: _rounded(result["metrics"][split][name]) for name in _KEPT} for split in _SPLITS
    },
  }


def _rounded(value: float | None) -> float | None:
  return None if value is None else round(value, 6)

"""Compares what a search found with a network that anybody would draw first.

    python -m tools.compare_with_hand_made --model_dir=RUN --output_dir=COMPARED

RUN is a finished search with one winner. Networks of about equal size are trained as the winner
was, for as many steps, and then asked about the validation and the test clips once:

    hand-made       of as many parameters as the winner (official/architecture/hand_made.py)
    best random     the best of the search's random candidates
    best evolved    the best of its children

The winner is one of the latter two (or, where --confirm decided otherwise, a further one), and is
trained already. Each other one is an ordinary
`official.train` in a folder of COMPARED; what is there already is not trained again. COMPARED also
gets table.txt, which is printed. One search and one training of each say little: the table shows
which differences its clips could tell, not how another seed would come out.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
import math
import os
import subprocess
import sys

from absl import flags

from data_prep.common import cli
from data_prep.common import intervals
from data_prep.dataset import metadata
from official.architecture import hand_made
from official.architecture import serialization
from official.architecture.space import SearchSpace
from official.runs import fitness
from official.runs import json_files
from official.runs import record_files
from official.runs.final_records import FinalAsked
from official.runs.final_records import FinalResult
from official.runs.records import Candidate
from official.runs.records import Result
from official.runs.run_directory import RunDirectory
from official.tasks import baselines
from official.tasks import registry
from official.training import config

_MODEL_DIR = flags.DEFINE_string("model_dir", None, "Folder of a finished search.")
_OUTPUT_DIR = flags.DEFINE_string("output_dir", None, "Folder of the trainings and the table.")
_PATTERNS = flags.DEFINE_list(
  "patterns",
  ["fully-connected"],
  f"Hand-made networks to train, of {', '.join(hand_made.names())}.",
)

_SPLITS = ("validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
  """A network of the table.

  Attributes:
    name: What people read.
    folder: Name of its folder.
    architecture: JSON of its architecture.
    seed: Random seed of its training.
    searched: Its fitness in the search; None if it was not in it.
    trained: What its final training came to, where that is there already.
  """

  name: str
  folder: str
  architecture: Mapping[str, object]
  seed: int
  searched: float | None = None
  trained: FinalResult | None = None


def rows(
  run: RunDirectory, space: SearchSpace, info: metadata.DatasetInfo, patterns: Sequence[str]
) -> list[Row]:
  """Returns the networks to compare, hand-made ones first, then the search's.

  Raises:
    UserError: The search is not finished, or has several winners.
  """
  final = record_files.read(json_files.join(run.final_directory, "result.json"), FinalResult)
  if final is None or final.candidate is None or final.params is None:
    raise cli.UserError(
      f"--model_dir={run.path} has no finished final training of one candidate; let "
      "official.evolve end, with --final=best"
    )
  ranked = _ranked(run)
  found = []
  clip = dataclasses.replace(hand_made.CLIP, num_classes=len(info.classes))
  for pattern in patterns:
    drawn = hand_made.make(pattern, space, clip, final.params)
    found.append(
      Row(
        name=f"hand-made: {pattern}",
        folder=f"hand_made_{pattern}_{final.params}",
        architecture=serialization.to_json(drawn),
        seed=0,
      )
    )
  bests = [
    (f"best {kind}", [each for each in ranked if (each[0].parent is not None) == is_child][:1])
    for kind, is_child in (("random", False), ("evolved", True))
  ]
  if all(each[0].number != final.candidate for _, best in bests for each in best):
    bests.append(("confirmed", [each for each in ranked if each[0].number == final.candidate]))
  for name, best in bests:
    found += [_candidate_row(name, *each, final) for each in best]
  return found


def _candidate_row(name: str, candidate: Candidate, result: Result, final: FinalResult) -> Row:
  won = candidate.number == final.candidate
  return Row(
    name=f"{name}: {candidate.number:06d}{', the winner' if won else ''}",
    folder=f"candidate_{candidate.number:06d}",
    architecture=candidate.architecture,
    seed=candidate.seed,
    searched=result.fitness,
    trained=final if won else None,
  )


def table(
  compared: Iterable[tuple[Row, FinalResult]],
  beside: Mapping[str, baselines.Baseline],
  fitness_name: str,
  steps: int,
  candidate_steps: int,
) -> str:
  """Returns the table: for each split, the share of right answers and its 95 % interval.

  Args:
    compared: The networks and what their trainings came to.
    beside: What shares are compared with, by split.
    fitness_name: Name of the search's fitness.
    steps: Training steps of every network.
    candidate_steps: Training steps of a candidate in the search.
  """
  head = ["network", "parameters", f"{fitness_name} after {candidate_steps} steps"]
  lines = [head + [f"{split}, {baseline.clips} clips" for split, baseline in beside.items()]]
  for row, result in compared:
    searched = "" if row.searched is None else f"{fitness.shown(fitness_name, row.searched):.3f}"
    lines.append([row.name, f"{result.params or 0:,}", searched])
    for split, baseline in beside.items():
      lines[-1].append(_share((result.metrics or {}).get(split, {}), baseline))
  widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
  text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in lines]
  return "\n".join(
    [
      f"All were trained alike for {steps:,} steps; shares of right answers with 95 % intervals:",
      "",
      *(line.rstrip() for line in text),
      "",
      *(
        f"{split}: {baselines.compared_text(baseline.chance, baseline.largest_class)}"
        for split, baseline in beside.items()
      ),
      "One search and one training of each say little: another seed may turn the order round.",
    ]
  )


def _ranked(run: RunDirectory) -> list[tuple[Candidate, Result]]:
  """Returns the finished candidates, best first."""
  finished = []
  for number in range(run.count()):
    result = run.read_finished(number)
    if result is not None and result.status == "ok" and result.fitness is not None:
      finished.append((run.read_proposal(number), result))
  return sorted(
    finished, key=lambda each: fitness.rank(each[1].fitness, each[1].loss, each[1].finish_order)
  )


def _share(metrics: Mapping[str, float | None], baseline: baselines.Baseline) -> str:
  share = metrics.get(baseline.metric)
  if share is None or math.isnan(share):
    return "none"
  low, high = intervals.wilson(round(share * baseline.clips), baseline.clips)
  return f"{share:.3f} ({low:.2f} to {high:.2f})"


def training_flags(identity: Mapping[str, object]) -> list[str]:
  """Returns the flags of official.train that train as a search did, from the search's identity."""
  found = []
  for leaf in config.leaves():
    value = identity.get(leaf.name)
    if config.TRAIN in leaf.knob.programs and value is not None and value != "":
      text = str(value).lower() if isinstance(value, bool) else str(value)
      found.append(f"--{leaf.name}={text}")
  threads = identity.get("threads_per_candidate")
  return [*found, *([f"--threads={threads}"] if threads else [])]


def _train(row: Row, folder: str, arguments: Sequence[str]) -> FinalResult:
  """Trains a network, resumes, or finds it trained; returns what came of it."""
  print(f"== {row.name}", flush=True)
  json_files.make_directory(folder)
  described = json_files.join(folder, "architecture.json")
  json_files.write_json(described, row.architecture)
  done = subprocess.run(
    [
      sys.executable,
      *("-m", "official.train", f"--architecture={described}", f"--model_dir={folder}"),
      *(f"--seed={row.seed}", *arguments),
    ],
    check=False,
  )
  if done.returncode:
    raise SystemExit(done.returncode)
  path = json_files.join(folder, "result.json")
  result = record_files.read(path, FinalResult)
  if result is None:
    raise cli.UserError(f"{path} is missing after the training; run this again")
  return result


def main(arguments: Sequence[str]) -> None:
  del arguments
  for flag in (_MODEL_DIR, _OUTPUT_DIR):
    if not flag.value:
      raise cli.UserError(f"--{flag.name} is missing (--help lists the flags)")
  run = RunDirectory(cli.plain_path("model_dir", _MODEL_DIR.value))
  recorded = run.recorded()
  if recorded is None:
    raise cli.UserError(f"--model_dir={run.path} holds no search")
  output = cli.plain_path("output_dir", _OUTPUT_DIR.value)
  asked = record_files.read(json_files.join(run.final_directory, "final.json"), FinalAsked)
  data_dir = str(recorded.operation["data_dir"])
  info = metadata.load(data_dir)
  beside = baselines.of_splits(registry.of(info), info, dict.fromkeys(_SPLITS))
  if not beside:
    raise cli.UserError(
      f"{data_dir} has no clips whose answers are right or wrong, which the table counts"
    )
  space = SearchSpace.from_json(recorded.identity["search_space"])
  networks = rows(run, space, info, _PATTERNS.value)
  assert asked is not None  # The final training is finished, so that it was asked for.
  steps = asked.settings["final_steps"]
  given = [*training_flags(recorded.identity), f"--data_dir={data_dir}", f"--train_steps={steps}"]
  compared = [
    (row, row.trained or _train(row, os.path.join(output, row.folder), given)) for row in networks
  ]
  text = table(
    compared,
    beside,
    recorded.identity["fitness"],
    steps,
    recorded.identity["candidate_steps"],
  )
  json_files.make_directory(output)
  with open(os.path.join(output, "table.txt"), "w", encoding="utf-8") as file:
    file.write(text + "\n")
  print(text)


if __name__ == "__main__":
  cli.run(main)

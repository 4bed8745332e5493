"""Measures the share of training in a search's time, and the speed of two workers against one.

    python -m tools.benchmarks.search_overhead --data_dir=DATASET --candidate_steps=2000

A real search (`python -m official.evolve`, on random candidates of --search_space) in a folder that
is deleted at the end. A candidate costs more than its steps of training and evaluation: its process
starts, its network is built and traced, checkpoints are written, sensitivities measured. The cost
of all that does not grow with --candidate_steps, so that its share falls; the search space, too,
should be the one that will be searched.

Printed, for each search, are

in steps  sum of the seconds in steps of training and evaluation, of the sum of the seconds from a
          candidate's submission to its result (`timing.json` of every candidate)
overhead  the difference, in seconds a candidate
wall      seconds from the first submission to the last result

and with --compare_workers, where the same candidates are trained first by two workers of one CPU
thread each, then by one worker of one thread,

speed-up  wall seconds of one worker, divided by those of two
"""

from collections.abc import Mapping, Sequence
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from absl import flags

from data_prep.common import cli

_DATA = flags.DEFINE_string("data_dir", None, "Folder made by data_prep.extract.", required=True)
_STEPS = flags.DEFINE_integer("candidate_steps", 2000, "Steps of a candidate.", lower_bound=1)
_CANDIDATES = flags.DEFINE_integer("candidates", 4, "Candidates in all.", lower_bound=2)
_SPACE = flags.DEFINE_string("search_space", "small", "As in official.evolve.")
_COMPARE = flags.DEFINE_bool("compare_workers", False, "Searches with two workers and with one.")
_SCRATCH = flags.DEFINE_string(
  "scratch_dir",
  None,
  "Folder for the runs, which are deleted at the end; by default the system's temporary one.",
)


def search(scratch: str, workers: int) -> list[dict[str, float]]:
  """Runs a search of random candidates; returns the `timing.json` of each.

  Args:
    scratch: Folder for the run and for decoded videos.
    workers: Candidates trained at a time, each on one CPU thread.

  Raises:
    data_prep.common.cli.UserError: The search failed.
  """
  run = os.path.join(scratch, f"workers_{workers}")
  command = {
    "data_dir": cli.resolve_path(_DATA.value),
    "model_dir": run,
    "cache_dir": os.path.join(scratch, "cache"),
    "search_space": _SPACE.value,
    "algorithm": "random_search",
    "population_size": _CANDIDATES.value,
    "tournament_size": 1,
    "rounds": 0,
    "candidate_steps": _STEPS.value,
    "final_steps": 1,
    "workers": workers,
    "threads_per_candidate": 1,
  }
  ended = subprocess.run(
    [sys.executable, "-m", "official.evolve", *(f"--{name}={at}" for name, at in command.items())],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
  )
  if ended.returncode:
    last = (ended.stderr.strip() or "it said nothing").splitlines()[-1]
    raise cli.UserError(f"official.evolve ended with status {ended.returncode}: {last}")
  files = sorted(pathlib.Path(run).glob("candidates/*/timing.json"))
  return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def share_in_steps(timings: Sequence[Mapping[str, float]]) -> float:
  """Returns the share of the candidates' time that went into steps; a failed one spent none."""
  return _in_steps(timings) / _in_all(timings)


def wall_seconds(timings: Sequence[Mapping[str, float]]) -> float:
  """Returns the seconds from the first submission to the last result."""
  return max(timing["finished_at"] for timing in timings) - min(
    timing["started_at"] for timing in timings
  )


def _in_steps(timings: Sequence[Mapping[str, float]]) -> float:
  return sum(timing.get("seconds_in_steps", 0.0) for timing in timings)


def _in_all(timings: Sequence[Mapping[str, float]]) -> float:
  return sum(timing["finished_at"] - timing["started_at"] for timing in timings)


def _report(timings: Sequence[Mapping[str, float]], workers: int) -> None:
  overhead = (_in_all(timings) - _in_steps(timings)) / len(timings)
  print(f"{len(timings)} candidates of {_STEPS.value:,} steps, {workers} worker(s) of 1 thread")
  print(f"in steps  {share_in_steps(timings):.1%}")
  print(f"overhead  {overhead:.1f} s a candidate")
  print(f"wall      {wall_seconds(timings):.1f} s", flush=True)


def main(arguments: Sequence[str]) -> None:
  del arguments
  walls = []
  with tempfile.TemporaryDirectory(dir=_SCRATCH.value) as scratch:
    for workers in (2, 1) if _COMPARE.value else (1,):  # The first one decodes the videos.
      timings = search(scratch, workers)
      _report(timings, workers)
      walls.append(wall_seconds(timings))
  if _COMPARE.value:
    print(f"speed-up  {walls[1] / walls[0]:.2f}")


if __name__ == "__main__":
  cli.run(main)

"""What a search would take, told before it is begun: a few candidates on trial, and what follows.

Of the first dozen candidates of the search that has these settings, the smallest, the largest and
two between them are handed to a probe: a picklable function like an evaluator that trains for some
steps and says what they took. From that come the hours of the whole search and the batch that fits
into memory. The folders of the trials are temporary; the run directory is not even made.

It is an estimate. Children inherit the blocks of good parents, so they may be larger or smaller
than random architectures; all trials count alike; and a machine that does other work is slower.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import math
import os
import statistics
import tempfile
from typing import Any

from data_prep.common import cli
from official.architecture import canonical
from official.architecture import cost
from official.architecture import random_generation
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.space import SearchSpace
from official.runs import judge
from official.runs.console import Console
from official.runs.console import duration
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task
from official.search import proposals
from official.search.known import Known
from official.search.settings import SearchSettings

_DRAWN = 12
_TRIED = 4
_HEADER = (
  "candidate",
  "blocks",
  "connections",
  "parameters",
  "GFLOPs a clip",
  "memory",
  "s a step",
  "batch that fits",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
  """A candidate that is tried.

  Attributes:
    number: Number of the candidate in the search.
    architecture: Its architecture.
    params: Trainable parameters.
    flops: Operations of one clip, forward.
  """

  number: int
  architecture: Architecture
  params: int
  flops: int


def run(
  *,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  candidate_steps: int,
  final_steps: int,
  probe: Evaluator,
  executor: Executor,
  console: Console,
  founders: Sequence[Architecture] = (),
) -> None:
  """Tries some candidates and tells what the search would take.

  Args:
    space: What an architecture can be.
    settings: How to search.
    clip: What networks are built for.
    candidate_steps: Training steps of a candidate.
    final_steps: Training steps of the winner.
    probe: Called like an evaluator; returns what official.training.probe.Probe does.
    executor: Runs the probes; closed by the caller.
    console: Entered by the caller; told what happens.
    founders: The search's first candidates, from an earlier run.

  Raises:
    UserError: The space admits no architecture.
    SearchStopped: A probe failed, and not for the candidate's size.
  """
  trials = choose(space, settings, clip, founders)
  console.say(f"dry run: trying {len(trials)} candidates for a few steps each; nothing is kept")
  with tempfile.TemporaryDirectory(prefix="dry_run_") as folder:
    results = _try(trials, settings, probe, executor, console, folder)
  lines = [
    *table(trials, results),
    "",
    *estimates(trials, results, settings, candidate_steps, final_steps),
  ]
  for line in lines:
    console.say(line)


def choose(
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  founders: Sequence[Architecture] = (),
) -> list[Trial]:
  """Returns, by parameters, the smallest and the largest of the search's first candidates, and some
  between them.

  Raises:
    UserError: The space admits no architecture.
  """
  without_parent = (
    settings.candidates if settings.algorithm == "random_search" else settings.initial_candidates
  )
  drawn: list[Trial] = []
  known = Known()
  try:
    for number in range(min(without_parent, _DRAWN)):
      drawn.append(
        _trial(number, founders[number], clip)
        if number < len(founders)
        else _draw(number, space, settings, clip, known.lacks(clip.num_frames))
      )
      known.add(canonical.digest(drawn[-1].architecture, clip.num_frames))
  except ArchitectureError as error:
    if not drawn:  # Otherwise they are all that the space has.
      raise cli.UserError(f"--search_space: {error}") from error
  drawn.sort(key=lambda trial: (trial.params, trial.number))
  count = min(_TRIED, len(drawn))
  return [drawn[index * (len(drawn) - 1) // max(count - 1, 1)] for index in range(count)]


def _draw(
  number: int,
  space: SearchSpace,
  settings: SearchSettings,
  clip: cost.Clip,
  is_new: Callable[[Architecture], bool] | None = None,
) -> Trial:
  drawn = random_generation.found(
    space, proposals.generator(settings.seed, number), clip=clip, is_new=is_new
  )
  return _trial(number, drawn.architecture, clip)


def _trial(number: int, architecture: Architecture, clip: cost.Clip) -> Trial:
  return Trial(
    number=number,
    architecture=architecture,
    params=cost.parameters(architecture, clip.streams, clip.num_classes),
    flops=cost.flops(architecture, clip),
  )


def _try(
  trials: Sequence[Trial],
  settings: SearchSettings,
  probe: Evaluator,
  executor: Executor,
  console: Console,
  folder: str,
) -> dict[int, Mapping[str, Any]]:
  """Returns what the probe says, by the candidate's number."""
  waiting, results = list(trials), {}
  try:
    while len(results) < len(trials):
      while waiting and len(trials) - len(waiting) - len(results) < executor.capacity:
        _submit(waiting.pop(0), settings, probe, executor, console, folder)
      outcome = executor.wait_any()
      result = results[int(outcome.key)] = _judge(outcome)
      console.end(outcome.key, result["reason"] or f"{result['seconds_a_step']:.3g} s a step")
  except BaseException:
    executor.close()  # Nobody may write into the folder while it is removed.
    raise
  return results


def _submit(
  trial: Trial,
  settings: SearchSettings,
  probe: Evaluator,
  executor: Executor,
  console: Console,
  folder: str,
) -> None:
  key = f"{trial.number:06d}"
  directory = os.path.join(folder, key)
  os.mkdir(directory)
  console.begin(key, f"candidate {key} ({trial.params:,} parameters)", directory)
  executor.submit(
    Task(key=key, function=probe, candidate=_candidate(trial, settings), directory=directory)
  )


def _candidate(trial: Trial, settings: SearchSettings) -> dict[str, Any]:
  return {
    "number": trial.number,
    "seed": proposals.training_seed(settings.seed, trial.number),
    "architecture": serialization.to_json(trial.architecture),
  }


def _judge(outcome: Outcome) -> Mapping[str, Any]:
  """Returns the probe's result; a candidate that ended its process is taken to be too large."""
  judge.check_environment(outcome)
  if outcome.kind == "returned":
    return outcome.value
  if outcome.kind == "killed":
    return {"status": "infeasible", "reason": f"{outcome.reason}; too little memory?"}
  if outcome.kind in ("exhausted", "timed_out"):
    return {"status": "infeasible", "reason": outcome.reason}
  raise judge.SearchStopped(f"the dry run of candidate {outcome.key} failed: {outcome.reason}")


def table(trials: Sequence[Trial], results: Mapping[int, Mapping[str, Any]]) -> list[str]:
  """Returns a line for the header and one for each trial, columns aligned; ? is not known."""
  rows = [_HEADER]
  for trial in trials:
    result = results[trial.number]
    rows.append(
      (
        f"{trial.number:06d}",
        str(len(trial.architecture.blocks)),
        str(len(trial.architecture.connections)),
        f"{trial.params:,}",
        f"{trial.flops / 1e9:.3g}",
        _or_unknown(result.get("memory_bytes"), size),
        _or_unknown(result.get("seconds_a_step"), lambda seconds: f"{seconds:.3g}"),
        _or_unknown(result.get("batch_that_fits"), str),
      )
    )
  widths = [max(map(len, column)) for column in zip(*rows)]
  return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]


def estimates(
  trials: Sequence[Trial],
  results: Mapping[int, Mapping[str, Any]],
  settings: SearchSettings,
  candidate_steps: int,
  final_steps: int,
) -> list[str]:
  """Returns what follows from the trials: hours, and the batch that fits, in lines for people."""
  feasible = [results[trial.number] for trial in trials if results[trial.number]["status"] == "ok"]
  if not feasible:
    return [
      "none of these candidates can be trained; choose a smaller --batch_size, --num_frames, "
      "--image_size or --search_space"
    ]
  overhead = statistics.mean(seconds(result, 0) for result in feasible)
  candidate = statistics.mean(seconds(result, candidate_steps) for result in feasible)
  final = [seconds(result, final_steps) for result in feasible]
  one_after_another = math.ceil(settings.trained_to_the_end / settings.workers)
  searching = candidate * settings.candidates / settings.workers
  lines = [
    f"a candidate: about {duration(candidate)} ({candidate_steps} steps, and {overhead:.3g} s to "
    "build, trace and evaluate)",
    f"the search: about {duration(searching)} ({settings.candidates} candidates, "
    f"{settings.workers} at a time){_bounded(searching, settings)}",
    f"the final training: about {duration(statistics.mean(final) * one_after_another)} "
    f"({settings.trained_to_the_end} x {final_steps} steps); "
    f"{duration(max(final) * one_after_another)} for the slowest of these",
    _batch([results[trial.number].get("batch_that_fits") for trial in trials]),
  ]
  if len(feasible) < len(trials):
    lines.append(
      f"{len(trials) - len(feasible)} of {len(trials)} cannot be trained like this; "
      "they do not count in the hours, and a search would find them infeasible"
    )
  return lines


def _batch(batches: Sequence[int | None]) -> str:
  known = [batch for batch in batches if batch is not None]
  if not known:
    return "the batch that fits: not known, for memory could not be told"
  return (
    f"the batch that fits: about {min(known)} clips, the least of {len(known)} of "
    f"{len(batches)} candidates"
  )


def seconds(result: Mapping[str, Any], steps: int) -> float:
  """Returns the seconds of a training of so many steps, and its evaluation."""
  return (
    result["seconds_to_first_step"]
    + result.get("seconds_to_evaluate", 0.0)
    + steps * result["seconds_a_step"]
  )


def size(number: float) -> str:
  """Returns bytes for people: 340 MB, 1.2 GB."""
  return f"{number / 1e6:.0f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"


def _or_unknown(value, text) -> str:
  return "?" if value is None else text(value)


def _bounded(searching: float, settings: SearchSettings) -> str:
  hours = settings.max_hours
  if hours is None or searching <= hours * 3600:
    return ""
  return f"; --max_hours={hours:g} ends it before"

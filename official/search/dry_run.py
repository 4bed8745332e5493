"""A dry run: the time and memory of a search, estimated from a few candidates on trial.

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
from typing import ClassVar, TypeVar

from data_prep.common import cli
from official.architecture import canonical
from official.architecture import cost
from official.architecture import random_generation
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.space import SearchSpace
from official.runs import driver
from official.runs import judge
from official.runs import record_files
from official.runs.console import Console
from official.runs.console import duration
from official.runs.driver import Ended
from official.runs.driver import Job
from official.runs.executors.base import Evaluator
from official.runs.executors.base import Executor
from official.runs.executors.base import Task
from official.runs.records import Status
from official.search import promotion
from official.search import proposals
from official.search.known import Known
from official.search.settings import SearchSettings

_DRAWN = 12
_TRIED = 4
_T = TypeVar("_T")
_MEASURED = {
  "status": frozenset({"ok", "infeasible"}),
  "reason?": str,
  "seconds_a_step?": float,
  "seconds_to_first_step?": float,
  "seconds_to_evaluate?": float,
  "memory_bytes?": float,
  "batch_that_fits?": int,
}
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
  """A candidate on trial.

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
  """The measurements of a candidate; None for what could not be measured.

  Attributes:
    status: `ok` or `infeasible`.
    reason: Why it is infeasible.
    seconds_a_step: Seconds of a training step.
    seconds_to_first_step: From nothing to the end of the first step.
    seconds_to_evaluate: For the validation split, once.
    memory_bytes: Peak of training and evaluation.
    batch_that_fits: Clips, about.
  """

  REMEDY: ClassVar[str] = "run it again"

  status: Status
  reason: str | None = None
  seconds_a_step: float | None = None
  seconds_to_first_step: float | None = None
  seconds_to_evaluate: float | None = None
  memory_bytes: float | None = None
  batch_that_fits: int | None = None

  @classmethod
  def from_json(cls, data: object, path: str) -> "Measured":
    """Returns the record; UserError if `data` is none."""
    content = record_files.checked(data, _MEASURED, path, cls.REMEDY)
    return cls(
      status=content["status"],
      reason=content.get("reason"),
      seconds_a_step=content.get("seconds_a_step"),
      seconds_to_first_step=content.get("seconds_to_first_step"),
      seconds_to_evaluate=content.get("seconds_to_evaluate"),
      memory_bytes=content.get("memory_bytes"),
      batch_that_fits=content.get("batch_that_fits"),
    )

  def seconds(self, steps: int) -> float:
    """Returns the seconds of a training of so many steps, and its evaluation."""
    return (
      (self.seconds_to_first_step or 0.0)
      + (self.seconds_to_evaluate or 0.0)
      + steps * (self.seconds_a_step or 0.0)
    )

  def text(self) -> str:
    """Returns how the trial ended, for people."""
    return self.reason or f"{self.seconds_a_step or 0.0:.3g} s a step"


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
  """Tries some candidates and prints what the search would take.

  Args:
    space: What an architecture can be.
    settings: How to search.
    clip: What networks are built for.
    candidate_steps: Training steps of a candidate.
    final_steps: Training steps of the winner.
    probe: Called like an evaluator; returns the fields of Measured.
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
    settings.candidates if settings.algorithm == "random_search" else settings.initial
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
    params=cost.parameters(architecture, clip.streams, clip.num_classes, clip.dense),
    flops=cost.flops(architecture, clip),
  )


def _try(
  trials: Sequence[Trial],
  settings: SearchSettings,
  probe: Evaluator,
  executor: Executor,
  console: Console,
  folder: str,
) -> dict[int, Measured]:
  """Returns what the probe says, by the candidate's number."""
  results: dict[int, Measured] = {}
  try:
    jobs = (_job(trial, settings, probe, folder) for trial in trials)
    for ended in driver.run_all(jobs, executor, console, retries=0):
      measured = results[int(ended.key)] = _measured(ended)
      console.end(ended.key, measured.text())
  except BaseException:
    executor.close()  # Nobody may write into the folder while it is removed.
    raise
  return results


def _job(trial: Trial, settings: SearchSettings, probe: Evaluator, folder: str) -> Job:
  key = f"{trial.number:06d}"
  directory = os.path.join(folder, key)
  os.mkdir(directory)
  task = Task(
    key=key,
    function=probe,
    candidate={
      "number": trial.number,
      "seed": proposals.training_seed(settings.seed, trial.number),
      "architecture": serialization.to_json(trial.architecture),
    },
    directory=directory,
  )
  return Job(label=f"candidate {key} ({trial.params:,} parameters)", task=task)


def _measured(ended: Ended) -> Measured:
  """Returns the probe's result; SearchStopped if it failed, and not for the candidate's size."""
  verdict = ended.verdict
  if verdict.status == "failed":
    raise judge.SearchStopped(f"the dry run of candidate {ended.key} failed: {verdict.reason}")
  if ended.outcome.kind in ("killed", "lost"):
    return Measured(status="infeasible", reason=f"{ended.outcome.reason}; too little memory?")
  told = {**verdict.value, "status": verdict.status, "reason": verdict.reason}
  return Measured.from_json(told, "what the probe measured")


def table(trials: Sequence[Trial], results: Mapping[int, Measured]) -> list[str]:
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
        _or_unknown(result.memory_bytes, size),
        _or_unknown(result.seconds_a_step, lambda seconds: f"{seconds:.3g}"),
        _or_unknown(result.batch_that_fits, str),
      )
    )
  widths = [max(map(len, column)) for column in zip(*rows)]
  return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]


def estimates(
  trials: Sequence[Trial],
  results: Mapping[int, Measured],
  settings: SearchSettings,
  candidate_steps: int,
  final_steps: int,
) -> list[str]:
  """Returns what follows from the trials: hours, and the batch that fits, in lines for people."""
  feasible = [results[trial.number] for trial in trials if results[trial.number].status == "ok"]
  if not feasible:
    return [
      "none of these candidates can be trained; choose a smaller --batch_size, --num_frames, "
      "--image_size or --search_space"
    ]
  overhead = statistics.mean(result.seconds(0) for result in feasible)
  candidate = statistics.mean(result.seconds(candidate_steps) for result in feasible)
  final = [result.seconds(final_steps) for result in feasible]
  one_after_another = math.ceil(settings.trained_to_the_end / settings.workers)
  trained = _trained(settings, candidate_steps)
  searching = (
    sum(
      count * statistics.mean(result.seconds(steps) for result in feasible)
      for count, steps in trained
    )
    / settings.workers
  )
  again = settings.confirmation.trainings
  confirming = candidate * again / settings.workers
  lines = [
    f"a candidate: about {duration(candidate)} ({candidate_steps} steps, and {overhead:.3g} s to "
    "build, trace and evaluate)",
    f"the search: about {duration(searching)} ({settings.candidates} candidates"
    f"{_climbing(trained)}, {settings.workers} at a time){_bounded(searching, settings)}",
    *([f"the confirmation: about {duration(confirming)} ({again} trainings)"] if again else []),
    f"the final training: about {duration(statistics.mean(final) * one_after_another)} "
    f"({settings.trained_to_the_end} x {final_steps} steps); "
    f"{duration(max(final) * one_after_another)} for the slowest of these",
    _batch([results[trial.number].batch_that_fits for trial in trials]),
  ]
  if len(feasible) < len(trials):
    lines.append(
      f"{len(trials) - len(feasible)} of {len(trials)} cannot be trained like this; "
      "they do not count in the hours, and a search would find them infeasible"
    )
  return lines


def _trained(settings: SearchSettings, candidate_steps: int) -> list[tuple[int, int]]:
  """Returns how many candidates are expected to be trained to each rung, and by how many steps."""
  ends = settings.rung_steps or (candidate_steps,)
  steps = (end - start for start, end in zip((0, *ends), ends))
  return list(zip(promotion.expected(settings.candidates, len(ends)), steps))


def _climbing(trained: Sequence[tuple[int, int]]) -> str:
  """Returns, in a search with rungs, how many candidates are expected to go on at each."""
  return "".join(f", {count} of them {steps} steps more" for count, steps in trained[1:])


def _batch(batches: Sequence[int | None]) -> str:
  known = [batch for batch in batches if batch is not None]
  if not known:
    return "the batch that fits: not known, for memory could not be told"
  return (
    f"the batch that fits: about {min(known)} clips, the least of {len(known)} of "
    f"{len(batches)} candidates"
  )


def size(number: float) -> str:
  """Returns bytes for people: 340 MB, 1.2 GB."""
  return f"{number / 1e6:.0f} MB" if number < 1e9 else f"{number / 1e9:.1f} GB"


def _or_unknown(value: _T | None, text: Callable[[_T], str]) -> str:
  return "?" if value is None else text(value)


def _bounded(searching: float, settings: SearchSettings) -> str:
  hours = settings.max_hours
  if hours is None or searching <= hours * 3600:
    return ""
  return f"; --max_hours={hours:g} ends it before"

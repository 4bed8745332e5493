"""What a search is doing, read from its folder by anybody, at any time.

Nothing is locked and nothing is written: files of a search that is alive appear whole, and what
vanishes between two looks is let be. Alive is told by the driver's lock file, without taking the
lock, which could turn away a driver that is about to start.
"""

import collections
from collections.abc import Mapping
import contextlib
import dataclasses
from typing import Any

from data_prep import cli
from official.search import files
from official.search import locks
from official.search import state as state_lib
from official.search.console import duration
from official.search.population import Member
from official.search.run_directory import RunDirectory
from official.search.settings import SearchSettings
from official.search.state import SearchState

_RECENT = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class Status:
  """A search at a moment; `dataclasses.asdict` is what --json prints.

  Attributes:
    model_dir: The run directory.
    condition: `alive`, `finished` (the winner is trained to the end), or `dead`: stopped, and the
      same command would go on.
    holder: Who is at work in it, if anybody.
    asked: Candidates in all; fewer than asked for where a budget has ended the search.
    finished: Candidates with a result.
    by_status: Finished candidates by status: ok, infeasible, failed.
    failures: How often each reason of those that are not ok was given.
    fitness: What is maximised.
    best: number, fitness, loss and parameters of the best so far, or None.
    population: number and fitness of the members, best first.
    in_flight: number, phase, step and steps of the candidates that have no result yet.
    evaluations_an_hour: Of the last results, or None while there are fewer than two.
    seconds_left: At that pace; None where it is not known or nothing is left.
  """

  model_dir: str
  condition: str
  holder: str | None
  asked: int
  finished: int
  by_status: Mapping[str, int]
  failures: Mapping[str, int]
  fitness: str
  best: Mapping[str, Any] | None
  population: tuple[Mapping[str, Any], ...]
  in_flight: tuple[Mapping[str, Any], ...]
  evaluations_an_hour: float | None
  seconds_left: float | None


def read(model_dir: str) -> Status:
  """Returns the status of the search in a folder; UserError if there is none."""
  run = RunDirectory(model_dir)
  recorded = run.recorded()
  if recorded is None:
    raise cli.UserError(f"--model_dir={model_dir} has no search.json, so there is no search in it; "
                        "give the --model_dir of an official.evolve command")
  settings = _settings(recorded)
  state, in_flight = state_lib.replay(run, settings)
  statuses, failures = _endings(state)
  holder = locks.holder(model_dir)
  enough = settings.enough(state.best and state.best.fitness, run.searched_seconds() / 3600)
  asked = state.proposed if enough else max(settings.candidates, state.proposed)
  pace = _pace(run, state.proposed)
  left = asked - state.finished
  done = not left and _is_final(run, state.best)
  return Status(
      model_dir=model_dir,
      condition="alive" if holder else "finished" if done else "dead",
      holder=holder,
      asked=asked,
      finished=state.finished,
      by_status=statuses,
      failures=failures,
      fitness=settings.fitness,
      best=state.best and {
          "number": state.best.number, "fitness": state.best.fitness, "loss": state.best.loss,
          "params": (run.read_result(state.best.number) or {}).get("params")},
      population=tuple({"number": member.number, "fitness": member.fitness}
                       for member in sorted(state.population, key=lambda member: member.rank)),
      in_flight=tuple(_progress(run, number) for number in in_flight),
      evaluations_an_hour=pace,
      seconds_left=left / pace * 3600 if pace and left else None)


def text(status: Status) -> str:
  """Returns the status for people."""
  held = f" ({status.holder})" if status.holder else ""
  lines = [f"{status.model_dir}: {status.condition}{held}", _counts(status)]
  if status.best:
    best = status.best
    size = f", {best['params']:,} parameters" if best["params"] else ""
    loss = "" if best["loss"] is None else f", loss {best['loss']:.4f}"
    lines.append(f"best: {status.fitness} {best['fitness']:.4f}{loss}, "
                 f"candidate {best['number']:06d}{size}")
  if status.population:
    values = [member["fitness"] for member in status.population]
    lines.append(f"population: {len(values)} members, {status.fitness} {values[-1]:.4f} to "
                 f"{values[0]:.4f}, mean {sum(values) / len(values):.4f}")
  for candidate in status.in_flight:
    lines.append(f"in flight: candidate {candidate['number']:06d}, {_phase(candidate)}")
  for reason, count in status.failures.items():
    lines.append(f"{count} x {reason}")
  if status.evaluations_an_hour:
    left = f"; about {duration(status.seconds_left)} left" if status.seconds_left else ""
    lines.append(f"pace: {status.evaluations_an_hour:.3g} evaluations an hour{left}")
  if status.condition == "dead":
    lines.append("nobody is at work here; the command that began it goes on")
  return "\n".join(lines)


def _settings(recorded: Mapping[str, Any]) -> SearchSettings:
  known = {field.name for field in dataclasses.fields(SearchSettings)}
  values = {**recorded["identity"], **recorded["operation"]}
  return SearchSettings(**{name: value for name, value in values.items() if name in known})


def _is_final(run: RunDirectory, best: Member | None) -> bool:
  """Whether the best, and no earlier one, is trained to the end."""
  final = files.read_json(files.join(run.final_directory, "final.json"))
  return (best is not None and final is not None and final["candidate"] == best.number
          and files.exists(files.join(run.final_directory, "result.json")))


def _endings(state: SearchState) -> tuple[dict[str, int], dict[str, int]]:
  """Returns how many ended in each way, and how often each reason was given, the most first."""
  statuses = collections.Counter({"ok": 0, "infeasible": 0, "failed": 0})
  reasons = {}
  for (status, reason), count in state.endings.most_common():
    statuses[status] += count
    if status != "ok":
      reasons[f"{status}: {reason}"] = count
  return dict(statuses), reasons


def _progress(run: RunDirectory, number: int) -> dict[str, Any]:
  content = {}
  with contextlib.suppress(OSError, ValueError):
    content = files.read_json(files.join(run.candidate_directory(number), "progress.json")) or {}
  return {"number": number, "phase": content.get("phase", "waiting"),
          "step": content.get("step", 0), "steps": content.get("steps", 0)}


def _pace(run: RunDirectory, proposed: int) -> float | None:
  """Returns evaluations an hour among the candidates that were proposed last."""
  times = [timing for number in range(max(proposed - _RECENT, 0), proposed)
           if (timing := run.read_timing(number))]
  if len(times) < 2:
    return None
  seconds = max(timing["finished_at"] for timing in times) - min(
      timing["started_at"] for timing in times)
  return len(times) / seconds * 3600 if seconds > 0 else None


def _counts(status: Status) -> str:
  others = ", ".join(f"{count} {name}" for name, count in status.by_status.items() if count)
  return f"{status.finished} of {status.asked} candidates finished" + (
      f" ({others})" if others else "")


def _phase(candidate: Mapping[str, Any]) -> str:
  steps = f" step {candidate['step']}/{candidate['steps']}" if candidate["steps"] else ""
  return candidate["phase"] + steps

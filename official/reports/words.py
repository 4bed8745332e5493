"""Numbers, times and states, as the sections of a report put them."""

import datetime

from official.reports import facts
from official.runs import fitness as fitness_lib
from official.runs.console import duration


def candidate(number: int) -> str:
  """Returns a candidate's number as its folder has it."""
  return f"{number:06d}"


def count(number: int, singular: str, plural: str = "") -> str:
  """Returns a number with its noun: `1 candidate`, `2,000 candidates`."""
  return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def size(number: float) -> str:
  """Returns a large number shortly: `158 k`, `1.23 M`, `4.5 G`."""
  for bound, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
    if number >= bound:
      return f"{number / bound:.3g} {unit}"
  return f"{number:.3g}"


def seconds(number: float | None) -> str:
  """Returns a duration for people, `2 h 05 min`; a dash where it is unknown."""
  return "\N{EN DASH}" if number is None else duration(number)


def date(at: str) -> str:
  """Returns the day and minute of a time in ISO 8601, which is returned as it is if it is none."""
  try:
    return datetime.datetime.fromisoformat(at).strftime("%d %B %Y, %H:%M UTC").lstrip("0")
  except ValueError:
    return at


def condition(run: facts.Run) -> str:
  """Returns what a run is doing: `finished`, `running` or `stopped`."""
  if run.holder:
    return "running"
  return "finished" if run.final else "stopped"


def fitness(run: facts.Run, value: float | None) -> float | None:
  """Returns a fitness as people know it, None for None: a loss is positive."""
  return None if value is None else shown(run, value)


def shown(run: facts.Run, value: float) -> float:
  """Returns a fitness as people know it: a loss is positive."""
  return fitness_lib.shown(run.fitness, value)

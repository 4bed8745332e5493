"""All candidates, the best first, with links to their files."""

from collections.abc import Iterator
import math
import os

from official.reports import facts
from official.reports import page
from official.reports import words
from official.runs import fitness as fitness_lib

_ORDER = ("ok", "resting", "in flight", "infeasible", "failed")
_FILES = ("candidate.json", "result.json", "log.txt")


def section(run: facts.Run) -> page.Section | None:
  """Returns the section; None without candidates."""
  if not run.candidates:
    return None
  numbers = sorted(run.candidates, key=lambda number: _rank(run, number))
  metrics = _metrics(run)
  higher = fitness_lib.higher_is_better(run.fitness)
  table = page.Table(
    f"{words.count(len(numbers), 'candidate')}, the best {run.fitness} first",
    (
      "rank",
      "candidate",
      "state",
      run.fitness,
      *(("rung", "fitness there") if run.climbs else ()),
      *metrics,
      "parameters",
      "multiply-adds",
      "parent",
      "seconds",
      "finished as",
      "files",
      "reason",
    ),
    [_row(run, place, number, metrics) for place, number in enumerate(numbers, start=1)],
    note="" if higher else f"Of {run.fitness}, less is better.",
    sortable=True,
    ids=[_id(number) for number in numbers],
  )
  return page.Section("leaderboard", "All candidates", [table])


def _id(number: int) -> str:
  return f"candidate-{words.candidate(number)}"


def _rank(run: facts.Run, number: int) -> tuple[int, float, float, int]:
  """Returns a key that sorts the better first, and after them those without a fitness."""
  result = run.results.get(number)
  state = _ORDER.index(run.state_of(number))
  if result is not None and result.fitness is not None and not math.isnan(result.fitness):
    return (state, *fitness_lib.rank(result.fitness, result.loss, result.finish_order or 0))
  climb = run.climbs.get(number)
  if climb and climb.results:
    return (state, -climb.results[-1].rung, -climb.results[-1].fitness, number)
  return (state, math.inf, math.inf, number)


def _metrics(run: facts.Run) -> tuple[str, ...]:
  """Returns the metrics that some candidate has, the fitness left out, which has its own column."""
  names = {name: None for result in run.results.values() for name in result.metrics or {}}
  return tuple(name for name in names if name != run.fitness)


def _row(
  run: facts.Run, place: int, number: int, metrics: tuple[str, ...]
) -> tuple[page.Cell, ...]:
  result, timing = run.results.get(number), run.timings.get(number)
  candidate = run.candidates[number]
  parent = candidate.parent
  known = (result.metrics if result else None) or {}
  ranked = result is not None and result.fitness is not None
  order = result.finish_order if result else None
  links = list(_links(run, number))
  return (
    place if ranked else None,
    words.candidate(number),
    run.state_of(number),
    words.fitness(run, result.fitness if result else None),
    *(_rung(run, number) if run.climbs else ()),
    *(known.get(name) for name in metrics),
    result.params if result else None,
    result.multiply_adds if result else None,
    None if parent is None else page.Link(words.candidate(parent), f"#{_id(parent)}"),
    None if timing is None or timing.seconds is None else round(timing.seconds),
    None if order is None else order + 1,
    page.Links(links) if links else None,
    (result.reason if result else None) or "",
  )


def _rung(run: facts.Run, number: int) -> tuple[page.Cell, page.Cell]:
  """Returns the last rung below the whole training at which a candidate was judged, and how."""
  climb = run.climbs.get(number)
  if not climb or not climb.results:
    return None, None
  return climb.results[-1].rung, words.fitness(run, climb.results[-1].fitness)


def _links(run: facts.Run, number: int) -> Iterator[page.Link]:
  """Yields links to those files of a candidate that are there."""
  folder = run.candidate_folder(number)
  for name in _FILES:
    if os.path.exists(os.path.join(run.folder, folder, name)):
      yield page.Link(name.split(".")[0], f"{folder}/{name}")
  final = ("final", f"final/{words.candidate(number)}") if run.asked else ()
  if run.asked and number in run.asked.numbers:
    for place in final[::-1]:
      if os.path.exists(os.path.join(run.folder, place, "result.json")):
        yield page.Link("final", f"{place}/result.json")
        break

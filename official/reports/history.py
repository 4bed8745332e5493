"""A search, result by result, replayed from its records as its driver would replay them."""

from collections.abc import Mapping
import dataclasses
import statistics

from data_prep.common import cli
from official.runs.records import Candidate
from official.runs.records import Result
from official.runs.rung_records import Climb
from official.runs.rung_records import RungResult
from official.search.settings import SearchSettings
from official.search.state import SearchState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
  """The search after one more candidate had finished; in a search with rungs, the last rung.

  Attributes:
    number: The candidate's.
    fitness: Its fitness; None unless it is ok.
    best: Number of the best candidate by then, or None.
    best_fitness: Its fitness, or None.
    population: Numbers of those who could be parents then, in the order of finishing.
    mean: Their mean fitness, or None while there are none.
    front: With several objectives, numbers of those that no other dominated then.
    hypervolume: What they dominate; 0 with a single objective.
  """

  number: int
  fitness: float | None
  best: int | None
  best_fitness: float | None
  population: tuple[int, ...]
  mean: float | None
  front: tuple[int, ...] = ()
  hypervolume: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
  """All steps of a search, in the order of finishing, and the state after the last."""

  steps: tuple[Step, ...]
  state: SearchState | None


def replay(
  settings: SearchSettings,
  candidates: Mapping[int, Candidate],
  results: Mapping[int, Result],
  climbs: Mapping[int, Climb],
) -> History:
  """Returns the history; a result that does not say what the search needs of it is left out."""
  state = SearchState(settings)
  state.proposed = len(candidates)
  found: list[Result | RungResult] = list(results.values())
  for climb in climbs.values():
    found += climb.results
  steps: list[Step] = []
  for each in sorted(found, key=_order):
    try:
      if isinstance(each, RungResult):
        state.record_rung(each)
      else:
        state.record(each, candidates[each.number].tournament)
        steps.append(_step(state, each))
    except cli.UserError:
      continue
  return History(steps=tuple(steps), state=state)


def _order(result: Result | RungResult) -> tuple[int, int]:
  return (-1 if result.finish_order is None else result.finish_order, result.number)


def _step(state: SearchState, result: Result) -> Step:
  fitnesses = [member.fitness for member in state.population]
  return Step(
    number=result.number,
    fitness=result.fitness if result.status == "ok" else None,
    best=state.best.number if state.best else None,
    best_fitness=state.best.fitness if state.best else None,
    population=tuple(member.number for member in state.population),
    mean=statistics.fmean(fitnesses) if fitnesses else None,
    front=tuple(member.number for member in state.front.members),
    hypervolume=state.front.hypervolume(),
  )

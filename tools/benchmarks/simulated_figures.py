"""The figures of a simulated search."""

from collections.abc import Iterable
import dataclasses
import itertools
import math
import statistics

from official.runs import rung_records
from official.runs.run_directory import RunDirectory
from official.search import promotion
from tools.benchmarks.simulated_cluster import Try
from tools.benchmarks.simulated_search import Ran

_MOST = 0.95


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
  """What a search came to. "Supplied" is the time until the last new candidate is handed out, in
  which there is work for everybody; the drain comes after it.

  Attributes:
    hours: Until the last result.
    hours_to_most: Until 95 % of the candidates have ended.
    ideal_hours: The steps of all trainings, each done once, and nothing else, over the workers.
    busy: Share of the time of the workers that are there that is spent in tries, while supplied,
    busy_to_the_end: and with the drain.
    useful: Share of it in steps that counted, while supplied.
    an_hour: Candidates that ended in an hour, while supplied.
    lost: Tries that a signal or a storm ended.
    repeated: Steps that were done again, as a share of those that counted.
    given_up: Candidates that are infeasible because they were lost too often.
    generations: Mean number of ancestors of the last tenth of the candidates.
    best: Quality of the best candidate.
    trainings: Trainings to each rung; one number without rungs.
    right: Share of the promotions from each rung that are right in the end, of candidates among the
      best third of all that were judged there.
  """

  hours: float
  hours_to_most: float
  ideal_hours: float
  busy: float
  busy_to_the_end: float
  useful: float
  an_hour: float
  lost: int
  repeated: float
  given_up: int
  generations: float
  best: float
  trainings: tuple[int, ...]
  right: tuple[float, ...] = ()


def of(ran: Ran) -> Figures:
  """Returns the figures of a search that has ended."""
  cluster, run = ran.cluster, RunDirectory(ran.search.directory)
  tries, workers = cluster.tries, ran.search.conditions.workers
  supplied = max(cluster.handed_out.values())
  end = max(each.ended for each in tries)
  counted = sum(each.kept - each.saved for each in tries)
  results = [run.read_result(number) for number in range(run.count())]
  ends: dict[int, float] = {}
  for each in tries:
    ends[each.number] = max(each.ended, ends.get(each.number, 0.0))
  climbs = [rung_records.read_climb(run, number) for number in range(len(results))]
  return Figures(
    hours=end / 3600,
    hours_to_most=sorted(ends.values())[math.ceil(_MOST * len(ends)) - 1] / 3600,
    ideal_hours=counted / workers / 3600,
    busy=_spent(tries, supplied) / _there(ran, supplied),
    busy_to_the_end=_spent(tries, end) / _there(ran, end),
    useful=_counted(tries, supplied) / _there(ran, supplied),
    an_hour=3600 * sum(ended <= supplied for ended in ends.values()) / supplied,
    lost=sum(each.lost_to is not None for each in tries),
    repeated=sum(each.reached - each.kept for each in tries) / counted,
    given_up=sum((each and each.reason or "").startswith(("killed", "lost")) for each in results),
    generations=_generations(run),
    best=max(
      cluster.landscape.qualities[each.number] for each in results if each and each.status == "ok"
    ),
    trainings=_trainings(climbs, len(results)) if ran.search.rungs else (len(results),),
    right=_right(climbs) if ran.search.rungs else (),
  )


def _spent(tries: Iterable[Try], until: float) -> float:
  """Returns the worker seconds spent in tries."""
  return sum(min(each.ended, until) - min(each.started, until) for each in tries)


def _counted(tries: Iterable[Try], until: float) -> float:
  """Returns the worker seconds in steps that counted; those of a try are spread over its time."""
  return sum(
    (each.kept - each.saved) * (min(each.ended, until) - each.started) / (each.ended - each.started)
    for each in tries
    if each.started < min(until, each.ended)
  )


def _there(ran: Ran, until: float) -> float:
  """Returns the worker seconds in which workers were there."""
  away = sum(min(back, until) - min(since, until) for since, back in ran.cluster.away)
  return ran.search.conditions.workers * until - away


def _generations(run: RunDirectory) -> float:
  ancestors: list[int] = []
  for number in range(run.count()):
    parent = run.read_proposal(number).parent
    ancestors.append(0 if parent is None else ancestors[parent] + 1)
  return statistics.fmean(ancestors[-max(len(ancestors) // 10, 1) :])


def _trainings(climbs: Iterable[rung_records.Climb], candidates: int) -> tuple[int, ...]:
  promoted = [each.rung for climb in climbs for each in climb.promotions]
  return (candidates, *(promoted.count(rung) for rung in sorted(set(promoted))))


def _right(climbs: Iterable[rung_records.Climb]) -> tuple[float, ...]:
  judged: dict[int, list[tuple[float, int, bool]]] = {}
  for climb in climbs:
    for each, promoted in itertools.zip_longest(climb.results, climb.promotions):
      entry = (-each.fitness, each.finish_order, promoted is not None)
      judged.setdefault(each.rung, []).append(entry)
  shares = []
  for _, entries in sorted(judged.items()):
    best = sorted(entries)[: len(entries) // promotion.REDUCTION]
    promoted = sum(entry[2] for entry in entries)
    shares.append(sum(entry[2] for entry in best) / promoted if promoted else 1.0)
  return tuple(shares)

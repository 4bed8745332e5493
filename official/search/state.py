"""Everything that the next proposal depends on.

It is a function of the results in the order in which they came, so that a driver which starts again
rebuilds it from the files (`replay`) and continues as if it had never been away. It stays small
however long the search: architectures and weights are read from the parent's files when there is a
child to make.
"""

from collections.abc import Collection
import dataclasses
import re

from official.runs import fitness as fitness_lib
from official.runs import reading
from official.runs import rung_records
from official.runs.records import Result
from official.runs.records import Status
from official.runs.run_directory import RunDirectory
from official.runs.rung_records import RungResult
from official.search import folds
from official.search import objectives
from official.search import population as population_lib
from official.search import promotion
from official.search.front import Front
from official.search.known import Known
from official.search.population import Member
from official.search.population import Population
from official.search.settings import SearchSettings

_KIND_ENDS = re.compile("[:;]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failures:
  """Candidates that ended alike, and not ok.

  Attributes:
    status: How they ended.
    kind: The reason up to its first colon.
    count: How many they are.
    number: The last one.
    reason: Its whole reason.
  """

  status: Status
  kind: str
  count: int
  number: int
  reason: str


class SearchState:
  """The search so far.

  Attributes:
    known: Which architectures were proposed, as far as anybody asked.
    proposed: Candidates that have a candidate.json; also the number of the next one.
    finished: Candidates that have a result; in a search with rungs, that of the last.
    ladder: Who was judged at the rungs below the last, and who was promoted.
    next_order: The place of the next one in the order of finishing.
    population: Members, in the order of finishing.
    leaders: The best of all that ever finished, best first: those that keep their weights, will be
      confirmed, or will be trained to the end, whichever are most.
    front: Those of all that ever finished that no other dominates; empty with a single objective.
    by_status: How many finished ok, infeasible, failed.
    failures: Those that are not ok, by (status, kind).
  """

  def __init__(self, settings: SearchSettings):
    self._settings = settings
    self._effects = folds.Effects(settings.folds, settings.fold_rank)
    self.known = Known()
    self.proposed = 0
    self.finished = 0
    self.next_order = 0
    self.ladder = promotion.Ladder(len(settings.rung_steps))
    self.population: Population = ()
    self.leaders: tuple[Member, ...] = ()
    self.front = Front()
    self.by_status: dict[Status, int] = {"ok": 0, "infeasible": 0, "failed": 0}
    self.failures: dict[tuple[Status, str], Failures] = {}

  @property
  def best(self) -> Member | None:
    """The best of all that ever finished, None while nothing feasible has."""
    return self.leaders[0] if self.leaders else None

  @property
  def ready(self) -> bool:
    """Whether there can be children: enough have finished, and somebody can be a parent.

    With rungs, where few finish the last, the first that does can be a parent at once.
    """
    enough = 0 if self._settings.rungs else self._settings.population_size
    return self.finished >= enough and bool(self.population)

  @property
  def known_results(self) -> int:
    """Results that are known, those at rungs included."""
    return self.finished + sum(self.ladder.judged())

  @property
  def keeping_weights(self) -> frozenset[int]:
    """Numbers of the finished candidates that keep their weights: the best, and, where children
    begin with them, those of all who can be parents."""
    count = self._settings.keep_checkpoints
    ranked = {member.number: None for member in (*self.front.spread(count), *self.leaders)}
    parents = self.population if self._settings.inherits else ()
    return frozenset([*list(ranked)[:count], *(member.number for member in parents)])

  @property
  def finalists(self) -> tuple[Member, ...]:
    """Those to train to the end, the best first, unless a confirmation has its say."""
    count = self._settings.trained_to_the_end
    if self._settings.final == "front":
      return self.front.spread(count)
    if self._settings.final == "knee" and self.front.members:
      return (self.front.knee,)
    return self.leaders[:count]

  def may_be_trained_on(self, number: int, *, at_end: bool = False) -> bool:
    """Whether a candidate that rests at a rung needs its weights.

    Whoever may still be promoted does, until the end. If there are more rounds later, a promoted
    candidate without weights is trained from the start, and comes to the same; not so a child that
    began with weights of its parent's, which may be gone by then.
    """
    if self._settings.inherits:
      return self.ladder.place(number) is not None
    return not at_end and self.ladder.may_rise(number, self._candidates)

  def hopeless(self) -> list[int]:
    """Returns whom the last result at a rung took the hope of a promotion, if anybody."""
    return list(self.ladder.hopeless(self._candidates))

  @property
  def _candidates(self) -> int:
    return max(self._settings.candidates, self.proposed)

  def record(self, result: Result, tournament: Collection[int]) -> None:
    """Takes a result in.

    Args:
      result: What came of a candidate.
      tournament: Numbers of those in the tournament that the candidate came from.
    """
    age, self.next_order = self.next_order, self.next_order + 1
    self.finished += 1
    self.by_status[result.status] += 1
    if result.status != "ok" or result.fitness is None:
      self._count(result)
      return
    member = Member(
      number=result.number,
      fitness=result.fitness,
      loss=result.loss,
      age=age,
      costs=objectives.costs_of(result, self._settings.costs, f"candidate {result.number:06d}"),
    )
    self._effects.add(member)
    (member,) = self._effects.adjusted([member])
    self.population = population_lib.admit(
      self._effects.adjusted(self.population),
      member,
      size=self._settings.population_size,
      remove=self._settings.remove,
      remove_count=self._settings.remove_count,
      sampled=tournament,
    )
    if self._settings.costs:
      self.front = self.front.admit(member, self._settings.population_size)
    leaders = self._effects.adjusted(self.leaders)
    ranked = sorted((*leaders, member), key=lambda leader: leader.rank)
    self.leaders = tuple(ranked[: self._settings.leaders])

  def record_rung(self, result: RungResult) -> None:
    """Takes in a result at a rung below the last."""
    rank = fitness_lib.rank(result.fitness, result.loss, self.next_order)
    self.next_order += 1
    self.ladder.judge(result.number, result.rung, rank)

  def _count(self, result: Result) -> None:
    status, reason = result.status, result.reason or "no reason given"
    kind = _KIND_ENDS.split(reason, maxsplit=1)[0]
    count = self.failures[status, kind].count if (status, kind) in self.failures else 0
    self.failures[status, kind] = Failures(
      status=status, kind=kind, count=count + 1, number=result.number, reason=reason
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Found:
  """What the files of a candidate say that `replay` needs to know."""

  result: Result | None
  climb: rung_records.Climb

  @property
  def is_in_flight(self) -> bool:
    return self.result is None and not self.climb.rests


class Memory:
  """What was read of the candidates of a search that have finished, for whoever looks at it often.

  A result never changes while a driver is at work. Whoever deletes one, to have the candidate
  trained again, starts another driver, and then everything is read again.
  """

  def __init__(self) -> None:
    self._starts: object = None
    self._found: dict[int, _Found] = {}

  def of(self, run: RunDirectory) -> dict[int, _Found]:
    """Returns what is known of a search's candidates by number, to be added to."""
    starts = run.starts()
    if starts != self._starts:
      self._starts, self._found = starts, {}
    return self._found


def replay(
  run: RunDirectory, settings: SearchSettings, memory: Memory | None = None
) -> tuple[SearchState, list[int]]:
  """Returns the state after all results on disk, and the numbers of the candidates in flight.

  Args:
    run: Has the files.
    settings: How it is searched.
    memory: What an earlier call read; what has finished is not read again.
  """
  state = SearchState(settings)
  found = {} if memory is None else memory.of(run)
  state.proposed = run.count()
  missing = [number for number in range(state.proposed) if number not in found]
  now = {**found}
  for number, files in zip(missing, reading.each(lambda n: _read(run, settings, n), missing)):
    now[number] = files
    if files.result is not None:
      found[number] = files
  results: list[Result | RungResult] = []
  promotions: list[promotion.Step] = []
  for number in range(state.proposed):
    results += now[number].climb.results
    promotions += (
      promotion.Step(number=number, rung=each.rung) for each in now[number].climb.promotions
    )
    if (result := now[number].result) is not None:
      results.append(result)
  for each in sorted(results, key=_order):
    if isinstance(each, RungResult):
      state.record_rung(each)
      continue
    sampled = (
      run.read_proposal(each.number).tournament if settings.remove == "worst_sampled" else ()
    )
    state.record(each, sampled)
  for step in promotions:
    state.ladder.promote(step)
  if results:  # A result that somebody deleted, to have it trained again, leaves a gap.
    state.next_order = 1 + max(map(_order, results))
  return state, [number for number in range(state.proposed) if now[number].is_in_flight]


def _read(run: RunDirectory, settings: SearchSettings, number: int) -> _Found:
  result = run.read_finished(number)
  climb = rung_records.read_climb(run, number) if settings.rungs else rung_records.Climb()
  return _Found(result=None if result is None else _brief(result), climb=climb)


def _order(result: Result | RungResult) -> int:
  return -1 if result.finish_order is None else result.finish_order


def _brief(result: Result) -> Result:
  """Returns what `record` needs of a result: a hundred thousand whole ones would not fit into
  memory."""
  return Result(
    number=result.number,
    status=result.status,
    reason=result.reason,
    fitness=result.fitness,
    metrics={fitness_lib.LOSS: result.loss},
    params=result.params,
    multiply_adds=result.multiply_adds,
    latency_ms=result.latency_ms,
    finish_order=result.finish_order,
  )

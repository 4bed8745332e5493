"""Everything that the next proposal depends on.

It is a function of the results in the order in which they came, so that a driver which starts again
rebuilds it from the files (`replay`) and goes on as if it had never been away. It stays small
however long the search: architectures and weights are read from the parent's files when there is a
child to make.
"""

from collections.abc import Collection, Mapping
import re
from typing import Any

from official.runs import fitness as fitness_lib
from official.runs.run_directory import RunDirectory
from official.search import population as population_lib
from official.search.known import Known
from official.search.population import Member
from official.search.population import Population
from official.search.settings import SearchSettings

_KIND_ENDS = re.compile("[:;]")


class SearchState:
  """The search so far.

  Attributes:
    known: Which architectures were proposed, as far as anybody asked.
    proposed: Candidates that have a candidate.json; also the number of the next one.
    finished: Candidates that have a result.
    next_order: The place of the next one in the order of finishing.
    population: Members, in the order of finishing.
    leaders: The best of all that ever finished, best first: those that keep their weights or will
      be trained to the end, whichever are more.
    by_status: How many finished ok, infeasible, failed.
    failures: Of those that are not ok, for each (status, kind): status, kind (the reason up to its
      first colon), count, and the number and whole reason of the last.
  """

  def __init__(self, settings: SearchSettings):
    self._settings = settings
    self.known = Known()
    self.proposed = 0
    self.finished = 0
    self.next_order = 0
    self.population: Population = ()
    self.leaders: tuple[Member, ...] = ()
    self.by_status = {"ok": 0, "infeasible": 0, "failed": 0}
    self.failures: dict[tuple[str, str], dict[str, Any]] = {}

  @property
  def best(self) -> Member | None:
    """The best of all that ever finished, None while nothing feasible has."""
    return self.leaders[0] if self.leaders else None

  @property
  def ready(self) -> bool:
    """Whether there can be children: enough have finished, and somebody can be a parent."""
    return self.finished >= self._settings.population_size and bool(self.population)

  @property
  def keeping_weights(self) -> frozenset[int]:
    """Numbers of the finished candidates that keep their weights."""
    return frozenset(member.number for member in self.leaders[: self._settings.keep_checkpoints])

  def record(self, result: Mapping[str, Any], tournament: Collection[int]) -> None:
    """Takes a result in.

    Args:
      result: Content of result.json.
      tournament: Numbers of those in the tournament that the candidate came from.
    """
    age, self.next_order = self.next_order, self.next_order + 1
    self.finished += 1
    self.by_status[result["status"]] += 1
    if result["status"] != "ok":
      self._count(result)
      return
    member = Member(
      number=result["number"],
      fitness=result["fitness"],
      loss=fitness_lib.loss(result["metrics"]),
      age=age,
    )
    self.population = population_lib.admit(
      self.population,
      member,
      size=self._settings.population_size,
      remove=self._settings.remove,
      sampled=tournament,
    )
    ranked = sorted((*self.leaders, member), key=lambda leader: leader.rank)
    self.leaders = tuple(
      ranked[: max(self._settings.keep_checkpoints, self._settings.trained_to_the_end)]
    )

  def _count(self, result: Mapping[str, Any]) -> None:
    status, reason = result["status"], result["reason"] or "no reason given"
    kind = _KIND_ENDS.split(reason, maxsplit=1)[0]
    count = self.failures[status, kind]["count"] if (status, kind) in self.failures else 0
    self.failures[status, kind] = {
      "status": status,
      "kind": kind,
      "count": count + 1,
      "number": result["number"],
      "reason": reason,
    }


def replay(run: RunDirectory, settings: SearchSettings) -> tuple[SearchState, list[int]]:
  """Returns the state after all results on disk, and the numbers of the candidates in flight."""
  state = SearchState(settings)
  state.proposed = run.count()
  results, in_flight = [], []
  for number in range(state.proposed):
    result = run.read_finished(number)
    if result is None:
      in_flight.append(number)
    else:
      results.append(_facts(result))
  for result in sorted(results, key=lambda result: result["finish_order"]):
    sampled = (
      run.read_proposal(result["number"])["tournament"]
      if settings.remove == "worst_sampled"
      else ()
    )
    state.record(result, sampled)
  if results:  # A result that somebody deleted, to have it trained again, leaves a gap.
    state.next_order = 1 + max(result["finish_order"] for result in results)
  return state, in_flight


def _facts(result: Mapping[str, Any]) -> dict[str, Any]:
  """What `record` needs of a result: a hundred thousand whole ones would not fit into memory."""
  facts = {
    name: result.get(name) for name in ("number", "status", "reason", "finish_order", "fitness")
  }
  return {**facts, "metrics": {fitness_lib.LOSS: fitness_lib.loss(result.get("metrics"))}}

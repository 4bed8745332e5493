"""The population of possible parents: tournament, admission, removal.

A population is a tuple of members in the order in which they finished. `admit` puts a newcomer at
the end and, when there are more than `size`, lets one go, or several, one after the other:

    worst           the lowest fitness, the newcomer included (AssembleNet, ICLR 2020)
    worst_sampled   the lowest fitness of the tournament that the newcomer came from
                    (WO2020237168A1); of all, where nobody of that tournament is left or the
                    newcomer had no parent
    oldest          the one that finished first (regularised evolution, AAAI 2019)

Where members have costs (--objectives), the better is the one on the earlier front of the whole
population, then the one with more room around it (objectives.py), then that of lower loss, then the
older; `worst` then keeps what NSGA-II keeps.
"""

from collections.abc import Callable, Collection
import dataclasses

import numpy as np

from official.runs import fitness as fitness_lib
from official.search import objectives


@dataclasses.dataclass(frozen=True, kw_only=True)
class Member:
  """An evaluated candidate.

  Attributes:
    number: The candidate's.
    fitness: Larger is better; a number.
    loss: Validation loss, or None.
    age: Position in the order of finishing.
    costs: What else is minimised, where there are several objectives.
  """

  number: int
  fitness: float
  loss: float | None
  age: int
  costs: tuple[float, ...] = ()

  @property
  def rank(self) -> tuple[float, float, int]:
    """Sorts those of better fitness first."""
    return fitness_lib.rank(self.fitness, self.loss, self.age)

  @property
  def point(self) -> objectives.Point:
    """All objectives."""
    return objectives.point(self.fitness, self.costs)


Population = tuple[Member, ...]


def best(members: Collection[Member], population: Population = ()) -> Member:
  """Returns the best of some members; fronts are those of the population that they are from."""
  return min(members, key=_order(population or tuple(members)))


def worst(members: Collection[Member], population: Population = ()) -> Member:
  """Returns the worst of some members; fronts are those of the population that they are from."""
  return max(members, key=_order(population or tuple(members)))


def _order(population: Population) -> Callable[[Member], tuple[float, ...]]:
  """Returns a key that sorts the better members of a population first."""
  if not any(member.costs for member in population):
    return lambda member: member.rank
  by_loss = sorted(population, key=lambda member: member.rank[1:])
  ranks = objectives.ranks([member.point for member in by_loss])
  keys = {
    member.number: (*rank, *member.rank[1:]) for member, rank in zip(by_loss, ranks, strict=True)
  }
  return lambda member: keys[member.number]


def tournament(population: Population, size: int, rng: np.random.Generator) -> Population:
  """Draws `size` different members, or all when there are fewer."""
  drawn = rng.choice(len(population), size=min(size, len(population)), replace=False)
  return tuple(population[index] for index in sorted(drawn))


def admit(
  population: Population,
  newcomer: Member,
  *,
  size: int,
  remove: str,
  sampled: Collection[int] = (),
  remove_count: int = 1,
) -> Population:
  """Returns the population with the newcomer, some members shorter if it was full.

  Args:
    population: Members so far.
    newcomer: The candidate that finished.
    size: Members there can be.
    remove: `worst`, `worst_sampled` or `oldest`.
    sampled: Numbers of those in the tournament that the newcomer came from.
    remove_count: How many leave, one after the other; at most `size`.
  """
  grown = (*population, newcomer)
  if len(grown) <= size:
    return grown
  for _ in range(remove_count):
    leaving = _leaving(grown, remove, sampled)
    grown = tuple(member for member in grown if member != leaving)
  return grown


def _leaving(members: Population, remove: str, sampled: Collection[int]) -> Member:
  if remove == "oldest":
    return members[0]
  if remove == "worst_sampled":
    sample = [member for member in members if member.number in sampled]
    return worst(sample or members, members)
  return worst(members)

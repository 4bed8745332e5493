"""The Pareto front of a search: the finished candidates that no other dominates.

It is kept of all that ever finished, not of the population alone, so that nothing good is lost when
a member leaves.
"""

import dataclasses

from official.search import objectives
from official.search.population import Member


@dataclasses.dataclass(frozen=True, kw_only=True)
class Front:
  """The front of all feasible candidates so far.

  Attributes:
    members: Those that nobody dominates, of best fitness first.
    reference: The worst of each objective among the first feasible candidates, for the hypervolume.
    counted: Number of candidates that `reference` is made from.
  """

  members: tuple[Member, ...] = ()
  reference: objectives.Point | None = None
  counted: int = 0

  def admit(self, member: Member, first: int) -> "Front":
    """Returns the front with a candidate that has finished.

    Args:
      member: The candidate, with its costs.
      first: Candidates that the reference is made from.
    """
    reference, counted = self.reference, self.counted
    if counted < first:
      reference = tuple(map(max, reference or member.point, member.point))
      counted += 1
    if any(objectives.dominates(each.point, member.point) for each in self.members):
      return Front(members=self.members, reference=reference, counted=counted)
    left = [each for each in self.members if not objectives.dominates(member.point, each.point)]
    grown = tuple(sorted((*left, member), key=lambda each: each.rank))
    return Front(members=grown, reference=reference, counted=counted)

  def spread(self, count: int) -> tuple[Member, ...]:
    """Returns at most so many members, far apart and of best fitness first."""
    kept = objectives.spread([each.point for each in self.members], count)
    return tuple(self.members[index] for index in kept)

  @property
  def knee(self) -> Member:
    """The member beyond which either objective costs most of the other."""
    return self.members[objectives.knee([each.point for each in self.members])]

  def hypervolume(self) -> float:
    """Returns the volume between the front and the reference, costs by their logarithm."""
    points = [each.point for each in self.members]
    return 0.0 if self.reference is None else objectives.hypervolume(points, self.reference)

"""Candidates that are judged on different folds, and how they are compared.

With `--folds=k` candidate i learns from all clips of train and validation but those of fold i mod k
(official/inputs/folds.py), and is judged by these. Every clip has its say in the search, and no
candidate can win by suiting one small validation split; but folds are not equally hard.
`--fold_rank` says what becomes of that:

    within   fitness - effect of its fold: n / (n + 2) times the mean fitness of the n candidates of
             the fold, less the mean over the folds (the default)
    all      fitness as it is

Candidates come to folds in turn, so that none has earlier or better candidates than another, and
the difference of the means is that of the folds; the factor keeps the first few candidates of a
fold from being taken for its difficulty. The effects follow from the results in the order in which
they came. They change with every result, and with them all fitnesses that are compared.
"""

from collections.abc import Iterable
import dataclasses
import math

from official.search.population import Member

RANKS = ("within", "all")
_DOUBT = 2  # Candidates' worth of belief that folds are equally hard.


class Effects:
  """What folds add to the fitness of their candidates, as far as is known.

  A search without folds, or with --fold_rank=all, has none.
  """

  def __init__(self, folds: int | None, rank: str):
    self._folds = folds if folds and rank == "within" else None
    self._fitnesses: dict[int, list[float]] = {}
    self._raw: dict[int, float] = {}

  def add(self, member: Member) -> None:
    """Takes note of the fitness that a candidate reached."""
    if self._folds:
      self._raw[member.number] = member.fitness
      self._fitnesses.setdefault(member.number % self._folds, []).append(member.fitness)

  def adjusted(self, members: Iterable[Member]) -> tuple[Member, ...]:
    """Returns members whose fitness is compared, without the effects of their folds."""
    if not self._folds:
      return tuple(members)
    effects = self._effects()
    return tuple(
      dataclasses.replace(
        member, fitness=self._raw[member.number] - effects[member.number % self._folds]
      )
      for member in members
    )

  def _effects(self) -> dict[int, float]:
    means = {fold: math.fsum(values) / len(values) for fold, values in self._fitnesses.items()}
    middle = math.fsum(means.values()) / len(means)
    return {
      fold: (mean - middle) * len(self._fitnesses[fold]) / (len(self._fitnesses[fold]) + _DOUBT)
      for fold, mean in means.items()
    }


def record(folds: int | None, number: int) -> dict[str, object]:
  """Returns what candidate.json says of the fold of candidate `number`; nothing without folds."""
  return {"fold": number % folds} if folds else {}

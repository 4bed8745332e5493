"""Guidances: which of a trained parent's connections its children keep.

A guidance is one function from the facts of a parent to a `Selection`, in a file of its own, and
has an entry in GUIDANCES. One from outside the tree (official/runs/extensions.py) is registered:

    @guidance.register("everything", reads=["weights"])
    def everything(facts, settings, rng):
      return guidance.Selection(kept=facts.architecture.connections, scores=facts.weights)

What a guidance reads of a trained parent is declared, because some facts cost time: sensitivities
are measured after a training only if they are read.

connection_weights  keeps what the parent's training made strong (the published rule)
facts               what a guidance is given, and what it returns
random_fraction     keeps two thirds, at random (the baseline `random`)
sensitivity         keeps what the trained parent would miss, or what it would not
"""

from collections.abc import Callable, Iterable
import dataclasses

import numpy as np

from data_prep.common import lookup
from official.architecture.guidance import connection_weights
from official.architecture.guidance import random_fraction
from official.architecture.guidance import sensitivity
from official.architecture.guidance.facts import MEASURED
from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings

Guidance = Callable[[Facts, Settings, np.random.Generator], Selection]


@dataclasses.dataclass(frozen=True)
class Registered:
  """A guidance and what it reads; called like the guidance.

  Attributes:
    select: The guidance.
    reads: Names of the facts about a trained parent that it reads, of MEASURED.
  """

  select: Guidance
  reads: tuple[str, ...] = MEASURED

  def __post_init__(self) -> None:
    for name in self.reads:
      if name not in MEASURED:
        raise ValueError(
          f"a guidance cannot read {name!r}; the facts that are measured are {', '.join(MEASURED)}"
        )

  def __call__(self, facts: Facts, settings: Settings, rng: np.random.Generator) -> Selection:
    return self.select(facts, settings, rng)


GUIDANCES: dict[str, Registered] = {
  "connection_weights": Registered(connection_weights.select, ("weights",)),
  "random": Registered(random_fraction.select, ()),
  "sensitivity": Registered(sensitivity.select, ("sensitivities",)),
}


def register(name: str, reads: Iterable[str] = MEASURED) -> Callable[[Guidance], Guidance]:
  """Returns a decorator that makes a guidance known by its name, which must be new.

  Args:
    name: The name.
    reads: Names of the facts about a trained parent that the guidance reads: those attributes of
      `Facts` that are in MEASURED. The others are not measured for it. By default, all are.
  """

  def enter(guidance: Guidance) -> Guidance:
    lookup.add(GUIDANCES, name, Registered(guidance, tuple(reads)), "guidance")
    return guidance

  return enter


def names() -> tuple[str, ...]:
  """Returns the names of all guidances, sorted."""
  return tuple(sorted(GUIDANCES))


def get(name: str) -> Registered:
  """Returns the guidance of that name; ValueError lists the known ones."""
  return lookup.get(GUIDANCES, name, "guidance", "guidances")

"""Guidances: which of a trained parent's connections its children keep.

A guidance is one function from the facts of a parent to a `Selection`, in a file of its own, and
has an entry in GUIDANCES. One from outside the tree (official/runs/extensions.py) is registered:

    @guidance.register("everything")
    def everything(facts, settings, rng):
      return guidance.Selection(kept=facts.architecture.connections, scores=facts.weights)

connection_weights  keeps what the parent's training made strong (the published rule)
facts               what a guidance is given, and what it returns
random_fraction     keeps two thirds, at random (the baseline `random`)
sensitivity         keeps what the trained parent would miss, or what it would not
"""

from collections.abc import Callable

import numpy as np

from data_prep.common import lookup
from official.architecture.guidance import connection_weights
from official.architecture.guidance import random_fraction
from official.architecture.guidance import sensitivity
from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings

Guidance = Callable[[Facts, Settings, np.random.Generator], Selection]

GUIDANCES: dict[str, Guidance] = {
  "connection_weights": connection_weights.select,
  "random": random_fraction.select,
  "sensitivity": sensitivity.select,
}


def register(name: str) -> Callable[[Guidance], Guidance]:
  """Returns a decorator that makes a guidance known by its name, which must be new."""

  def enter(guidance: Guidance) -> Guidance:
    return lookup.add(GUIDANCES, name, guidance, "guidance")

  return enter


def names() -> tuple[str, ...]:
  """Returns the names of all guidances, sorted."""
  return tuple(sorted(GUIDANCES))


def get(name: str) -> Guidance:
  """Returns the guidance of that name; ValueError lists the known ones."""
  return lookup.get(GUIDANCES, name, "guidance", "guidances")

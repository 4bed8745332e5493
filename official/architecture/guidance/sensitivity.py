"""Guidance by sensitivity: children keep the connections that a trained parent would miss.

The sensitivity of a connection estimates how much the loss changes when it is cut: the gradient of
the loss with respect to a gate of 1 on the connection, root mean square over batches of validation
clips (official.training.connection_sensitivity). A connection weight says what the network was
given through a connection; the sensitivity says what it made of it.

A share of all connections goes, as many as in the guidance `random`, among those that may go:

  weakest    those that the parent would miss least (the default)
  strongest  those that it leans on most: the control, which tells whether it matters which go, and
             the way to children that must find another way

Scores rise with the wish to keep a connection, so that a repair undoes as little of the choice as
it can: they are the sensitivities where the weakest go, and the negative of them where the
strongest go.
"""

import numpy as np

from official.architecture.guidance.facts import STRONGEST
from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings
from official.architecture.guidance.facts import without_lowest


def select(facts: Facts, settings: Settings, rng: np.random.Generator) -> Selection:
  """Drops `prune_fraction` of all connections, the weakest or strongest that may be dropped."""
  del rng
  sensitivities = facts.complete("sensitivities")
  sign = -1.0 if settings.sensitivity_drop == STRONGEST else 1.0
  scores = {connection: sign * value for connection, value in sensitivities.items()}
  return Selection(kept=without_lowest(facts, scores, settings.prune_fraction), scores=scores)

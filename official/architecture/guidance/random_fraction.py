"""The baseline without guidance: a third of the connections is changed at random.

Every connection draws a score from U[0, 1) and those with the lowest scores are dropped, roughly as
many as the published rule changes. The results of the parent's training are ignored.
(AssembleNet, ICLR 2020, "standard evolution".)
"""

import numpy as np

from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings
from official.architecture.guidance.facts import without_lowest


def select(facts: Facts, settings: Settings, rng: np.random.Generator) -> Selection:
  """Drops `prune_fraction` of all connections, drawn among those that may be dropped."""
  connections = facts.architecture.connections
  scores = dict(zip(connections, rng.random(len(connections)).tolist()))
  return Selection(kept=without_lowest(facts, scores, settings.prune_fraction), scores=scores)

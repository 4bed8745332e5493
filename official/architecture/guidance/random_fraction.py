"""No guidance, the baseline: a third of the connections is changed at random.

Every connection draws a score from U[0, 1) and the lowest go, as many as the published rule
changes, roughly. What the parent's training found is not looked at. (AssembleNet, ICLR 2020,
"standard evolution".)
"""

import numpy as np

from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings
from official.architecture.guidance.facts import without_lowest


def select(facts: Facts, settings: Settings, rng: np.random.Generator) -> Selection:
  """Drops `prune_fraction` of all connections, drawn among those that may go."""
  connections = facts.architecture.connections
  scores = dict(zip(connections, rng.random(len(connections)).tolist()))
  return Selection(kept=without_lowest(facts, scores, settings.prune_fraction), scores=scores)

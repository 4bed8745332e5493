"""No guidance, the baseline: a third of the connections is changed at random.

Every connection draws a score from U[0, 1) and the lowest go, as many as the published rule
changes, roughly. What the parent's training found is not looked at. (AssembleNet, ICLR 2020,
"standard evolution".)
"""

import numpy as np

from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings


def select(facts: Facts, settings: Settings, rng: np.random.Generator) -> Selection:
  """Drops `prune_fraction` of all connections, drawn among those that may go."""
  connections = facts.architecture.connections
  scores = dict(zip(connections, rng.random(len(connections)).tolist()))
  ranked = sorted(facts.prunable(), key=lambda connection: scores[connection])
  dropped = set(ranked[:round(settings.prune_fraction * len(connections))])
  return Selection(kept=tuple(c for c in connections if c not in dropped), scores=scores)

"""Guidance by connection weights: children keep what the parent's training made strong.

A connection stays if its weight after the sigmoid exceeds B, where B is a constant (0.5) or is
drawn from U[0, 1), or a part of it, for every connection. (AssembleNet, ICLR 2020, eq. 2;
WO2020237168A1, claims 9-12.)
"""

import numpy as np

from official.architecture.guidance.facts import Facts
from official.architecture.guidance.facts import Selection
from official.architecture.guidance.facts import Settings
from official.architecture.guidance.facts import threshold_bounds


def select(facts: Facts, settings: Settings, rng: np.random.Generator) -> Selection:
  """Keeps the connections whose weight exceeds its threshold."""
  weights = facts.complete("weights")
  low, high = threshold_bounds(settings.weight_threshold)
  if low < high:
    drawn = (low + (high - low) * rng.random(len(weights))).tolist()
  else:
    drawn = [float(low)] * len(weights)
  thresholds = dict(zip(weights, drawn))
  kept = tuple(connection for connection in weights if weights[connection] > thresholds[connection])
  return Selection(kept=kept, scores=weights, thresholds=thresholds)

"""Trainings that are made up: what they return, and the files that they leave.

The landscape is the simplest in which evolution can get somewhere. A random candidate's quality is
normal, 0.4 +- 0.05; a child's is its parent's +- 0.02. What is measured is the quality and noise:
+- 0.01 after the whole training, and more at a rung, where little was trained (+- 0.05 after no
step). It stands for no data; figures that depend on it say so.
"""

from collections.abc import Mapping
import math
import os
from typing import Any

import numpy as np

from official.runs import json_files

STEPS = 200  # Of a whole training.
INFEASIBLE = {"status": "infeasible", "reason": "the loss is not a number at step 3"}
_CHECKPOINT = ("checkpoint", "ckpt-40.index", "ckpt-40.data-00000-of-00001")
_QUALITY, _MEASURED = range(2)  # What is drawn.


class Landscape:
  """The quality of every candidate.

  Attributes:
    qualities: By number.
  """

  def __init__(self, seed: int):
    self.qualities: dict[int, float] = {}
    self._seed = seed

  def settle(self, candidate: Mapping[str, Any]) -> None:
    """Decides how good a candidate is; its parent comes first."""
    number, parent = candidate["number"], candidate["parent"]
    if number in self.qualities:
      return
    rng = np.random.default_rng([self._seed, number, _QUALITY])
    drawn = rng.normal(0.4, 0.05) if parent is None else rng.normal(self.qualities[parent], 0.02)
    self.qualities[number] = float(np.clip(drawn, 0, 1))

  def trained(self, candidate: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the result of a candidate's training, up to a rung or whole."""
    number, part = candidate["number"], share(candidate)
    rng = np.random.default_rng([self._seed, number, _MEASURED, round(part * STEPS)])
    noise = rng.normal(0.0, math.hypot(0.01, 0.05 * math.sqrt(1 - part)))
    accuracy = float(np.clip(self.qualities[number] + noise, 0, 1))
    connections = candidate["architecture"]["connections"]
    return {
      "status": "ok",
      "reason": None,
      "metrics": {
        "accuracy": accuracy,
        "top5_accuracy": (1 + accuracy) / 2,
        "loss": 2 * (1 - accuracy),
      },
      "connection_weights": [{**each, "start": 0.5, "end": rng.random()} for each in connections],
      "params": int(rng.integers(100_000, 1_000_000)),
      "multiply_adds": int(rng.integers(10**7, 10**9)),
      "sensitivities": [{**each, "value": rng.exponential()} for each in connections],
      "timing": {"seconds": 600.0},
    }


def share(candidate: Mapping[str, Any]) -> float:
  """Returns the share of a whole training that is asked for."""
  return candidate.get("stop_at", STEPS) / STEPS


def leave_progress(directory: str) -> None:
  """Writes what a training says of itself while it runs."""
  progress = {"phase": "training", "step": 1, "steps": STEPS}
  json_files.write_json(os.path.join(directory, "progress.json"), progress)


def leave_checkpoint(directory: str) -> None:
  """Leaves the files of a checkpoint, which are empty."""
  training = os.path.join(directory, "training")
  os.makedirs(training, exist_ok=True)
  for name in _CHECKPOINT:
    with open(os.path.join(training, name), "wb"):
      pass

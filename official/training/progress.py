"""What a training is doing, in a file that others may read at any time.

`progress.json` holds `{"phase", "step", "steps"}`; phases are starting, preparing, building,
tracing, training, evaluating, measuring sensitivity. It is replaced whole. It says how far
something is, never what came out of it.
"""

import json
import os

FILE = "progress.json"


class Progress:
  """Writes `progress.json` in a folder."""

  def __init__(self, directory: str):
    self._path = os.path.join(directory, FILE)

  def __call__(self, phase: str, step: int = 0, steps: int = 0) -> None:
    temporary = self._path + ".tmp"
    with open(temporary, "w", encoding="utf-8") as file:
      json.dump({"phase": phase, "step": int(step), "steps": int(steps)}, file)
    os.replace(temporary, self._path)

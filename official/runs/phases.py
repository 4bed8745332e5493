"""What a training is doing at the moment, in words for people.

    training step 40/200, loss 1.23, accuracy 0.41
    tracing (TensorFlow builds its graph, once; no step yet)

Loss and metrics are means over the training batches since the last report.
"""

from collections.abc import Mapping
from typing import Protocol

_SHOWN = 2  # metrics
_EXPLAINED = {"tracing": "tracing (TensorFlow builds its graph, once; no step yet)"}


class Doing(Protocol):
  """The fields of records.Progress."""

  @property
  def phase(self) -> str: ...

  @property
  def step(self) -> int: ...

  @property
  def steps(self) -> int: ...

  @property
  def metrics(self) -> Mapping[str, float]: ...


def text(doing: Doing) -> str:
  """Returns the phase, the step where steps are made, and what is measured there."""
  name = doing.phase
  if name == "training" and doing.steps:
    shown = [f"{key} {value:.3g}" for key, value in list(doing.metrics.items())[:_SHOWN]]
    return ", ".join([f"training step {doing.step}/{doing.steps}", *shown])
  if name == "preparing" and doing.steps:
    return f"preparing {doing.step}/{doing.steps}"
  return _EXPLAINED.get(name, name)

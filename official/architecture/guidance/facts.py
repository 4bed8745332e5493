"""The arguments and the result of a guidance."""

from collections.abc import Mapping
import dataclasses
import math

from official.architecture.architecture import Architecture
from official.architecture.architecture import Connection

UNIFORM = "uniform"
WEAKEST = "weakest"
STRONGEST = "strongest"
SENSITIVITY_DROPS = (WEAKEST, STRONGEST)
MEASURED = ("weights", "sensitivities")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
  """The facts about a parent that are known after its training.

  Attributes:
    architecture: The parent's architecture.
    weights: Connection weight of every connection at the end of training, after the sigmoid.
    sensitivities: What cutting a connection would cost, where the guidance reads it.
  """

  architecture: Architecture
  weights: Mapping[Connection, float]
  sensitivities: Mapping[Connection, float] = dataclasses.field(default_factory=dict)

  def prunable(self) -> tuple[Connection, ...]:
    """Connections that may be dropped, sorted: a block's only input may not."""
    return tuple(
      connection
      for connection in self.architecture.connections
      if len(self.architecture.inputs(connection.target)) > 1
    )

  def complete(self, name: str) -> dict[Connection, float]:
    """Returns the fact of that name for every connection, sorted; ValueError if one is missing."""
    values = getattr(self, name)
    if not values and self.architecture.connections:
      raise ValueError(
        f"{name} of the parent's connections were not measured; register the guidance with "
        f"reads=[{name!r}]"
      )
    for connection in self.architecture.connections:
      if not math.isfinite(values.get(connection, math.nan)):
        raise ValueError(
          f"{name} of connection {connection} is {values.get(connection)}; "
          "every connection of the parent needs a finite one"
        )
    return {connection: float(values[connection]) for connection in self.architecture.connections}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """The settings of a guidance.

  Attributes:
    weight_threshold: A connection weight above it is strong; "uniform" draws one from [0, 1) for
      every connection, and "uniform:LOW:HIGH" from [LOW, HIGH).
    prune_fraction: Share of a parent's connections that is dropped, if there is no threshold.
    sensitivity_drop: The connections that sensitivity drops: the "weakest" or the "strongest".
  """

  weight_threshold: float | str = 0.5
  prune_fraction: float = 1 / 3
  sensitivity_drop: str = WEAKEST

  def __post_init__(self) -> None:
    threshold_bounds(self.weight_threshold)
    if not 0 <= self.prune_fraction <= 1:
      raise ValueError(f"prune_fraction is {self.prune_fraction!r}; it is a number from 0 to 1")
    if self.sensitivity_drop not in SENSITIVITY_DROPS:
      raise ValueError(
        f"sensitivity_drop is {self.sensitivity_drop!r}; it is {WEAKEST!r} or {STRONGEST!r}"
      )


def threshold_bounds(threshold: float | str) -> tuple[float, float]:
  """Returns the least and the largest threshold of connections; equal ones if it is constant.

  >>> threshold_bounds(0.5), threshold_bounds("uniform"), threshold_bounds("uniform:0.2:0.8")
  ((0.5, 0.5), (0.0, 1.0), (0.2, 0.8))

  Raises:
    ValueError: It is no threshold.
  """
  if isinstance(threshold, str):
    name, *numbers = threshold.split(":")
    try:
      low, high = (float(number) for number in numbers or (0, 1))
    except ValueError:
      low = high = math.nan
    valid = name == UNIFORM and 0 <= low < high <= 1
  else:
    low = high = threshold
    valid = 0 <= threshold <= 1
  if not valid:
    raise ValueError(
      f"weight_threshold is {threshold!r}; it is a number from 0 to 1, {UNIFORM!r}, or "
      f"'{UNIFORM}:LOW:HIGH' with 0 <= LOW < HIGH <= 1"
    )
  return low, high


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selection:
  """The decision of a guidance. Connections that may not be pruned are kept in any case.

  Attributes:
    kept: Connections that the children keep, sorted.
    scores: A number for every connection of the parent; where a block must get a pruned connection
      back, it is the one with the highest.
    thresholds: What each score was held against, where scores are held against thresholds.
  """

  kept: tuple[Connection, ...]
  scores: Mapping[Connection, float]
  thresholds: Mapping[Connection, float] = dataclasses.field(default_factory=dict)


def without_lowest(
  facts: Facts, scores: Mapping[Connection, float], fraction: float
) -> tuple[Connection, ...]:
  """Returns, sorted, the connections that remain when a fraction of all of them is dropped.

  Among those that may be dropped, the ones with the lowest scores are; ties go by name.
  """
  ranked = sorted(facts.prunable(), key=lambda connection: (scores[connection], connection))
  connections = facts.architecture.connections
  dropped = set(ranked[: round(fraction * len(connections))])
  return tuple(connection for connection in connections if connection not in dropped)

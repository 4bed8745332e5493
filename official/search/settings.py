"""The numbers of a search, checked before anything is made.

Field names are flag names, so that a message can name the flag. They fall in two: those that decide
*what* is found (identity: a run directory belongs to one value of each, for good) and those that
say how the work is done (operation: more rounds or more workers may be asked for when a search goes
on).
"""

import dataclasses
import math

from data_prep import cli
from official.architecture import guidance as guidance_lib
from official.search import fitness as fitness_lib

ALGORITHMS = ("evolution", "random_search")
REMOVALS = ("worst", "worst_sampled", "oldest")
GUIDANCE = tuple(sorted(guidance_lib.GUIDANCES))
FITNESS = tuple(fitness_lib.FUNCTIONS)
UNIFORM = "uniform"
_OPERATION = ("rounds", "workers", "keep_checkpoints")
_LEAST = {"population_size": 1, "tournament_size": 1, "rounds": 0, "max_operators": 0, "seed": 0,
          "workers": 1, "keep_checkpoints": 0}
_CHOICES = {"remove": REMOVALS, "fitness": FITNESS, "algorithm": ALGORITHMS, "guidance": GUIDANCE}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
  """How a search proceeds.

  Attributes:
    population_size: Candidates that can become parents; as many random ones must finish before the
      first child.
    tournament_size: Members drawn for a tournament; the best of them is the parent.
    rounds: Candidates after the first `population_size`.
    remove: Who leaves when the population is full: its worst, the worst of the tournament's sample,
      or the oldest.
    fitness: What is maximised, see fitness.py.
    algorithm: `evolution`, or `random_search`, in which no candidate has a parent.
    guidance: How a child chooses among its parent's connections.
    weight_threshold: Connections above it are kept, or "uniform": a threshold from U(0, 1) for
      each.
    max_operators: Splits, merges and changes of dilation for a child: 0 to this many.
    seed: Of everything random; candidate n depends on (seed, n) and on what was known when it was
      proposed.
    workers: Candidates trained at a time.
    keep_checkpoints: Candidates, the best ones, that keep their weights.
  """

  population_size: int = 20
  tournament_size: int = 5
  rounds: int = 200
  remove: str = "worst"
  fitness: str = "accuracy"
  algorithm: str = "evolution"
  guidance: str = "connection_weights"
  weight_threshold: float | str = 0.5
  max_operators: int = 4
  seed: int = 0
  workers: int = 1
  keep_checkpoints: int = 5

  def __post_init__(self):
    for name, least in _LEAST.items():
      at_least(name, getattr(self, name), least)
    for name, choices in _CHOICES.items():
      one_of(name, getattr(self, name), choices)
    if self.tournament_size > self.population_size:
      raise cli.UserError(
          f"--tournament_size={self.tournament_size} is above "
          f"--population_size={self.population_size}; "
          "a tournament is drawn from the population, so give at most its size")
    threshold = self.weight_threshold
    if threshold != UNIFORM and not (isinstance(threshold, float) and 0 <= threshold <= 1):
      raise cli.UserError(
          f"--weight_threshold={threshold} is neither a number from 0 to 1 nor {UNIFORM!r}")

  @property
  def candidates(self) -> int:
    """Candidates in all."""
    return self.population_size + self.rounds

  def identity(self) -> dict:
    """Values, by flag, that a run directory keeps for good."""
    values = dataclasses.asdict(self)
    return {name: value for name, value in values.items() if name not in _OPERATION}

  def operation(self) -> dict:
    """Values, by flag, that may change when a search goes on."""
    return {name: getattr(self, name) for name in _OPERATION}


def threshold(text: str) -> float | str:
  """Returns the value of --weight_threshold."""
  try:
    return text if text == UNIFORM else float(text)
  except ValueError:
    return text  # SearchSettings refuses it, with the choices.


def at_least(flag: str, value: float, least: float, *, exclusive: bool = False) -> None:
  """Raises UserError unless `value` is finite and at least (if `exclusive`, above) `least`."""
  if not math.isfinite(value) or value < least or (exclusive and value == least):
    bound = f"above {least}" if exclusive else f"of at least {least}"
    raise cli.UserError(f"--{flag}={value} is out of range; give a number {bound}")


def one_of(flag: str, value: str, choices: tuple[str, ...]) -> None:
  """Raises UserError unless `value` is one of the choices."""
  if value not in choices:
    raise cli.UserError(f"--{flag}={value} is unknown; it is one of {', '.join(choices)}")

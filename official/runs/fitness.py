"""The fitness: one number from the metrics, and the order of candidates.

Which metrics make up a fitness, and in which direction, a task says (official.tasks). Fitness is
larger for the better, so that a loss counts negatively. Of two candidates of equal fitness the one
of lower loss is better, then the one that finished first. A candidate whose fitness is not a number
is infeasible. People are shown a loss as it is, positive (`text`, `shown`), and give it so
(`target`).
"""

from collections.abc import Mapping
import math

from data_prep.common import cli
from data_prep.dataset import metadata
from official.tasks import contract
from official.tasks import registry

DEFAULT = registry.DEFAULT.default_fitness.name
LOSS = contract.LOSS.name  # The metric that decides between equals.
names = registry.fitness_names


def check(
  name: str, info: metadata.DatasetInfo, data_dir: str, spec: contract.Spec | None = None
) -> None:
  """Raises UserError where a task, by default that of the dataset, does not have a fitness."""
  asked, spec = spec, spec or registry.of(info)
  there = [one.name for one in spec.fitness]
  if name not in there:
    what = f"{data_dir} has {spec.target}"
    if asked and asked != registry.of(info):
      what = f"the task is {spec.name}"
    raise cli.UserError(
      f"{what}, for which there is no {name}; choose --fitness={' or '.join(there)}"
    )


def requested(name: str) -> str:
  """Returns the metrics, separated by commas, that are measured only because a fitness asks."""
  return ",".join(metric.name for metric in registry.fitness(name).metrics if metric.on_request)


def compute(name: str, metrics: Mapping[str, float | None]) -> float:
  """Returns the fitness, NaN where a metric that it needs is NaN or null.

  Raises:
    KeyError: A metric is missing altogether, which is a fault of the evaluator and not of the
      candidate.
  """
  numbers = {key: math.nan if value is None else float(value) for key, value in metrics.items()}
  return registry.fitness(name).compute(numbers)


def loss(metrics: Mapping[str, float | None] | None) -> float | None:
  """Returns the loss that is among metrics, None where there is none."""
  return (metrics or {}).get(LOSS)


def higher_is_better(name: str) -> bool:
  """Returns whether people are shown the fitness as it is; otherwise, its negative."""
  return registry.fitness(name).higher_is_better


def shown(name: str, fitness: float) -> float:
  """Returns a fitness, or a mean of some, as people know it: a loss is positive."""
  return fitness if higher_is_better(name) else 0.0 - fitness


def text(name: str, fitness: float) -> str:
  """Returns name and number for people: `accuracy 0.9375`, `loss 0.2564`."""
  return f"{name} {number(name, fitness)}"


def number(name: str, fitness: float) -> str:
  """Returns the number alone for people: `0.9375`, or of a loss `0.2564`."""
  return format(shown(name, fitness), registry.fitness(name).format)


def target(name: str, number: float) -> float:
  """Returns the fitness that --target_fitness asks for; a loss may be given with either sign."""
  return number if higher_is_better(name) else -abs(number)


def rank(fitness: float, loss: float | None, age: int) -> tuple[float, float, int]:
  """Returns a key that sorts the better first.

  Args:
    fitness: A number, not NaN.
    loss: Validation loss; unknown or NaN counts as the worst.
    age: Position in the order of finishing.
  """
  return (-fitness, math.inf if loss is None or math.isnan(loss) else loss, age)

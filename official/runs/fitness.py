"""Metrics to one number, and who is better than whom.

Fitness is larger for the better, so that a loss counts negatively. Of two candidates of equal
fitness the one of lower loss is better, then the one that finished first. A candidate whose fitness
is not a number is infeasible. People are shown a loss as it is, positive (`text`, `shown`), and
give it so (`target`).
"""

from collections.abc import Callable, Mapping
import math

FUNCTIONS: dict[str, Callable[[Mapping[str, float]], float]] = {
  "accuracy": lambda metrics: metrics["accuracy"],
  "top1_plus_top5": lambda metrics: metrics["accuracy"] + metrics["top5_accuracy"],
  "loss": lambda metrics: -metrics["loss"],
  "mean_average_precision": lambda metrics: metrics["mean_average_precision"],
}


def compute(name: str, metrics: Mapping[str, float]) -> float:
  """Returns the fitness, NaN where a metric that it needs is NaN or null.

  Raises:
    KeyError: A metric is missing altogether, which is a fault of the evaluator and not of the
      candidate.
  """
  numbers = {key: math.nan if value is None else float(value) for key, value in metrics.items()}
  return FUNCTIONS[name](numbers)


def shown(name: str, fitness: float) -> float:
  """Returns a fitness, or a mean of some, as people know it: a loss is positive."""
  return 0.0 - fitness if name == "loss" else fitness


def text(name: str, fitness: float) -> str:
  """Returns name and number for people: `accuracy 0.9375`, `loss 0.2564`."""
  return f"{name} {shown(name, fitness):.4f}"


def target(name: str, number: float) -> float:
  """Returns the fitness that --target_fitness asks for; a loss may be given with either sign."""
  return -abs(number) if name == "loss" else number


def rank(fitness: float, loss: float | None, age: int) -> tuple[float, float, int]:
  """Returns a key that sorts the better first.

  Args:
    fitness: A number, not NaN.
    loss: Validation loss; unknown or NaN counts as the worst.
    age: Position in the order of finishing.
  """
  return (-fitness, math.inf if loss is None or math.isnan(loss) else loss, age)

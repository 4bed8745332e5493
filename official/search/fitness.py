"""Metrics to one number, and who is better than whom.

Fitness is larger for the better, so that a loss counts negatively. Of two candidates of equal
fitness the one of lower loss is better, then the one that finished first. A candidate whose fitness
is not a number is infeasible.
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


def rank(fitness: float, loss: float | None, age: int) -> tuple[float, float, int]:
  """Returns a key that sorts the better first.

  Args:
    fitness: A number, not NaN.
    loss: Validation loss; unknown or NaN counts as the worst.
    age: Position in the order of finishing.
  """
  return (-fitness, math.inf if loss is None or math.isnan(loss) else loss, age)

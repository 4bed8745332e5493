"""A learning rate that falls to zero several times: warm restarts.

Each segment of a training has the warm-up and the half cosine of a training of that many steps; at
its end the weights stand still and the network can be judged. Then the rate begins again while
weights, momentum and averages go on. Source: Loshchilov & Hutter, SGDR: Stochastic Gradient Descent
with Warm Restarts, ICLR 2017 (there without warm-up).

Model Garden builds learning rates from their configuration by type; `restarts` is one more type.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import math
from typing import Any

from official.modeling import hyperparams
from official.modeling import optimization
from official.modeling.optimization import lr_schedule
from official.modeling.optimization import optimizer_factory
import tensorflow as tf

TYPE = "restarts"


class WarmRestarts(tf.keras.optimizers.schedules.LearningRateSchedule):
  """A learning rate of several segments, each with a warm-up and a half cosine."""

  def __init__(
    self,
    ends: Sequence[int],
    initial_learning_rate: float,
    warmup_fraction: float,
    name: str | None = None,
  ):
    """Makes a learning rate.

    Args:
      ends: Steps at which the segments end, rising.
      initial_learning_rate: Highest rate.
      warmup_fraction: Share of a segment's steps in which the rate rises.
      name: Name of the schedule.
    """
    super().__init__()
    self._config = {
      "ends": list(ends),
      "initial_learning_rate": initial_learning_rate,
      "warmup_fraction": warmup_fraction,
      "name": name,
    }
    self._segments = [
      (start, _of_one(end - start, initial_learning_rate, warmup_fraction))
      for start, end in zip((0, *ends), ends)
    ]

  def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
    """Returns the rate of a step."""
    step = tf.cast(step, tf.float32)
    (_, rate), *later = self._segments
    value = rate(step)
    for start, rate in later:
      value = tf.where(step < start, value, rate(tf.maximum(step - start, 0.0)))
    return value

  def get_config(self) -> Mapping[str, Any]:
    return dict(self._config)


def _of_one(steps: int, rate: float, warmup_fraction: float) -> lr_schedule.LinearWarmup:
  cosine = lr_schedule.CosineDecayWithOffset(initial_learning_rate=rate, decay_steps=steps)
  return lr_schedule.LinearWarmup(cosine, math.ceil(steps * warmup_fraction), 0.0)


@dataclasses.dataclass
class RestartsConfig(hyperparams.Config):
  """The arguments of WarmRestarts."""

  name: str = "WarmRestarts"
  ends: tuple[int, ...] = ()
  initial_learning_rate: float = 0.1
  warmup_fraction: float = 0.05


@dataclasses.dataclass
class _LearningRate(optimization.LrConfig):
  """Model Garden's learning rates, and ours."""

  restarts: RestartsConfig = dataclasses.field(default_factory=RestartsConfig)


@dataclasses.dataclass
class OptimizationConfig(optimization.OptimizationConfig):
  """Model Garden's configuration of an optimizer that may restart its learning rate."""

  learning_rate: _LearningRate = dataclasses.field(default_factory=_LearningRate)


optimizer_factory.LR_CLS[TYPE] = WarmRestarts

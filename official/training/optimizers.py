"""The optimizer and the learning rate of a training, as Model Garden builds them.

The learning rate rises linearly during the first steps and falls by a half cosine to 0 at the end,
or several times (warm_restarts.py).
An exponential moving average of the weights is what is evaluated and exported in the end; the
moving statistics of batch normalization are averaged with them.
"""

import math

from official.modeling import optimization

from official.training import config
from official.training import warm_restarts

_ADAMW_CLIP_NORM = 1.0


def optimization_config(training: config.Training) -> optimization.OptimizationConfig:
  """Returns Model Garden's configuration of the optimizer and the learning rate."""
  how, schedule = training.optimizer, training.schedule
  optimizers = {
    "sgd": {"momentum": 0.9, "nesterov": True, "global_clipnorm": how.gradient_clip_norm},
    "adamw": {
      "weight_decay_rate": how.weight_decay,
      "include_in_weight_decay": ["kernel"],
      "exclude_from_weight_decay": ["."],
      "gradient_clip_norm": 0.0,  # Model Garden's own, which clips before replicas are summed.
      "global_clipnorm": how.gradient_clip_norm or _ADAMW_CLIP_NORM,
    },
  }
  ema = {"average_decay": how.ema_decay, "trainable_weights_only": False}
  shared = {
    "optimizer": {"type": how.type, how.type: optimizers[how.type]},
    **({"ema": ema} if how.ema_decay is not None else {}),
  }
  if schedule.restart_steps:
    restarts = {
      "ends": schedule.segment_ends,
      "initial_learning_rate": how.learning_rate,
      "warmup_fraction": schedule.warmup_fraction,
    }
    return warm_restarts.OptimizationConfig(
      {**shared, "learning_rate": {"type": warm_restarts.TYPE, warm_restarts.TYPE: restarts}}
    )
  return optimization.OptimizationConfig(
    {
      **shared,
      "learning_rate": {
        "type": "cosine",
        "cosine": {
          "initial_learning_rate": how.learning_rate,
          "decay_steps": schedule.train_steps,
        },
      },
      "warmup": {
        "type": "linear",
        "linear": {
          "warmup_steps": math.ceil(schedule.train_steps * schedule.warmup_fraction),
          "warmup_learning_rate": 0.0,
        },
      },
    }
  )

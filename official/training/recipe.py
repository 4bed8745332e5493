"""How a network is trained: optimizer, learning rate, regularisation, and batch-norm momentum.

The learning rate rises linearly during the first steps and falls by a half cosine to 0 at the end.

Moving statistics of batch normalisation must follow the network within the training, however short.
At Keras' momentum of 0.99 they remember a hundred steps and more; after 200 steps they describe a
network that no longer exists, and evaluation is at chance. So the momentum comes from the number of
steps: the memory 1 / (1 - momentum) is a tenth of the training, during which the cosine has all but
stopped the weights. (Re-estimating the statistics after training does the same with another pass
over the data, and with state that a checkpoint would not hold.)

An exponential moving average of the weights, `ema_decay`, is what is evaluated and exported in the
end; the moving statistics are averaged with them.
"""

import dataclasses
import math
import typing

if typing.TYPE_CHECKING:
  from official.modeling import optimization

OPTIMIZERS = ("sgd", "adamw")
PRECISIONS = ("float32", "bfloat16", "float16")
POOLINGS = ("average", "max", "softmax")
# AssembleNet's training on Moments in Time (ICLR 2020, A.6), by the names of flags.
PAPER = {
  "train_steps": 50_000,
  "batch_size": 512,
  "optimizer": "sgd",
  "learning_rate": 3.2,
  "warmup_fraction": 0.24,
  "weight_decay": 1e-4,
  "label_smoothing": 0.2,
  "connection_learning_rate_multiplier": 1.0,
  "num_frames": 32,
  "image_size": 224,
}
_ADAMW_CLIP_NORM = 1.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
  """A training from start to end.

  Attributes:
    steps: Optimizer steps.
    batch_size: Clips per step, over all replicas.
    optimizer: `sgd` (Nesterov momentum 0.9, L2 on kernels) or `adamw` (decoupled decay of kernels).
    learning_rate: At its highest.
    connection_multiplier: K of sigmoid(K v), see official.layers.
    weight_decay: On kernels only.
    label_smoothing: Share of the target given to all classes alike.
    horizontal_flip, min_crop_area, brightness: How clips are varied (official.inputs.views).
    warmup_fraction: Share of the steps in which the learning rate rises.
    gradient_clip_norm: Largest norm of the gradient of all weights together, summed over replicas;
      None is the optimizer's habit, none with sgd and 1 with adamw.
    class_weights: Empty; `balanced`, so that every class counts alike, however few clips it has; or
      a JSON list of factors of the loss, in the order of the classes.
    ema_decay: Share of the averaged weights that remains in a step; None averages nothing.
    precision: Of what is computed between layers; weights are float32. With float16 the loss is
      scaled, dynamically.
    init_checkpoint: Where the first weights come from (warm_start.py); empty: they are random.
    freeze_backbone: Trains the head alone; batch normalisation keeps its statistics.
    connection_weights: Where connection weights begin (clip_task.Network).
    freeze_connection_weights: Keeps them there.
    pooling: Of the head over time: one of POOLINGS.
    gradient_checkpointing: Computes blocks again in the backward pass instead of keeping what they
      computed: less memory, more time, the same outcome but for rounding.
  """

  steps: int
  batch_size: int
  optimizer: str
  learning_rate: float
  connection_multiplier: float
  weight_decay: float = 1e-4
  label_smoothing: float = 0.0
  horizontal_flip: bool = True
  min_crop_area: float | None = None
  brightness: float = 0.0
  warmup_fraction: float = 0.05
  gradient_clip_norm: float | None = None
  class_weights: str = ""
  ema_decay: float | None = None
  precision: str = "float32"
  init_checkpoint: str = ""
  freeze_backbone: bool = False
  connection_weights: str = ""
  freeze_connection_weights: bool = False
  pooling: str = "average"
  gradient_checkpointing: bool = False

  @property
  def batch_norm_momentum(self) -> float:
    """Momentum whose memory is a tenth of the training, 0.99 at most and 0.5 at least."""
    return min(max(1 - 10 / self.steps, 0.5), 0.99)

  @property
  def l2_weight_decay(self) -> float:
    """Factor of the L2 penalty in the loss: AdamW decays by itself."""
    return self.weight_decay if self.optimizer == "sgd" else 0.0

  def optimization(self) -> "optimization.OptimizationConfig":
    """Returns the Model Garden configuration of optimizer and learning rate."""
    from official.modeling import optimization  # imports TensorFlow, which a driver does without

    optimizers = {
      "sgd": {"momentum": 0.9, "nesterov": True, "global_clipnorm": self.gradient_clip_norm},
      "adamw": {
        "weight_decay_rate": self.weight_decay,
        "include_in_weight_decay": ["kernel"],
        "exclude_from_weight_decay": ["."],
        "gradient_clip_norm": 0.0,  # Model Garden's own, which clips before replicas are summed.
        "global_clipnorm": self.gradient_clip_norm or _ADAMW_CLIP_NORM,
      },
    }
    ema = {"average_decay": self.ema_decay, "trainable_weights_only": False}
    return optimization.OptimizationConfig(
      {
        "optimizer": {"type": self.optimizer, self.optimizer: optimizers[self.optimizer]},
        "learning_rate": {
          "type": "cosine",
          "cosine": {"initial_learning_rate": self.learning_rate, "decay_steps": self.steps},
        },
        "warmup": {
          "type": "linear",
          "linear": {
            "warmup_steps": math.ceil(self.steps * self.warmup_fraction),
            "warmup_learning_rate": 0.0,
          },
        },
        **({"ema": ema} if self.ema_decay is not None else {}),
      }
    )

"""How a network is trained: optimizer, learning rate, regularisation, and batch-norm momentum.

The learning rate rises linearly during the first 5 % of the steps and falls by a half cosine to 0
at the end.

Moving statistics of batch normalisation must follow the network within the training, however short.
At Keras' momentum of 0.99 they remember a hundred steps and more; after 200 steps they describe a
network that no longer exists, and evaluation is at chance. So the momentum comes from the number of
steps: the memory 1 / (1 - momentum) is a tenth of the training, during which the cosine has all but
stopped the weights. (Re-estimating the statistics after training does the same with another pass
over the data, and with state that a checkpoint would not hold.)
"""

import dataclasses
import typing

if typing.TYPE_CHECKING:
  from official.modeling import optimization


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
  """A training from start to end.

  Attributes:
    steps: Optimizer steps.
    batch_size: Clips a step, over all replicas.
    optimizer: `sgd` (Nesterov momentum 0.9, L2 on kernels) or `adamw` (decoupled decay of kernels).
    learning_rate: At its highest.
    connection_multiplier: K of sigmoid(K v), see official.layers.
    weight_decay: On kernels only.
    label_smoothing: Share of the target given to all classes alike.
    horizontal_flip: Mirrors half of the clips.
  """

  steps: int
  batch_size: int
  optimizer: str
  learning_rate: float
  connection_multiplier: float
  weight_decay: float = 1e-4
  label_smoothing: float = 0.0
  horizontal_flip: bool = True

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
      "sgd": {"type": "sgd", "sgd": {"momentum": 0.9, "nesterov": True}},
      "adamw": {
        "type": "adamw",
        "adamw": {
          "weight_decay_rate": self.weight_decay,
          "include_in_weight_decay": ["kernel"],
          "exclude_from_weight_decay": ["."],
        },
      },
    }
    return optimization.OptimizationConfig(
      {
        "optimizer": optimizers[self.optimizer],
        "learning_rate": {
          "type": "cosine",
          "cosine": {"initial_learning_rate": self.learning_rate, "decay_steps": self.steps},
        },
        "warmup": {
          "type": "linear",
          "linear": {"warmup_steps": -(-self.steps // 20), "warmup_learning_rate": 0.0},
        },
      }
    )

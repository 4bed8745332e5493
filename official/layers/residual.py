"""A convolution with its normalization, and the residual module that is made of them."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from official.layers import activity
from official.layers import base
from official.layers import batch_norm


@base.serializable
class NormalizedConv(base.Layer):
  """convolution -> batch normalization -> `activation` (unless `activate` is False).

  Attributes:
    convolution: A layer from clips to clips.
    norm: Its batch normalization; `zero_gamma` starts it, and so the whole unit, at zero.
  """

  def __init__(
    self,
    convolution: base.Layer,
    *,
    activate: bool = True,
    zero_gamma: bool = False,
    momentum: float = 0.99,
    epsilon: float = 1e-5,
    synchronized: bool = False,
    activation: str = "relu",
    **kwargs,
  ):
    super().__init__(**kwargs)
    self.convolution = convolution
    self.activate = activate
    self.zero_gamma = zero_gamma
    self.momentum = momentum
    self.epsilon = epsilon
    self.synchronized = synchronized
    self.activation = activation
    self.norm = batch_norm.BatchNorm(
      momentum=momentum,
      epsilon=epsilon,
      gamma_initializer="zeros" if zero_gamma else "ones",
      synchronized=synchronized,
      dtype=self.dtype_policy,
      name="norm",
    )

  def build(self, input_shape: base.Shape) -> None:
    self._time, *_ = base.clip_shape(self, input_shape)
    base.build_chain([self.convolution, self.norm], input_shape)
    super().build(input_shape)

  @base.takes_frames
  def call(self, clips: tf.Tensor, training: bool | None = None) -> tf.Tensor:
    clips = base.run_chain([self.convolution, self.norm], clips, training, self._time)
    return activity.activate(self.activation, clips) if self.activate else clips

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    return self.convolution.compute_output_shape(input_shape)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "convolution": tf.keras.layers.serialize(self.convolution),
      "activate": self.activate,
      "zero_gamma": self.zero_gamma,
      "momentum": self.momentum,
      "epsilon": self.epsilon,
      "synchronized": self.synchronized,
      "activation": self.activation,
    }

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "NormalizedConv":
    return cls(**config | {"convolution": tf.keras.layers.deserialize(config["convolution"])})


@base.serializable
class Residual(base.Layer):
  """activation(branch(x) + shortcut(x)), where the activation is ReLU by default.

  Attributes:
    branch: Layers that run one after the other.
    shortcut: A layer where branch changes the shape; None is the identity.
  """

  def __init__(
    self,
    branch: Sequence[base.Layer],
    shortcut: base.Layer | None = None,
    *,
    activation: str = "relu",
    **kwargs,
  ):
    super().__init__(**kwargs)
    self.branch = list(branch)
    self.activation = activation
    self.shortcut = shortcut

  def build(self, input_shape: base.Shape) -> None:
    self._time, *_ = base.clip_shape(self, input_shape)
    given = base.build_chain(self.branch, input_shape)
    skipped = base.build_chain([self.shortcut] if self.shortcut else [], input_shape)
    if given[1:] != skipped[1:]:
      raise ValueError(
        f"{self.name}: the branch gives {given}, the shortcut {skipped}; they are added"
      )
    super().build(input_shape)

  @base.takes_frames
  def call(self, clips: tf.Tensor, training: bool | None = None) -> tf.Tensor:
    shortcut = [self.shortcut] if self.shortcut else []
    skipped = base.run_chain(shortcut, clips, training, self._time)
    clips = base.run_chain(self.branch, clips, training, self._time)
    return activity.activate(self.activation, clips + skipped)

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    for layer in self.branch:
      input_shape = layer.compute_output_shape(input_shape)
    return tuple(input_shape)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "branch": [tf.keras.layers.serialize(layer) for layer in self.branch],
      "activation": self.activation,
      "shortcut": self.shortcut and tf.keras.layers.serialize(self.shortcut),
    }

  @classmethod
  def from_config(cls, config: dict[str, Any]) -> "Residual":
    shortcut = config["shortcut"] and tf.keras.layers.deserialize(config["shortcut"])
    branch = [tf.keras.layers.deserialize(layer) for layer in config["branch"]]
    return cls(**config | {"branch": branch, "shortcut": shortcut})

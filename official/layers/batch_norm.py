"""Batch normalization of clips."""

from collections.abc import Callable, Iterator
import contextlib
from typing import Any

import tensorflow as tf

from official.layers import base
from official.layers import checkpointing


@base.serializable
class BatchNorm(tf.keras.layers.BatchNormalization):
  """Keras' batch normalization over batch, time, height and width, in one fused kernel.

  The statistics of [batch, time, height, width, channels] are those of its frames, so time is
  folded into the batch: the fused kernel, two to three times as fast, takes four axes.
  `synchronized` takes the statistics over all replicas of a distribution strategy, at the price of
  the fused kernel; its moving variance is that of the batch itself, where the fused kernel's is the
  unbiased estimate, n / (n - 1) times as large. Statistics stay float32 under mixed precision.

  Attributes:
    absent: Whether clips pass unchanged, for whoever studies a network (`without`).
  """

  absent = False

  def __init__(
    self,
    *,
    momentum: float = 0.99,
    epsilon: float = 1e-5,
    gamma_initializer: str | tf.keras.initializers.Initializer = "ones",
    synchronized: bool = False,
    **kwargs,
  ):
    super().__init__(
      momentum=momentum,
      epsilon=epsilon,
      gamma_initializer=gamma_initializer,
      synchronized=synchronized,
      **kwargs,
    )

  def build(self, input_shape: base.Shape) -> None:
    _, height, width, channels = base.clip_shape(self, input_shape)
    super().build([None, height, width, channels])
    self.input_spec = tf.keras.layers.InputSpec(min_ndim=4, max_ndim=5, axes={-1: channels})

  @base.takes_frames
  def call(self, clips: tf.Tensor, training: bool | None = None) -> tf.Tensor:
    if self.absent:
      return clips
    if clips.shape.rank == 4:  # Frames, folded already.
      return super().call(clips, training=training)
    return base.unfold_time(super().call(base.fold_time(clips), training=training), clips.shape[1])

  def add_update(self, updates: Callable[[], Any]) -> None:
    if not checkpointing.is_again():  # The forward pass has done it.
      super().add_update(updates)

  def get_config(self) -> dict[str, Any]:
    config = super().get_config()
    config.pop("axis")  # That of the folded frames, once built; ours is always the last.
    return config


@contextlib.contextmanager
def unfused(model: tf.Module) -> Iterator[None]:
  """Computes batch normalization by elementary operations while a model is called.

  Where statistics are not those of the batch, TensorFlow 2.15 has no deterministic GPU kernel for
  the gradient of the fused one: under op determinism a GPU raises UnimplementedError there. Whoever
  takes that gradient calls the model, and the tape's `gradient` too, within this block. The outcome
  is the same up to rounding.

  Args:
    model: A network, or any module with `BatchNorm` in it.
  """
  norms = [module for module in model.submodules if isinstance(module, BatchNorm)]
  before = [norm.fused for norm in norms]
  try:
    for norm in norms:
      norm.fused = False
    yield
  finally:
    for norm, fused in zip(norms, before):
      norm.fused = fused


@contextlib.contextmanager
def without(model: tf.Module) -> Iterator[None]:
  """Lets clips pass batch normalization unchanged while a model is called.

  Args:
    model: A network, or any module with `BatchNorm` in it.
  """
  norms = [module for module in model.submodules if isinstance(module, BatchNorm)]
  try:
    for norm in norms:
      norm.absent = True
    yield
  finally:
    for norm in norms:
      norm.absent = False

"""The weighted sum of a block's inputs, with the connection weights.

    F_in = sum_i sigmoid(K v_i) F_i

Every connection of the network has one learned number v_i; how strong it became is what guides the
evolution (AssembleNet, ICLR 2020). K, the multiplier, sets the pace: a step on v moves K v by K
times as much, which scaling the gradient of v would not do under Adam. v starts near zero,
N(0, 0.01 / K), and so every connection near one half.

A connection of strength 1 passes its input on: K v is then so large that the sigmoid is 1 to the
last bit and has no slope, so that training leaves it there. Frozen connection weights stay where
they begin, as the published networks have theirs.

Under mixed precision the clips have 16 bits, in which a sum over a whole clip loses what is small
and, with a scaled loss, overflows; so the gradient of a strength is summed in float32.

Inputs may differ in channels. Those of equal count are summed first; each sum that has not the
largest count is then projected to it by *one* 1x1 convolution (no bias, no normalization); the sums
are added. Inputs of different height and width are brought to the smallest by max pooling before
they come here (`SpatialMaxPool`): the scale is positive, so pooling and scaling commute, and a
source pooled once serves every block that needs it so.
"""

from collections.abc import Sequence
import math
from typing import Any

import tensorflow as tf

from official.layers import base
from official.layers import spatial

# K v of a connection of strength 1: exp(-40) is nothing beside 1 in any precision.
_PASSING = 40.0


def logit(strength: float) -> float:
  """Returns the x whose sigmoid is `strength`, a number above 0 and at most 1."""
  return _PASSING if strength == 1 else math.log(strength / (1 - strength))


@base.serializable
class Combine(tf.keras.layers.Layer):
  """The weighted sum of a block's inputs.

  A list of [batch, time, height, width, channels_i] -> [batch, time, height, width,
  max(channels_i)]. A single input is scaled too. The connection weights are variables of full
  precision; the scale is cast to the compute dtype.

  Attributes:
    sources: Names of the inputs, in order; the connections lead from them to this layer's block.
    connection_weights: v, [len(sources)], before multiplier and sigmoid; not trained if `frozen`.
    projections: The 1x1 convolutions, one a channel count but the largest, fewest channels first.
    gates: None, or [len(sources)] float32: factors of the strengths, for whoever studies a trained
      network. They are set around a call and belong to no checkpoint, configuration or export.
  """

  def __init__(
    self, sources: Sequence[str], *, multiplier: float = 1.0, frozen: bool = False, **kwargs
  ):
    super().__init__(**kwargs)
    if not sources:
      raise ValueError("sources is empty; a block has at least one input")
    if multiplier <= 0:
      raise ValueError(f"multiplier must be positive; got {multiplier}")
    self.sources = tuple(sources)
    self.multiplier = multiplier
    self.frozen = frozen
    self.gates: tf.Tensor | None = None

  def build(self, input_shape: Sequence[base.Shape]) -> None:
    shapes = self._shapes(input_shape)
    clips = [base.clip_shape(self, shape) for shape in shapes]
    if len({shape[:3] for shape in clips}) > 1:
      sizes = ", ".join(
        f"{source} {shape}" for source, shape in zip(self.sources, clips, strict=True)
      )
      raise ValueError(
        f"{self.name}: inputs differ in time, height or width: {sizes}; bring them "
        "to one height and width first (SpatialMaxPool)"
      )
    self.connection_weights = self.add_weight(
      name="connection_weights",
      shape=[len(self.sources)],
      experimental_autocast=False,
      trainable=not self.frozen,
      initializer=tf.keras.initializers.TruncatedNormal(stddev=0.01 / self.multiplier),
    )
    *smaller, largest = sorted({shape[3] for shape in clips})
    self.projections = [
      spatial.SpatialConv(largest, 1, name=f"projection_of_{channels}", dtype=self.dtype_policy)
      for channels in smaller
    ]
    for projection, channels in zip(self.projections, smaller, strict=True):
      base.build_chain([projection], (None, *clips[0][:3], channels))
    super().build(input_shape)

  def strengths(self) -> tf.Tensor:
    """Returns sigmoid(K v), [len(sources)]: the factor of each input."""
    return tf.sigmoid(self.multiplier * tf.convert_to_tensor(self.connection_weights))

  def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
    inputs = tf.nest.flatten(inputs)
    strengths = self.strengths() if self.gates is None else self.gates * self.strengths()
    sums: dict[int, tf.Tensor] = {}
    for clips, strength in zip(inputs, tf.unstack(strengths), strict=True):
      channels, weighted = clips.shape[-1], scaled(clips, strength)
      sums[channels] = sums[channels] + weighted if channels in sums else weighted
    *smaller, largest = sorted(sums)
    total = sums[largest]
    for channels, projection in zip(smaller, self.projections, strict=True):
      total += projection(sums[channels])
    return total

  def compute_output_shape(self, input_shape: Sequence[base.Shape]) -> base.Shape:
    return max((tuple(shape) for shape in self._shapes(input_shape)), key=lambda shape: shape[-1])

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "sources": list(self.sources),
      "multiplier": self.multiplier,
      "frozen": self.frozen,
    }

  def _shapes(self, input_shape: Any) -> list[tf.TensorShape]:
    shapes = base.each_shape(input_shape)
    if len(shapes) != len(self.sources):
      raise ValueError(
        f"{self.name} combines {len(self.sources)} inputs "
        f"({', '.join(self.sources)}); got {len(shapes)}"
      )
    return shapes


def scaled(clips: tf.Tensor, strength: tf.Tensor) -> tf.Tensor:
  """Returns strength * clips, of the precision of clips; `strength` is a float32 scalar."""
  if clips.dtype.size > 2:
    return tf.cast(strength, clips.dtype) * clips

  @tf.custom_gradient
  def exact(clips: tf.Tensor, strength: tf.Tensor):
    scale = tf.cast(strength, clips.dtype)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
      products = tf.cast(upstream, tf.float32) * tf.cast(clips, tf.float32)
      return scale * upstream, tf.reduce_sum(products)

    return scale * clips, gradient

  return exact(clips, strength)

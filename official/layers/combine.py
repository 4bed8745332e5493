"""How a block combines its inputs: the connection weights.

    F_in = sum_i sigmoid(K v_i) F_i

Every connection of the network has one learned number v_i; how strong it became is what guides the
evolution (AssembleNet, ICLR 2020). K, the multiplier, sets the pace: a step on v moves K v by K
times as much, which scaling the gradient of v would not do under Adam. v starts near zero,
N(0, 0.01 / K), and so every connection near one half.

Inputs may differ in channels. Those of equal count are summed first; each sum that has not the
largest count is then projected to it by *one* 1x1 convolution (no bias, no normalization); the sums
are added. Inputs of different height and width are brought to the smallest by max pooling before
they come here (`SpatialMaxPool`): the scale is positive, so pooling and scaling commute, and a
source pooled once serves every block that needs it so.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from official.layers import base
from official.layers import spatial


@base.serializable
class Combine(tf.keras.layers.Layer):
  """The weighted sum of a block's inputs.

  A list of [batch, time, height, width, channels_i] -> [batch, time, height, width,
  max(channels_i)]. A single input is scaled too. The connection weights are variables of full
  precision; the scale is cast to the compute dtype.

  Attributes:
    sources: Names of the inputs, in order; the connections lead from them to this layer's block.
    connection_weights: v, [len(sources)], before multiplier and sigmoid.
    projections: The 1x1 convolutions, one a channel count but the largest, fewest channels first.
    gates: None, or [len(sources)] float32: factors of the strengths, for whoever studies a trained
      network. They are set around a call and belong to no checkpoint, configuration or export.
  """

  def __init__(self, sources: Sequence[str], *, multiplier: float = 1.0, **kwargs):
    super().__init__(**kwargs)
    if not sources:
      raise ValueError("sources is empty; a block has at least one input")
    if multiplier <= 0:
      raise ValueError(f"multiplier must be positive; got {multiplier}")
    self.sources = tuple(sources)
    self.multiplier = multiplier
    self.gates: tf.Tensor | None = None

  def build(self, input_shape: Sequence[base.Shape]) -> None:
    shapes = self._shapes(input_shape)
    clips = [base.clip_shape(self, shape) for shape in shapes]
    if len({shape[:3] for shape in clips}) > 1:
      sizes = ", ".join(f"{source} {shape}"
                        for source, shape in zip(self.sources, clips, strict=True))
      raise ValueError(f"{self.name}: inputs differ in time, height or width: {sizes}; bring them "
                       "to one height and width first (SpatialMaxPool)")
    self.connection_weights = self.add_weight(
        name="connection_weights", shape=[len(self.sources)], experimental_autocast=False,
        initializer=tf.keras.initializers.TruncatedNormal(stddev=0.01 / self.multiplier))
    *smaller, largest = sorted({shape[3] for shape in clips})
    self.projections = [
        spatial.SpatialConv(largest, 1, name=f"projection_of_{channels}", dtype=self.dtype_policy)
        for channels in smaller]
    for projection, channels in zip(self.projections, smaller, strict=True):
      base.build_chain([projection], (None, *clips[0][:3], channels))
    super().build(input_shape)

  def strengths(self) -> tf.Tensor:
    """Returns sigmoid(K v), [len(sources)]: what each input is multiplied by."""
    return tf.sigmoid(self.multiplier * tf.convert_to_tensor(self.connection_weights))

  def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
    inputs = tf.nest.flatten(inputs)
    strengths = self.strengths() if self.gates is None else self.gates * self.strengths()
    scales = tf.unstack(tf.cast(strengths, inputs[0].dtype))
    sums: dict[int, tf.Tensor] = {}
    for clips, scale in zip(inputs, scales, strict=True):
      channels = clips.shape[-1]
      sums[channels] = sums[channels] + scale * clips if channels in sums else scale * clips
    *smaller, largest = sorted(sums)
    total = sums[largest]
    for channels, projection in zip(smaller, self.projections, strict=True):
      total += projection(sums[channels])
    return total

  def compute_output_shape(self, input_shape: Sequence[base.Shape]) -> base.Shape:
    return max((tuple(shape) for shape in self._shapes(input_shape)), key=lambda shape: shape[-1])

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"sources": list(self.sources), "multiplier": self.multiplier}

  def _shapes(self, input_shape: Any) -> list[tf.TensorShape]:
    shapes = base.each_shape(input_shape)
    if len(shapes) != len(self.sources):
      raise ValueError(f"{self.name} combines {len(self.sources)} inputs "
                       f"({', '.join(self.sources)}); got {len(shapes)}")
    return shapes

"""The head of a network that answers for every pixel of every frame.

All blocks take part, each with a strength sigmoid(K v), as connections have (combine.py), which
tells what the answer leans on. Those of equal stride and channels are summed and projected to D
channels (1x1); from the largest stride down, a sum is repeated to the next size and added to it; at
the least stride r a ReLU and one 3x3 convolution make (r * scale)^2 * channels values of a pixel,
which become a square of pixels (Shi et al., CVPR 2016). Time is never strided.
Height and width need not be multiples of a stride: maps are then ceil(side / stride) wide, and what
is repeated or shuffled beyond the right and lower border is cut off.

The last convolution begins near zero, so that the first answers are near zero.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from official.layers import base
from official.layers import combine
from official.layers import spatial

_NEAR_ZERO = 1e-5


@base.serializable
class DenseHead(tf.keras.layers.Layer):
  """A list of [batch, time, height_i, width_i, channels_i] -> [batch, time, H, W, channels].

  Attributes:
    channels: Values of a pixel of the output, float32 also under mixed precision.
    sources: Names of the blocks, in the order of the inputs.
    strides: That of every input: its height is the clip's divided by it, rounded up.
    scale: By what the output is larger than the clip.
    height, width: Those of the output.
    features: D.
    multiplier: K.
    head_weights: v, [inputs], before multiplier and sigmoid.
  """

  def __init__(
    self,
    channels: int,
    *,
    sources: Sequence[str],
    strides: Sequence[int],
    scale: int,
    height: int,
    width: int,
    features: int,
    multiplier: float = 1.0,
    **kwargs,
  ):
    super().__init__(**kwargs)
    if len(sources) != len(strides):
      raise ValueError(f"{len(sources)} sources have {len(strides)} strides; give one for each")
    self.channels, self.scale, self.features = channels, scale, features
    self.sources, self.strides = tuple(sources), tuple(strides)
    self.height, self.width, self.multiplier = height, width, multiplier
    self._blocks = min(self.strides) * scale

  def build(self, input_shape: Any) -> None:
    shapes = [base.clip_shape(self, shape) for shape in base.each_shape(input_shape)]
    self.head_weights = self.add_weight(
      name="head_weights",
      shape=[len(shapes)],
      experimental_autocast=False,
      initializer=tf.keras.initializers.TruncatedNormal(stddev=0.01 / self.multiplier),
    )
    self.projections = {}
    for stride, shape in zip(self.strides, shapes, strict=True):
      name = f"projection_{stride}_{shape[-1]}"
      if name not in self.projections:
        projection = spatial.SpatialConv(self.features, 1, name=name, dtype=self.dtype_policy)
        base.build_chain([projection], (None, *shape))
        self.projections[name] = projection
    self.bias = self.add_weight(name="bias", shape=[self.features], initializer="zeros")
    filters = self.channels * self._blocks**2
    self.kernel = self.add_weight(
      name="kernel",
      shape=[3, 3, self.features, filters],
      initializer=tf.keras.initializers.RandomNormal(stddev=_NEAR_ZERO),
    )
    self.last_bias = self.add_weight(name="last_bias", shape=[filters], initializer="zeros")
    super().build(input_shape)

  @property
  def common(self) -> dict[str, tf.Variable]:
    """The variables that belong to no block, by name."""
    return {"bias": self.bias, "kernel": self.kernel, "last_bias": self.last_bias}

  def strengths(self) -> tf.Tensor:
    """Returns sigmoid(K v), [inputs]: the factor of each block."""
    return tf.sigmoid(self.multiplier * tf.convert_to_tensor(self.head_weights))

  def call(self, clips: Any) -> tf.Tensor:
    sums: dict[tuple[int, int], tf.Tensor] = {}
    inputs, strengths = tf.nest.flatten(clips), tf.unstack(self.strengths())
    for clip, stride, strength in zip(inputs, self.strides, strengths, strict=True):
      key, weighted = (stride, clip.shape[-1]), combine.scaled(clip, strength)
      sums[key] = sums[key] + weighted if key in sums else weighted
    total = None
    for stride in sorted(set(self.strides), reverse=True):
      here = [
        self.projections[f"projection_{one}_{channels}"](summed)
        for (one, channels), summed in sums.items()
        if one == stride
      ]
      added = tf.add_n(here)
      total = added if total is None else added + _repeated(total, added.shape)
    values = tf.nn.relu(total + self.bias)
    values = base.on_frames(lambda frames: tf.nn.conv2d(frames, self.kernel, 1, "SAME"), values)
    return self._shuffled(tf.cast(values + self.last_bias, tf.float32))

  def _shuffled(self, values: tf.Tensor) -> tf.Tensor:
    if self._blocks > 1:
      values = base.on_frames(lambda frames: tf.nn.depth_to_space(frames, self._blocks), values)
    return values[:, :, : self.height, : self.width]

  def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
    batch, time = tuple(base.each_shape(input_shape)[0])[:2]
    return batch, time, self.height, self.width, self.channels

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "channels": self.channels,
      "sources": list(self.sources),
      "strides": list(self.strides),
      "scale": self.scale,
      "height": self.height,
      "width": self.width,
      "features": self.features,
      "multiplier": self.multiplier,
    }


def _repeated(values: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
  """Returns clips whose pixels are repeated to the height and width of `shape`."""
  height, width = shape[2:4]
  down, right = -(-height // values.shape[2]), -(-width // values.shape[3])
  return tf.repeat(tf.repeat(values, down, axis=2), right, axis=3)[:, :, :height, :width]

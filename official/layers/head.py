"""The head of a network: from the blocks of the last level to logits."""

from collections.abc import Sequence
import math
from typing import Any

import tensorflow as tf

from official.layers import base

POOLINGS = ("average", "max", "softmax")


@base.serializable
class Head(tf.keras.layers.Layer):
  """Averages over space, joins the blocks, pools over time, and classifies.

  A list of [batch, time, height_i, width_i, channels_i] -> logits, [batch, classes]. Blocks of
  equal channel count are averaged, the groups concatenated, fewest channels first. Of the features
  x[t] that are left,

      average   W mean_t(x[t]) + b
      max       W max_t(x[t]) + b
      softmax   sum_t a[t] l[t],  l[t] = W x[t] + b,  a = softmax over t of l / sqrt(time)

  AssembleNet (ICLR 2020) takes the average for Moments in Time and, because its videos have short
  actions and several labels, the max for Charades; its published code has the softmax, class by
  class, for that. Means and logits are float32, also under mixed precision.
  """

  def __init__(self, classes: int, *, pooling: str = "average", **kwargs):
    super().__init__(**kwargs)
    if pooling not in POOLINGS:
      raise ValueError(f"pooling is {pooling!r}; it is one of {', '.join(POOLINGS)}")
    self.classes = classes
    self.pooling = pooling
    self.dense = tf.keras.layers.Dense(
      classes,
      kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.01),
      dtype="float32",
      name="dense",
    )

  def build(self, input_shape: Any) -> None:
    channels = {base.clip_shape(self, shape)[-1] for shape in base.each_shape(input_shape)}
    base.build_chain([self.dense], (None, sum(channels)))
    super().build(input_shape)

  def call(self, clips: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
    groups: dict[int, list[tf.Tensor]] = {}
    for block in tf.nest.flatten(clips):
      mean = tf.reduce_mean(tf.cast(block, tf.float32), axis=[2, 3])
      groups.setdefault(block.shape[-1], []).append(mean)
    means = [tf.add_n(groups[count]) / len(groups[count]) for count in sorted(groups)]
    features = tf.concat(means, axis=-1)
    if self.pooling == "average":
      return self.dense(tf.reduce_mean(features, axis=1))
    if self.pooling == "max":
      return self.dense(tf.reduce_max(features, axis=1))
    logits = self.dense(features)
    attention = tf.nn.softmax(logits / math.sqrt(logits.shape[1]), axis=1)
    return tf.reduce_sum(attention * logits, axis=1)

  def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
    return base.each_shape(input_shape)[0][0], self.classes

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"classes": self.classes, "pooling": self.pooling}

"""From the blocks of the last level to logits."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from official.layers import base


@base.serializable
class Head(tf.keras.layers.Layer):
  """Averages over space, joins the blocks, averages over time, and classifies.

  A list of [batch, time, height_i, width_i, channels_i] -> logits, [batch, classes]. Blocks of
  equal channel count are averaged, the groups concatenated, fewest channels first. Logits are
  float32, also under mixed precision.
  """

  def __init__(self, classes: int, **kwargs):
    super().__init__(**kwargs)
    self.classes = classes
    self.dense = tf.keras.layers.Dense(
        classes, kernel_initializer=tf.keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32", name="dense")

  def build(self, input_shape: Any) -> None:
    channels = {base.clip_shape(self, shape)[-1] for shape in base.each_shape(input_shape)}
    base.build_chain([self.dense], (None, sum(channels)))
    super().build(input_shape)

  def call(self, clips: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
    groups: dict[int, list[tf.Tensor]] = {}
    for block in tf.nest.flatten(clips):
      groups.setdefault(block.shape[-1], []).append(tf.reduce_mean(block, axis=[2, 3]))
    means = [tf.add_n(groups[count]) / len(groups[count]) for count in sorted(groups)]
    joined = tf.concat(means, axis=-1)
    return self.dense(tf.cast(tf.reduce_mean(joined, axis=1), tf.float32))

  def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
    return base.each_shape(input_shape)[0][0], self.classes

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {"classes": self.classes}

"""What tasks have in common that answer for every pixel, while a network learns: their views."""

from collections.abc import Mapping

import tensorflow as tf

from official.tasks import contract
from official.tasks import learning


class PixelLearning(learning.Learning):
  """Labels are [batch, (views,) time, height, width, ...], with `weight` [batch].

  Every view of a video has an answer and a truth of its own, so that views are judged side by side.
  """

  output: contract.DenseOutput

  def join_views(self, outputs: tf.Tensor, views: int) -> tf.Tensor:
    return tf.reshape(outputs, [-1, views, *outputs.shape[1:]])

  def of_views(self, labels: Mapping[str, tf.Tensor], views: int) -> dict[str, tf.Tensor]:
    folded = {
      name: tf.reshape(values, [-1, *values.shape[2:]])
      for name, values in labels.items()
      if name != "weight"
    }
    return {**folded, "weight": tf.repeat(labels["weight"], views, axis=0)}

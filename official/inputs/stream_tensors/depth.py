"""Depth in TensorFlow: as arrays (array.py), but 0 where no distance was measured."""

import tensorflow as tf

from official.inputs import stream_tensors
from official.inputs.stream_tensors import array


class DepthTensors(array.ArrayTensors):
  """The counterpart of the kind `depth`."""

  def to_network(self, values: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    made = super().to_network(values, beside)
    return tf.where(tf.equal(values, 0), tf.zeros_like(made), made)


TENSORS = stream_tensors.register(DepthTensors(name="depth", beside_name="distance_moments"))

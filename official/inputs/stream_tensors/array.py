"""Arrays in TensorFlow: values become (value - mean) / spread, channel by channel.

The two are those of the train split. A batch has them for each clip beside the values, as mean and
1 / spread, float32 [batch, 2, channels].
"""

import numpy as np
import tensorflow as tf

from data_prep.dataset.streams import StreamInfo
from official.inputs import stream_tensors
from official.inputs.stream_tensors.tensors import StreamTensors


class ArrayTensors(StreamTensors):
  """The counterpart of the kind `array`."""

  def beside(self, stream: StreamInfo, *, resized: bool) -> np.ndarray:
    spread = np.float64(stream.spread)
    inverse = np.divide(1, spread, out=np.zeros_like(spread), where=spread > 0)
    return np.stack([stream.mean, inverse]).astype(np.float32)

  def to_network(self, values: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(values)
    clips = tf.reshape(tf.cast(values, tf.float32), [tf.shape(beside)[0], -1, values.shape[-1]])
    made = tf.reshape((clips - beside[:, :1]) * beside[:, 1:], shape)
    return tf.ensure_shape(made, values.shape)

  def origin(self, stream: StreamInfo) -> str:
    return (
      "Its arrays come from files of their own; a client normalizes them with the mean and the "
      "spread in assets/clip.json."
    )


TENSORS = stream_tensors.register(ArrayTensors(name="array", beside_name="moments"))

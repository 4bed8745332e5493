"""The TensorFlow side of the stream kind heat (heat_streams.py)."""

import heat_streams
import tensorflow as tf

from data_prep.dataset.streams import StreamInfo
from official.inputs import stream_tensors
from official.inputs.stream_tensors.tensors import StreamTensors


class HeatTensors(StreamTensors):
  """Batches have the degrees of a level beside the levels."""

  def beside(self, stream: StreamInfo, *, resized: bool) -> float:
    return heat_streams.STEP

  def to_network(self, values: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    clips = tf.reshape(tf.cast(values, tf.float32), [tf.size(beside), -1])
    degrees = clips * beside[:, tf.newaxis] + heat_streams.COLDEST
    return tf.reshape(degrees, tf.shape(values))

  def origin(self, stream: StreamInfo) -> str:
    return "Its heat was measured by a camera."


TENSORS = stream_tensors.register(
  HeatTensors(name=heat_streams.KIND.name, beside_name="degrees_per_level")
)

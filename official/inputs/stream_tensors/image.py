"""Images in TensorFlow: grey levels become -1 (black) to 1."""

import tensorflow as tf

from data_prep.dataset import streams
from official.inputs import in_graph
from official.inputs import stream_tensors
from official.inputs.stream_tensors.tensors import StreamTensors


def scaled(levels: tf.Tensor) -> tf.Tensor:
  """Returns grey levels, 0 to 255, as float32 from -1 to 1."""
  return tf.cast(levels, tf.float32) / 127.5 - 1


def levels(values: tf.Tensor) -> tf.Tensor:
  """Inverse of `scaled`, float32."""
  return (values + 1) * 127.5


class ImageTensors(StreamTensors):
  """The counterpart of the kind `image`."""

  def comes_from_frames(self, name: str, num_frames: int) -> bool:
    return name == streams.FRAMES

  def from_frames(
    self, frames: in_graph.Frames, stream: streams.StreamInfo, square: in_graph.Square
  ) -> tf.Tensor:
    """Returns the part of frames that a network sees, from -1 to 1."""
    grid = in_graph.whole(in_graph.with_short_side(frames.stored, square.grid_side))
    return scaled(tf.round(in_graph.cut(tf.cast(grid, tf.float32), square)))

  def of_squares(self, frames: tf.Tensor, stream: streams.StreamInfo) -> tf.Tensor:
    return scaled(frames)


TENSORS = stream_tensors.register(ImageTensors(name="image"))

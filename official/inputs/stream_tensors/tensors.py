"""The contract that the TensorFlow side of each kind of stream fulfils."""

import abc
import dataclasses

import numpy as np
import tensorflow as tf

from data_prep.dataset.streams import StreamInfo
from official.inputs import in_graph


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamTensors(abc.ABC):
  """The operations of TensorFlow on streams of one kind.

  Values that are kept as uint8 with nothing beside them in a batch are grey levels, and floats are
  what a network takes already. A kind whose uint8 values are something else puts a number beside
  them, such as the pixels from one level of flow to the next, and has them made of both.

  Attributes:
    name: Name of the kind.
    beside_name: What the number beside is called; "" for none.
  """

  name: str
  beside_name: str = ""

  def beside(self, stream: StreamInfo, *, resized: bool) -> float | np.ndarray | None:
    """Returns the number that a batch has for each clip beside a stream, or float32 numbers of any
    shape; None for none.

    Args:
      stream: Which one.
      resized: Whether its frames are brought to another size (StreamKind.type_of).
    """
    del stream, resized

  def to_network(self, values: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    """Returns values as networks take them, float32 of the same shape.

    Args:
      values: [batch, ..., channels], as they are kept.
      beside: Float32 [batch, ...], or [clips, ...] of a batch whose first dimensions hold that
        many.
    """
    raise NotImplementedError(self.name)

  def comes_from_frames(self, name: str, num_frames: int) -> bool:
    """Returns whether the plain frames of a clip are enough to make a stream of that name."""
    del name, num_frames
    return False

  def from_frames(
    self, frames: in_graph.Frames, stream: StreamInfo, square: in_graph.Square
  ) -> tf.Tensor:
    """Returns a stream that comes from frames, float32 [time, side, side, channels].

    Args:
      frames: Those of a clip.
      stream: What is wanted.
      square: Which part of them a network sees.
    """
    raise NotImplementedError(self.name)

  def of_squares(self, frames: tf.Tensor, stream: StreamInfo) -> tf.Tensor:
    """Returns a stream of frames that a network sees as they are, float32 [batch, time, height,
    width, channels]: of those that are to be restored.

    Args:
      frames: uint8 [batch, time, height, width, 3], all but the batch static.
      stream: What is wanted.
    """
    raise NotImplementedError(self.name)

  def origin(self, stream: StreamInfo) -> str:
    """Returns a sentence for the model card on where values come from; "" if it goes without
    saying."""
    del stream
    return ""

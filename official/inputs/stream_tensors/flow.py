"""Optical flow in TensorFlow: stored levels become pixels, and frames become flow.

Stored flow says nothing of its unit, so that a batch does: beside `flow` it has `flow/step`, the
pixels from one level to the next.
"""

import tensorflow as tf

from data_prep.dataset.stream_kinds import flow as flow_kind
from data_prep.dataset.streams import GIVEN
from data_prep.dataset.streams import StreamInfo
from official.inputs import flow_source
from official.inputs import in_graph
from official.inputs import stream_tensors
from official.inputs.stream_tensors.tensors import StreamTensors


class FlowTensors(StreamTensors):
  """The counterpart of the kind `flow`."""

  def beside(self, stream: StreamInfo, *, resized: bool) -> float | None:
    return None if resized else flow_kind.step(stream.bound)

  def to_network(self, values: tf.Tensor, beside: tf.Tensor) -> tf.Tensor:
    clips = tf.reshape(tf.cast(values, tf.float32), [tf.size(beside), -1])
    return tf.reshape((clips - flow_kind.ZERO) * beside[:, tf.newaxis], tf.shape(values))

  def comes_from_frames(self, name: str, num_frames: int) -> bool:
    return num_frames > 1

  def from_frames(
    self, frames: in_graph.Frames, stream: StreamInfo, square: in_graph.Square
  ) -> tf.Tensor:
    """Returns the flow between frames where a network sees them, in pixels of the square."""
    seen = frames.stored if flow_source.is_computed(stream) else frames.images
    flow = dataset_flow(seen[tf.newaxis], stream.bound)[0]
    grid = in_graph.with_short_side(flow, square.grid_side)
    scale = tf.stack([tf.shape(grid)[2] / tf.shape(flow)[2], tf.shape(grid)[1] / tf.shape(flow)[1]])
    return in_graph.cut(grid, square) * tf.cast(scale, tf.float32) * (square.side / square.box_side)

  def of_squares(self, frames: tf.Tensor, stream: StreamInfo) -> tf.Tensor:
    return dataset_flow(frames, stream.bound)

  def origin(self, stream: StreamInfo) -> str:
    if flow_source.is_computed(stream):
      return "Optical flow was computed from its frames, as it is computed here."
    if stream.algorithm == GIVEN:
      return "Its optical flow comes from files of its own."
    if flow_source.comes_from_frames(stream):
      return "Its optical flow (TV-L1) is stored in it."
    return (
      f"Its optical flow, computed by `data_prep.extract --flow={stream.algorithm}`, is stored in "
      "it. The network has to be sent such flow, because a served network computes TV-L1 only."
    )


def dataset_flow(images: tf.Tensor, bound: float) -> tf.Tensor:
  """Returns flow as a dataset would hold it, [batch, time, height, width, 2] in pixels.

  Args:
    images: Clips of at least two frames, uint8 [batch, time, height, width, 3].
    bound: Pixels that the dataset's 8 bits reach.
  """
  from official.layers import optical_flow  # imports tensorflow_addons

  flow = optical_flow.clip_flow(images)
  levels = tf.clip_by_value(tf.round(flow_kind.ZERO + flow * (128 / bound)), 0, 255)
  return (levels - flow_kind.ZERO) * flow_kind.step(bound)


TENSORS = stream_tensors.register(FlowTensors(name="flow", beside_name="step"))

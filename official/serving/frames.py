"""The conversion of plain frames to a network's streams, in the graph.

    frames -> dataset size -> flow, JPEG -> grid -> middle square -> [-1, 1], pixels

Data preparation shrinks frames to a short side (data_prep.dataset.stored_images.resized) and
computes flow on them (data_prep.dataset.tvl1, `fast`). Evaluation brings both to the grid
(official.inputs.videos) and cuts out the middle (official.inputs.views). Here the same is done by
TensorFlow's operations. Two differences are left: flow is warped bilinearly, and that of a clip's
last frame is the flow of the frame before. A network that was trained on flow computed from a
dataset's frames (official.inputs.flow_source) gets it from frames that have been through JPEG here,
too; for it the second difference alone is left.

Flow of another algorithm is not computed: a network that reads it has to be sent its streams.
"""

from collections.abc import Callable, Mapping
import dataclasses

import numpy as np
import tensorflow as tf

from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.inputs import flow_source
from official.inputs import in_graph
from official.inputs import stream_tensors
from official.inputs import videos
from official.inputs import views


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipFormat:
  """The properties of a network's clips, and how they are made from a video.

  Attributes:
    streams: What the network reads, by name.
    num_frames: Consecutive dataset frames of a clip.
    image_size: Pixels of the network's square.
    short_side: Pixels of the shorter side of dataset frames.
    fps: Dataset frames a second.
  """

  streams: Mapping[str, StreamInfo]
  num_frames: int
  image_size: int
  short_side: int
  fps: float

  @property
  def grid_side(self) -> int:
    """Pixels of the shorter side of the grid."""
    return videos.short_side(self.image_size, self.short_side)

  @property
  def box_side(self) -> int:
    """Pixels of the square that is cut out of the grid."""
    return views.square_side(self.grid_side)

  @property
  def comes_from_frames(self) -> bool:
    """Whether plain frames are enough to make every stream."""
    return all(
      flow_source.comes_from_frames(stream)
      and stream_tensors.get(stream.kind).comes_from_frames(name, self.num_frames)
      for name, stream in self.streams.items()
    )


def clip_format(
  inputs: Mapping[str, tf.Tensor], info: metadata.DatasetInfo, flow: str = flow_source.STORED
) -> ClipFormat:
  """Returns the format of the clips that a network with these inputs takes.

  Args:
    inputs: [batch, time, height, width, channels] by stream.
    info: The dataset that it was trained on.
    flow: Where flow came from then (official.inputs.flow_source).
  """
  streams = flow_source.streams(info, flow)
  _, num_frames, image_size, _, _ = _square(inputs, streams).shape
  return ClipFormat(
    streams={name: streams[name] for name in sorted(inputs)},
    num_frames=num_frames,
    image_size=image_size,
    short_side=info.short_side,
    fps=info.fps,
  )


def _square(inputs: Mapping[str, tf.Tensor], streams: Mapping[str, StreamInfo]) -> tf.Tensor:
  """Returns the input whose side is that of squares of the dataset's frames, if there is one."""
  follow = {name for name, stream in streams.items() if not (stream.scale or stream.own_size)}
  return inputs[min(follow & inputs.keys(), default=min(inputs))]


def to_streams(frames: tf.Tensor, clip: ClipFormat) -> dict[str, tf.Tensor]:
  """Returns a clip's streams, float32 [time, image_size, image_size, channels], by name.

  Args:
    frames: RGB, uint8 [time, height, width, 3], of any size; time is static.
    clip: What is wanted; `comes_from_frames` is true.
  """
  images = in_graph.to_dataset_size(frames, clip.short_side)
  seen = in_graph.Frames(images, in_graph.as_stored(images))
  square = in_graph.Square(clip.grid_side, clip.box_side, clip.image_size)
  streams = {}
  for name, stream in clip.streams.items():
    values = stream_tensors.get(stream.kind).from_frames(seen, stream, square)
    values.set_shape([clip.num_frames, clip.image_size, clip.image_size, stream.channels])
    streams[name] = values
  return streams


def whole_streams(clip: ClipFormat) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
  """Returns a function that makes streams of whole frames, at the scale of the network's square.

  It takes RGB, uint8 [time, height, width, 3], and returns float32 [time, rows, columns, channels]
  by stream, all of one size.
  """
  square = in_graph.Square(clip.grid_side, clip.box_side, clip.image_size, whole=True)
  kinds = {name: stream_tensors.get(stream.kind) for name, stream in clip.streams.items()}

  @tf.function(input_signature=[tf.TensorSpec([clip.num_frames, None, None, 3], tf.uint8)])
  def made(frames: tf.Tensor) -> dict[str, tf.Tensor]:
    images = in_graph.to_dataset_size(frames, clip.short_side)
    seen = in_graph.Frames(images, in_graph.as_stored(images))
    return {
      name: kinds[name].from_frames(seen, stream, square) for name, stream in clip.streams.items()
    }

  return lambda frames: {name: values.numpy() for name, values in made(frames).items()}

"""From plain frames to a network's streams, in the graph.

    frames -> dataset size -> flow, JPEG -> grid -> middle square -> [-1, 1], pixels

Data preparation shrinks frames to a short side (data_prep.dataset.stored_images.resized) and
computes flow on them (data_prep.dataset.tvl1, `fast`). Evaluation brings both to the grid
(official.inputs.videos) and cuts out the middle (official.inputs.views). Here the same is done by
TensorFlow's operations. Two differences are left: flow is warped bilinearly, and that of a clip's
last frame is the flow of the frame before. A network that was trained on flow computed from a
dataset's frames (official.inputs.flow_source) gets it from frames that have been through JPEG here,
too; for it the second difference alone is left.
"""

from collections.abc import Mapping
import dataclasses

import tensorflow as tf

from data_prep.dataset import metadata
from data_prep.dataset import stored_images
from official.inputs import clip_values
from official.inputs import flow_source
from official.inputs import videos
from official.inputs import views
from official.layers import optical_flow


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipFormat:
  """What a network's clips are, and how they come from a video.

  Attributes:
    streams: What the network reads, by name.
    num_frames: Consecutive dataset frames of a clip.
    image_size: Pixels of the network's square.
    short_side: Pixels of the shorter side of dataset frames.
    fps: Dataset frames a second.
  """

  streams: Mapping[str, metadata.StreamInfo]
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
      name == "rgb" or (info.kind == "flow" and self.num_frames > 1)
      for name, info in self.streams.items()
    )


def clip_format(
  inputs: Mapping[str, tf.Tensor], info: metadata.DatasetInfo, flow: str = flow_source.STORED
) -> ClipFormat:
  """Returns the format of the clips that a network with these inputs takes.

  Args:
    inputs: [batch, time, side, side, channels] by stream.
    info: The dataset that it was trained on.
    flow: Where flow came from then (official.inputs.flow_source).
  """
  streams = flow_source.streams(info, flow)
  _, num_frames, image_size, _, _ = next(iter(inputs.values())).shape
  return ClipFormat(
    streams={name: streams[name] for name in sorted(inputs)},
    num_frames=num_frames,
    image_size=image_size,
    short_side=info.short_side,
    fps=info.fps,
  )


def to_streams(frames: tf.Tensor, clip: ClipFormat) -> dict[str, tf.Tensor]:
  """Returns a clip's streams, float32 [time, image_size, image_size, channels], by name.

  Args:
    frames: RGB, uint8 [time, height, width, 3], of any size; time is static.
    clip: What is wanted; `comes_from_frames` is true.
  """
  images = to_dataset_size(frames, clip.short_side)
  stored = as_stored(images)
  streams = {}
  for name, info in clip.streams.items():
    if info.kind == "flow":
      seen = stored if flow_source.is_computed(info) else images
      square = _flow_square(dataset_flow(seen, info.bound), clip)
    else:
      square = clip_values.scaled(_image_square(stored, clip))
    square.set_shape([clip.num_frames, clip.image_size, clip.image_size, info.channels])
    streams[name] = square
  return streams


def to_dataset_size(frames: tf.Tensor, short_side: int) -> tf.Tensor:
  """Returns uint8 frames of the given shorter side: averaged where they shrink, else bilinear."""
  return _whole(_with_short_side(frames, short_side))


def _image_square(images: tf.Tensor, clip: ClipFormat) -> tf.Tensor:
  """Returns the middle of uint8 images as a network's square, float32 in 0..255."""
  square = _middle(_whole(_with_short_side(images, clip.grid_side)), clip.box_side)
  return tf.round(_to_square(tf.cast(square, tf.float32), clip.image_size))


def _flow_square(flow: tf.Tensor, clip: ClipFormat) -> tf.Tensor:
  """Returns the middle of flow as a network's square, in pixels of that."""
  grid = _with_short_side(flow, clip.grid_side)
  scale = tf.stack([tf.shape(grid)[2] / tf.shape(flow)[2], tf.shape(grid)[1] / tf.shape(flow)[1]])
  square = _to_square(_middle(grid, clip.box_side), clip.image_size)
  return square * tf.cast(scale, tf.float32) * (clip.image_size / clip.box_side)


def _with_short_side(values: tf.Tensor, short_side: int) -> tf.Tensor:
  """Returns float32 [time, height, width, channels] with the given shorter side."""
  height, width = tf.shape(values)[1], tf.shape(values)[2]
  shorter = tf.minimum(height, width)
  size = tf.stack(
    [tf.cast(tf.round(short_side * side / shorter), tf.int32) for side in (height, width)]
  )
  return tf.cond(
    shorter > short_side,
    lambda: tf.raw_ops.ResizeArea(images=values, size=size, align_corners=False),
    lambda: tf.image.resize(values, size),
  )


def _middle(values: tf.Tensor, side: int) -> tf.Tensor:
  """Returns the middle square of [time, height, width, channels]."""
  top, left = ((tf.shape(values)[axis] - side + 1) // 2 for axis in (1, 2))
  return values[:, top : top + side, left : left + side]


def _to_square(values: tf.Tensor, side: int) -> tf.Tensor:
  return tf.image.resize(values, [side, side])


def _whole(values: tf.Tensor) -> tf.Tensor:
  return tf.saturate_cast(tf.round(values), tf.uint8)


def as_stored(images: tf.Tensor) -> tf.Tensor:
  """Returns uint8 images [time, height, width, 3] with the traces that JPEG left in a dataset's."""

  def stored(image: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_jpeg(
      tf.io.encode_jpeg(image, quality=stored_images.JPEG_QUALITY), channels=3
    )

  return tf.map_fn(stored, images, fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8))


def dataset_flow(images: tf.Tensor, bound: float) -> tf.Tensor:
  """Returns the flow of a clip as a dataset would hold it, [time, height, width, 2] in pixels.

  Args:
    images: uint8 [time, height, width, 3], at least two.
    bound: Pixels that the dataset's 8 bits reach.
  """
  flow = optical_flow.clip_flow(images[tf.newaxis])[0]
  stored = tf.clip_by_value(tf.round(128 + flow * (128 / bound)), 0, 255)
  return (stored - 128) * (bound / 128)

"""Frames brought to sizes by TensorFlow's operations, as data_prep and inputs do it by OpenCV's.

    frames -> dataset size -> grid -> middle square

Serving uses it (official.serving.frames); each kind of stream says how (stream_tensors).
"""

import dataclasses

import tensorflow as tf

from data_prep.dataset import stored_images


@dataclasses.dataclass(frozen=True)
class Frames:
  """The frames of a clip at the dataset's size, uint8 [time, height, width, 3].

  Attributes:
    images: As they were shrunk.
    stored: With the traces that JPEG leaves in a dataset's.
  """

  images: tf.Tensor
  stored: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Square:
  """The part of a frame that a network sees, in pixels.

  Attributes:
    grid_side: The shorter side of the grid.
    box_side: The square that is cut out of the grid.
    side: The network's square.
    whole: Whether all of the grid is wanted instead, at the scale of the square.
  """

  grid_side: int
  box_side: int
  side: int
  whole: bool = False


def to_dataset_size(frames: tf.Tensor, short_side: int) -> tf.Tensor:
  """Returns uint8 frames of the given shorter side: averaged where they shrink, else bilinear."""
  return whole(with_short_side(frames, short_side))


def as_stored(images: tf.Tensor) -> tf.Tensor:
  """Returns uint8 images [time, height, width, 3] with the traces that JPEG left in a dataset's."""

  def stored(image: tf.Tensor) -> tf.Tensor:
    return tf.io.decode_jpeg(
      tf.io.encode_jpeg(image, quality=stored_images.JPEG_QUALITY), channels=3
    )

  return tf.map_fn(stored, images, fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8))


def with_short_side(values: tf.Tensor, short_side: int) -> tf.Tensor:
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


def middle(values: tf.Tensor, side: int) -> tf.Tensor:
  """Returns the middle square of [time, height, width, channels]."""
  top, left = ((tf.shape(values)[axis] - side + 1) // 2 for axis in (1, 2))
  return values[:, top : top + side, left : left + side]


def to_square(values: tf.Tensor, side: int) -> tf.Tensor:
  """Returns float32 squares of [time, height, width, channels], bilinearly."""
  return tf.image.resize(values, [side, side])


def cut(grid: tf.Tensor, square: Square) -> tf.Tensor:
  """Returns, as float32, the part of [time, height, width, channels] that a network sees."""
  if not square.whole:
    return to_square(middle(grid, square.box_side), square.side)
  scale = square.side / square.box_side
  sides = tf.cast(tf.shape(grid)[1:3], tf.float64)
  return tf.image.resize(grid, tf.cast(tf.round(sides * scale), tf.int32))


def whole(values: tf.Tensor) -> tf.Tensor:
  """Returns the nearest uint8 values."""
  return tf.saturate_cast(tf.round(values), tf.uint8)

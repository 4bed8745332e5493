"""The base of the layers of this package: folding, padding, shapes, chains.

Every layer takes and gives clips, `[batch, time, height, width, channels]`. TensorFlow's fast
kernels on a CPU are two-dimensional (fused batch normalization takes four axes), so time is folded
into the batch for them. A reshape moves no data, but each is an operation to be traced; so a block
folds once, and its layers hand on *frames*, `[batch * time, height, width, channels]`. A layer
whose `call` is marked with `takes_frames` takes either and returns what it was given; any other
layer of a chain gets clips.

One padding holds for every convolution: of a window of k pixels, (k - 1) // 2 zeros come before a
side and the rest of k - 1 after it, whatever the stride, so that a window is centred on the pixel
that a 1x1 convolution of the same stride reads. TensorFlow's "SAME" pads strided windows of even
sides otherwise.

Time, height, width and channels are static: TPUs need that, and pooling ratios and temporal taps
follow from them.
"""

from collections.abc import Callable, Iterable, Sequence
import inspect
from typing import Any

import tensorflow as tf

Layer = tf.keras.layers.Layer
Shape = Sequence[int | None]

# Keras finds the class of a saved layer by "<package>><class name>".
serializable = tf.keras.utils.register_keras_serializable(package="video_evolution")


def fold_time(clips: tf.Tensor) -> tf.Tensor:
  """[batch, time, height, width, channels] -> [batch * time, height, width, channels]."""
  return tf.reshape(clips, [-1, *clips.shape[2:]])


def unfold_time(frames: tf.Tensor, time: int) -> tf.Tensor:
  """[batch * time, height, width, channels] -> [batch, time, height, width, channels]."""
  return tf.reshape(frames, [-1, time, *frames.shape[1:]])


def takes_frames(call: Callable) -> Callable:
  """Marks the `call` of a layer that takes folded frames as well as clips."""
  call.takes_frames = True
  return call


def on_frames(function: Callable[[tf.Tensor], tf.Tensor], clips: tf.Tensor) -> tf.Tensor:
  """Applies a function of frames to frames, or to clips, which it folds and unfolds."""
  if clips.shape.rank == 4:
    return function(clips)
  return unfold_time(function(fold_time(clips)), clips.shape[1])


def pad_sides(
  clips: tf.Tensor, size: int, others: Sequence[Sequence[int]] = ((0, 0),)
) -> tf.Tensor:
  """Pads height and width, the axes before the last, for windows of `size` pixels that are then
  taken without padding ("VALID"): there are ceil(side / stride) of them along a side.

  Args:
    clips: [..., height, width, channels].
    size: Pixels of a window.
    others: Zeros before and after each axis before the height.
  """
  before = (size - 1) // 2
  # The zero is a tensor, which makes the operation PadV2: TensorFlow's graph optimizer merges a Pad
  # into the Conv3D after it, and fails where a gradient asks for the shape between the two.
  return tf.pad(
    clips,
    [*others, *2 * [[before, size - 1 - before]], [0, 0]],
    constant_values=tf.zeros([], clips.dtype),
  )


def clip_shape(layer: Layer, shape: Shape) -> tuple[int, int, int, int]:
  """Returns (time, height, width, channels); ValueError where one of them is not static."""
  shape = tuple(tf.TensorShape(shape))
  if len(shape) != 5 or None in shape[1:]:
    raise ValueError(
      f"{type(layer).__name__} {layer.name!r} takes [batch, time, height, width, "
      f"channels], all but the batch static; got {shape}"
    )
  return shape[1:]


def each_shape(input_shape: Any) -> list[tf.TensorShape]:
  """Returns the shapes of a layer's inputs, given those of a list of inputs or of a single one.

  Keras turns a list of one input into the input itself when it loads a model.
  """
  is_one = isinstance(input_shape, tf.TensorShape) or not isinstance(
    input_shape[0], (tf.TensorShape, list, tuple)
  )
  return [tf.TensorShape(shape) for shape in ([input_shape] if is_one else input_shape)]


def build_chain(layers: Iterable[Layer], shape: Shape) -> Shape:
  """Builds layers that run one after the other; returns the shape of the last output."""
  for layer in layers:
    with tf.name_scope(layer.name):
      layer.build(shape)
    shape = layer.compute_output_shape(shape)
  return tuple(shape)


def run_chain(
  layers: Iterable[Layer], clips: tf.Tensor, training: bool | None, time: int | None = None
) -> tf.Tensor:
  """Runs layers one after the other; `training` reaches those that know it.

  Args:
    layers: From clips to clips.
    clips: Clips, or frames; the outcome is the same.
    training: As in Keras.
    time: Frames of a clip; must be given with frames.
  """
  for layer in layers:
    knows_training = "training" in inspect.signature(layer.call).parameters
    settings = {"training": training} if knows_training else {}
    if clips.shape.rank == 5 or getattr(type(layer).call, "takes_frames", False):
      clips = layer(clips, **settings)
    else:
      clips = fold_time(layer(unfold_time(clips, time), **settings))
  return clips

"""What the layers of this package share.

Every layer takes and gives clips, `[batch, time, height, width, channels]`. TensorFlow's fast
kernels on a CPU are two-dimensional (fused batch normalization takes four axes), so layers fold
time into the batch, run a 2D kernel and unfold. A reshape moves no data.

Time, height, width and channels are static: TPUs need that, and pooling ratios and temporal taps
follow from them.
"""

from collections.abc import Iterable, Sequence
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


def clip_shape(layer: Layer, shape: Shape) -> tuple[int, int, int, int]:
  """Returns (time, height, width, channels); ValueError where one of them is not static."""
  shape = tuple(tf.TensorShape(shape))
  if len(shape) != 5 or None in shape[1:]:
    raise ValueError(f"{type(layer).__name__} {layer.name!r} takes [batch, time, height, width, "
                     f"channels], all but the batch static; got {shape}")
  return shape[1:]


def each_shape(input_shape: Any) -> list[tf.TensorShape]:
  """Returns the shapes of a layer's inputs, given those of a list of inputs or of a single one.

  Keras turns a list of one input into the input itself when it loads a model.
  """
  is_one = isinstance(input_shape, tf.TensorShape) or not isinstance(
      input_shape[0], (tf.TensorShape, list, tuple))
  return [tf.TensorShape(shape) for shape in ([input_shape] if is_one else input_shape)]


def build_chain(layers: Iterable[Layer], shape: Shape) -> Shape:
  """Makes the weights of layers that run one after the other; returns the shape of the outcome."""
  for layer in layers:
    with tf.name_scope(layer.name):
      layer.build(shape)
    shape = layer.compute_output_shape(shape)
  return tuple(shape)


def run_chain(layers: Iterable[Layer], clips: tf.Tensor, training: bool | None) -> tf.Tensor:
  """Runs layers one after the other; `training` reaches those that know it."""
  for layer in layers:
    knows_training = "training" in inspect.signature(layer.call).parameters
    clips = layer(clips, training=training) if knows_training else layer(clips)
  return clips

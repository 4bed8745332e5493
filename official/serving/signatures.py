"""The signatures of a SavedModel.

    serving_default  frames: uint8 [batch, T, height, width, 3], RGB, any height and width
    encoded_frames   frames: string [batch, T], JPEG or PNG, turned as their EXIF orientation says;
                     those of one clip have one size then
    streams          what the network takes, float32 [batch, T, side, side, channels] by stream

What they return, the task of the network says (official.tasks): where the target is labels,
`probabilities` [batch, classes], and the best `classes` (string) with their `scores`, [batch, k];
where frames are restored, `frames`, uint8 [batch, T, side * scale, side * scale, 3], of frames that
are squares of the network's own side.
The batch is dimension 0 of everything, which is what a server's batching needs. Clips
become streams one by one, so that memory does not grow with the batch.

Of a network with streams that do not come from frames, `serving_default` is `streams`, and there is
no `encoded_frames`.
"""

from collections.abc import Callable, Mapping, Sequence
import types

import tensorflow as tf

from data_prep.dataset.streams import FRAMES
from official.inputs import stream_tensors
from official.inputs.stream_tensors import image
from official.serving import frames as frames_lib
from official.serving import orientation
from official.tasks import answering

DEFAULT, ENCODED, STREAMS = "serving_default", "encoded_frames", "streams"
_CLIPS_AT_A_TIME = 2


class ServedNetwork(tf.Module):
  """The variables of a network, and its signatures.

  It holds no Keras object: saving one traces every layer by itself, several times as long as all
  the rest takes.

  Attributes:
    signatures: Functions by name.
  """

  def __init__(
    self,
    model: Callable,
    clip: frames_lib.ClipFormat,
    classes: Sequence[str],
    assets: Sequence[str],
    *,
    served: answering.Served,
    degrade: str = "",
  ):
    """Wraps a network.

    Args:
      model: Streams by name -> outputs; with `input`, Keras inputs by stream, and `variables`.
      clip: What it takes.
      classes: Names in the order of the outputs.
      assets: Files to be kept with it.
      served: How the task of the network is served.
      degrade: What it was taught to restore, if it returns frames.
    """
    super().__init__()
    self._variables = list(model.variables)
    self._assets = [tf.saved_model.Asset(path) for path in assets]
    self._outputs = lambda streams: model(streams, training=False)  # hides Keras from saving
    self._served, self._degrade = served, degrade
    self._clip = clip
    self._labels = tf.constant(list(classes), tf.string)
    streams = {
      name: tf.TensorSpec([None, *tensor.shape[1:]], tf.float32, name=name)
      for name, tensor in model.input.items()
    }
    self._streams = types.MappingProxyType(streams)  # of a dictionary, Module makes another thing
    side = clip.image_size if served.returns_frames else None
    self._frames = tf.TensorSpec([None, clip.num_frames, side, side, 3], tf.uint8, name="frames")
    self._encoded = tf.TensorSpec([None, clip.num_frames], tf.string, name="frames")
    from_streams = tf.function(self._from_streams, input_signature=[streams])
    signatures = {STREAMS: from_streams, DEFAULT: from_streams}
    if clip.comes_from_frames:
      signatures[DEFAULT] = tf.function(self._from_frames, input_signature=[self._frames])
      signatures[ENCODED] = tf.function(self._from_encoded, input_signature=[self._encoded])
    self.signatures = types.MappingProxyType(signatures)

  # A server checks no shapes, and TensorFlow trusts those that are declared: so each function does.

  def _from_streams(self, streams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return self._answer(
      {name: _checked(streams[name], spec.shape) for name, spec in self._streams.items()}
    )

  def _from_frames(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
    frames = _checked(frames, self._frames.shape)
    return self._answer(self._each(self._to_streams, frames))

  def _from_encoded(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
    frames = _checked(frames, self._encoded.shape)
    return self._answer(self._each(lambda clip: self._to_streams(decode(clip)), frames))

  def _each(self, function: Callable, clips: tf.Tensor) -> dict[str, tf.Tensor]:
    streams = {name: tf.TensorSpec(s.shape[1:], s.dtype) for name, s in self._streams.items()}
    return tf.map_fn(
      function, clips, fn_output_signature=streams, parallel_iterations=_CLIPS_AT_A_TIME
    )

  def _to_streams(self, frames: tf.Tensor) -> dict[str, tf.Tensor]:
    frames = tf.ensure_shape(frames, self._frames.shape[1:])
    if not self._served.returns_frames:
      return frames_lib.to_streams(frames, self._clip)
    return {  # Their pixels are the point: none is moved.
      name: stream_tensors.get(stream.kind).of_squares(frames[tf.newaxis], stream)[0]
      for name, stream in self._clip.streams.items()
    }

  def _answer(self, streams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    outputs = self._outputs(streams)
    if self._served.returns_frames:
      return self._served.restored(image.levels(streams[FRAMES]), outputs, self._degrade)
    return self._served.answer(outputs, self._labels)


def _checked(batch: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
  """Returns the batch, of that shape and of one clip at least; else the request fails."""
  empty = tf.debugging.Assert(
    tf.shape(batch)[0] > 0, ["the batch is empty; send one clip or more"], summarize=1
  )
  with tf.control_dependencies([empty]):
    return tf.ensure_shape(batch, shape)


def decode(clip: tf.Tensor) -> tf.Tensor:
  """Returns uint8 [T, height, width, 3] of JPEG or PNG images, string [T], turned upright."""

  def decoded(image: tf.Tensor) -> tf.Tensor:
    picture = tf.io.decode_image(image, channels=3, expand_animations=False)
    return orientation.upright(tf.ensure_shape(picture, [None, None, 3]), image)

  return tf.map_fn(
    decoded,
    clip,
    fn_output_signature=tf.TensorSpec([None, None, 3], tf.uint8),
  )

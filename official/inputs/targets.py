"""The targets of a batch: what is beside the streams, for a loss to compare outputs with.

    Classes   `label`, the index of a clip's class, or 0 and 1 by class where it may have several
    Stream    a stream by its name, such as `mask`, [(views,) time, height, width]
    Frames    `frames`, the dataset's own, [(views,) time, height, width, 3], and `input`, the
              degraded ones, which the network reads as its stream `rgb`; both uint8

A batch has `weight` besides, which is 0 for padding. Frames are cut at the dataset's own scale,
squares of `image_size`: what was shrunk has lost the details that are to be restored.
"""

import abc
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from data_prep.dataset import degradation
from data_prep.dataset.streams import FRAMES
from data_prep.dataset.streams import StreamInfo
from official.inputs import clip_store
from official.inputs import stream_tensors
from official.inputs import usable

Tensors = dict[str, tf.Tensor]


class Target(abc.ABC):
  """What a task is taught, as arrays of an input pipeline.

  Attributes:
    reads: Streams that are cut, whatever the network reads.
    makes: Streams that are not cut, since `batch` makes them.
    own_scale: Whether squares are cut at the dataset's scale, instead of from a grid that fits
      them.
  """

  reads: tuple[str, ...] = ()
  makes: tuple[str, ...] = ()
  own_scale: bool = False

  def check(self, store: clip_store.ClipStore, streams: Sequence[str], image_size: int) -> None:
    """Raises UserError where a network cannot be taught so; by default it always can."""
    del store, streams, image_size

  def counts(self, store: clip_store.ClipStore, classes: int) -> np.ndarray:
    """Returns how often each class is the target in a split, int64 [classes], for class weights."""
    raise NotImplementedError(type(self).__name__)

  def specs(
    self, store: clip_store.ClipStore, cuts: Mapping[str, tf.TensorSpec]
  ) -> dict[str, tf.TensorSpec]:
    """Returns the specs of the arrays that `write` fills, by name; by default there are none.

    Args:
      store: The videos.
      cuts: Specs of the streams that are cut, by name.
    """
    del store, cuts
    return {}

  def write(
    self,
    labels: Sequence[int],
    cuts: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
  ) -> None:
    """Fills the arrays of an example.

    Args:
      labels: Classes of the video.
      cuts: Streams, as they were cut.
      arrays: By name, to be filled.
    """
    del labels, cuts, arrays

  @abc.abstractmethod
  def batch(
    self, streams: Tensors, arrays: Tensors, made: Sequence[str] = ()
  ) -> tuple[Tensors, Tensors]:
    """Returns what the network reads, and what the loss reads.

    Args:
      streams: As they were cut.
      arrays: As `write` filled them.
      made: Those of `makes` that the network reads.
    """


class Classes(Target):
  """The classes of a clip."""

  def counts(self, store: clip_store.ClipStore, classes: int) -> np.ndarray:
    return np.bincount([video.labels[0] for video in store.videos], minlength=classes)

  def specs(
    self, store: clip_store.ClipStore, cuts: Mapping[str, tf.TensorSpec]
  ) -> dict[str, tf.TensorSpec]:
    several = store.multi_label
    spec = (
      tf.TensorSpec([store.num_classes], tf.float32) if several else tf.TensorSpec([], tf.int32)
    )
    return {"label": spec}

  def write(
    self,
    labels: Sequence[int],
    cuts: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
  ) -> None:
    label = arrays["label"]
    if label.ndim:
      label[...] = 0
      label[list(labels)] = 1
    else:
      label[...] = np.int32(labels[0])

  def batch(
    self, streams: Tensors, arrays: Tensors, made: Sequence[str] = ()
  ) -> tuple[Tensors, Tensors]:
    return streams, arrays


class Stream(Target):
  """A stream of the dataset, which is cut, mirrored and resized as those that the network reads."""

  def __init__(self, name: str):
    self.reads = (name,)

  def counts(self, store: clip_store.ClipStore, classes: int) -> np.ndarray:
    total = np.zeros(256, np.int64)
    for video in store.videos:
      for frame in video.read(self.reads[0], range(video.frames)):
        total += np.bincount(frame.ravel(), minlength=256)
    return total[:classes]

  def batch(
    self, streams: Tensors, arrays: Tensors, made: Sequence[str] = ()
  ) -> tuple[Tensors, Tensors]:
    (name,) = self.reads
    seen = {other: values for other, values in streams.items() if other != name}
    return seen, {name: tf.squeeze(streams[name], -1)}


class Frames(Target):
  """The dataset's own frames, of which the network reads a degraded copy.

  Streams that are computed from frames, such as flow, are computed from those that it reads.
  """

  own_scale = True

  def __init__(self, degrade: degradation.Chain, computed: Mapping[str, StreamInfo] | None = None):
    """Makes the target.

    Args:
      degrade: What makes the copy worse.
      computed: Streams that are computed from it, by name (official.inputs.flow_source).
    """
    self._degrade, self._computed = degrade, dict(computed or {})
    self.makes = tuple(sorted(self._computed))
    self._source = degrade.stream or FRAMES
    self.reads = tuple(sorted({FRAMES, self._source}))

  def check(self, store: clip_store.ClipStore, streams: Sequence[str], image_size: int) -> None:
    usable.check_frames_alone({*streams} - self._computed.keys())
    usable.check_own_scale(image_size, store.side)

  def specs(
    self, store: clip_store.ClipStore, cuts: Mapping[str, tf.TensorSpec]
  ) -> dict[str, tf.TensorSpec]:
    *shape, height, width, channels = cuts[FRAMES].shape
    scale = self._degrade.scale
    return {"input": tf.TensorSpec([*shape, height // scale, width // scale, channels], tf.uint8)}

  def write(
    self,
    labels: Sequence[int],
    cuts: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
  ) -> None:
    frames, target = cuts[self._source], arrays["input"]
    clips = frames.reshape(-1, *frames.shape[-4:])
    for clip, out in zip(clips, target.reshape(-1, *target.shape[-4:]), strict=True):
      np.copyto(out, self._degrade.apply(clip))

  def batch(
    self, streams: Tensors, arrays: Tensors, made: Sequence[str] = ()
  ) -> tuple[Tensors, Tensors]:
    labels = {"frames": streams[FRAMES], "input": arrays["input"]}
    seen = {name: values for name, values in streams.items() if name not in self.reads}
    clips = tf.reshape(arrays["input"], [-1, *arrays["input"].shape[-4:]])
    for name in made:
      stream = self._computed[name]
      values = stream_tensors.get(stream.kind).of_squares(clips, stream)
      seen[name] = tf.reshape(values, [*arrays["input"].shape[:-1], stream.channels])
    return {**seen, FRAMES: arrays["input"]}, labels

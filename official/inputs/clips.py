"""Batches of clips for training and evaluation.

Example n of a training is a function of (seed, n) alone: epoch n // N walks the N videos in an
order of its own (`index_shuffle`), and one stateless draw keyed by (seed, n) places the clip in
time, the crop in space, and decides on the flip. A training that is resumed at step s starts the
same sequence at example s * batch, and sees what it would have seen. Evaluation takes clips evenly
spaced over every video, and pads the last batch with examples of weight 0, so that no video is lost
and every batch has the same shape.

A batch is `(streams, labels)`:
  streams: {name: [batch, time, height, width, channels]}, for evaluation [batch, clips, time, ...];
    float32, in [-1, 1] for images, pixels for flow.
  labels: {"label": int32 [batch], "weight": float32 [batch]}.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from official.inputs import clip_store

# Frames are stored a little larger than the crop, as 256 is to 224.
_MARGIN = 8 / 7


def stored_short_side(image_size: int) -> int:
  """Returns the short side, in pixels, of the frames from which crops of `image_size` are taken."""
  return round(image_size * _MARGIN)


def training_clips(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  *,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  seed: int,
  horizontal_flip: bool,
  first_step: int = 0,
  input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
  """Returns endless batches, beginning with those of step `first_step`."""
  count = len(store.videos)

  def place(n: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    epoch, position = n // count, n % count
    video = tf.random.experimental.index_shuffle(
      position, tf.stack([tf.constant(seed, tf.int64), epoch]), tf.constant(count - 1, tf.int64)
    )
    return video, tf.random.stateless_uniform(
      [1, 4], seed=tf.stack([tf.constant(seed, tf.int64), n])
    )

  examples = tf.data.Dataset.range(first_step * global_batch_size, np.iinfo(np.int64).max).map(
    place
  )
  batches = _batches(
    store,
    streams,
    examples,
    num_frames=num_frames,
    image_size=image_size,
    global_batch_size=global_batch_size,
    flip=horizontal_flip,
    input_context=input_context,
  )
  return batches.map(
    lambda clips, labels: ({name: values[:, 0] for name, values in clips.items()}, labels)
  )


def evaluation_clips(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  *,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  clips_per_video: int = 1,
  input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
  """Returns every video once: middle crops of clips from its start to its end (one: its middle)."""
  padded = -(-len(store.videos) // global_batch_size) * global_batch_size
  times = np.linspace(0, 1, clips_per_video) if clips_per_video > 1 else np.array([0.5])
  draws = tf.constant([[time, 0.5, 0.5, 1.0] for time in times], tf.float32)
  examples = tf.data.Dataset.range(padded).map(lambda n: (n, draws))
  return _batches(
    store,
    streams,
    examples,
    num_frames=num_frames,
    image_size=image_size,
    global_batch_size=global_batch_size,
    flip=False,
    input_context=input_context,
  )


def _batches(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  examples: tf.data.Dataset,
  *,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  flip: bool,
  input_context: tf.distribute.InputContext | None,
) -> tf.data.Dataset:
  names = sorted(store.streams)

  def read(video: np.ndarray, draws: np.ndarray) -> tuple:
    """A row of `draws` is a clip: where in time, height and width, and whether to flip, 0 to 1."""
    weight = float(video < len(store.videos))
    index = int(video) % len(store.videos)
    info = store.videos[index]
    room = (max(info.frames - num_frames, 0), info.height - image_size, info.width - image_size)
    clips = []
    for draw in draws:
      first, top, left = (min(int(d * (r + 1)), r) for d, r in zip(draw, room))
      clips.append(
        store.read(
          index,
          first_frame=first,
          num_frames=num_frames,
          top=top,
          left=left,
          size=image_size,
          flip=flip and draw[3] < 0.5,
        )
      )
    return (*(np.stack(stream) for stream in zip(*clips)), np.int32(info.label), np.float32(weight))

  types = [tf.float16 if store.streams[name].kind == "flow" else tf.uint8 for name in names]

  def load(video: tf.Tensor, draws: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    *clip, label, weight = tf.numpy_function(
      read, [video, draws], [*types, tf.int32, tf.float32], stateful=False
    )
    for name, values in zip(names, clip):
      values.set_shape(
        [draws.shape[0], num_frames, image_size, image_size, store.streams[name].channels]
      )
    label.set_shape([])
    weight.set_shape([])
    clips = dict(zip(names, clip))
    return {name: clips[name] for name in streams}, {"label": label, "weight": weight}

  batch_size = global_batch_size
  if input_context:
    examples = examples.shard(input_context.num_input_pipelines, input_context.input_pipeline_id)
    batch_size = input_context.get_per_replica_batch_size(global_batch_size)
  return (
    examples.map(load, num_parallel_calls=2, deterministic=True)
    .batch(batch_size, drop_remainder=True)
    .map(lambda clips, labels: (normalize(clips, store), labels))
    .prefetch(2)
  )


def normalize(clips: Mapping[str, tf.Tensor], store: clip_store.ClipStore) -> dict[str, tf.Tensor]:
  """Returns what networks take, float32: images from 0..255 to [-1, 1], flow in pixels."""
  return {
    name: tf.cast(values, tf.float32)
    if store.streams[name].kind == "flow"
    else tf.cast(values, tf.float32) / 127.5 - 1
    for name, values in clips.items()
  }

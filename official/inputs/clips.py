"""Batches of clips for training and evaluation.

Example n of a training is a function of (seed, n) alone: epoch n // N walks the N videos in an
order of its own (`index_shuffle`), and one stateless draw keyed by (seed, n) places the clip in
time and space and varies it (views.py). A training that is resumed at step s starts the same
sequence at example s * batch, and sees what it would have seen. Evaluation takes clips evenly
spaced over every video, and pads the last batch with examples of weight 0, so that no video is lost
and every batch has the same shape. Of several input pipelines, each takes every so-manieth example,
so that a step of all of them together has the examples that a step of one would have.

A batch is `(streams, labels)`:
  streams: {name: [batch, time, height, width, channels]}, for evaluation [batch, views, time, ...];
    uint8 images and float16 flow, of which `clip_values.for_network` makes what networks take.
  labels: {"label": int32 [batch], or, where a video may have several, float32 [batch, classes] of 0
    and 1, "weight": float32 [batch]}.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from data_prep import cli
from official.inputs import clip_store
from official.inputs import clip_values
from official.inputs import usable
from official.inputs import views as views_lib


def training_clips(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  *,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  seed: int,
  augmentation: views_lib.Augmentation,
  first_step: int = 0,
  input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
  """Returns endless batches, beginning with those of step `first_step`.

  Raises:
    UserError: The dataset lacks a stream, or the batch cannot be divided among the replicas.
  """
  count = len(store.videos)

  def place(n: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    epoch, position = n // count, n % count
    video = tf.random.experimental.index_shuffle(
      position, tf.stack([tf.constant(seed, tf.int64), epoch]), tf.constant(count - 1, tf.int64)
    )
    return video, tf.random.stateless_uniform(
      [views_lib.DRAWS], seed=tf.stack([tf.constant(seed, tf.int64), n])
    )

  examples = tf.data.Dataset.range(first_step * global_batch_size, np.iinfo(np.int64).max)
  batches = _batches(
    store,
    streams,
    examples,
    place,
    lambda draws: (views_lib.training_view(draws, augmentation),),
    num_views=1,
    num_frames=num_frames,
    image_size=image_size,
    global_batch_size=global_batch_size,
    input_context=input_context,
  )
  return batches.map(
    lambda clips, labels: ({name: values[:, 0] for name, values in clips.items()}, labels)
  ).prefetch(2)


def evaluation_clips(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  *,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  clips_per_video: int = 1,
  crops_per_clip: int = 1,
  input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
  """Returns every video once, `clips_per_video` times `crops_per_clip` views of it.

  Raises:
    UserError: The dataset lacks a stream, or the batch cannot be divided among the replicas.
  """
  padded = -(-len(store.videos) // global_batch_size) * global_batch_size
  views = views_lib.evaluation_views(clips_per_video, crops_per_clip)
  return _batches(
    store,
    streams,
    tf.data.Dataset.range(padded),
    lambda n: (n, tf.zeros([0])),
    lambda draws: views,
    num_views=len(views),
    num_frames=num_frames,
    image_size=image_size,
    global_batch_size=global_batch_size,
    input_context=input_context,
  ).prefetch(2)


def _batches(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  examples: tf.data.Dataset,
  place: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
  views: Callable[[np.ndarray], Sequence[views_lib.View]],
  *,
  num_views: int,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  input_context: tf.distribute.InputContext | None,
) -> tf.data.Dataset:
  """Returns batches of the examples; `place` gives the number of a video, and draws for `views`."""
  usable.check_streams(store.streams, streams)
  names = sorted(streams)

  def read(index: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, ...]:
    video = store.videos[int(index) % len(store.videos)]
    chosen = views(draws)
    clips = [_aligned(spec) for spec in specs[: len(names)]]
    for name, clip in zip(names, clips):
      views_lib.cut(video, name, store.streams[name], chosen, clip)
    return (*clips, _label(video.labels, store), np.float32(index < len(store.videos)))

  label = tf.TensorSpec([store.num_classes], tf.float32) if store.multi_label else (
    tf.TensorSpec([], tf.int32))
  size = (num_views, num_frames, image_size, image_size)
  chosen = [store.streams[name] for name in names]
  clips = [tf.TensorSpec((*size, one.channels), clip_values.kept_type(one)) for one in chosen]
  specs = [*clips, label, tf.TensorSpec([], tf.float32)]

  def load(n: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    values = tf.numpy_function(read, place(n), [spec.dtype for spec in specs], stateful=False)
    for value, spec in zip(values, specs):
      value.set_shape(spec.shape)
    *clips, label, weight = values
    return dict(zip(names, clips)), {"label": label, "weight": weight}

  batch_size = global_batch_size
  if input_context:
    batch_size = _per_replica(global_batch_size, input_context)
    examples = examples.shard(input_context.num_input_pipelines, input_context.input_pipeline_id)
  options = tf.data.Options()
  options.threading.private_threadpool_size = clip_store.parallel_calls()
  return (
    examples.map(load, num_parallel_calls=clip_store.parallel_calls(), deterministic=True)
    .batch(batch_size, drop_remainder=True)
    .with_options(options)
  )


def _aligned(spec: tf.TensorSpec) -> np.ndarray:
  """Returns an array that TensorFlow takes without a copy: at a multiple of 64 bytes."""
  dtype = spec.dtype.as_numpy_dtype
  count = spec.shape.num_elements() * np.dtype(dtype).itemsize
  raw = np.empty(count + 64, np.uint8)
  start = -raw.ctypes.data % 64
  return raw[start : start + count].view(dtype).reshape(spec.shape)


def _label(labels: Sequence[int], store: clip_store.ClipStore) -> np.ndarray | np.int32:
  if not store.multi_label:
    return np.int32(labels[0])
  several = np.zeros(store.num_classes, np.float32)
  several[list(labels)] = 1
  return several


def _per_replica(batch: int, context: tf.distribute.InputContext) -> int:
  if batch % context.num_replicas_in_sync:
    raise cli.UserError(
      f"a batch of {batch} clips cannot be divided among {context.num_replicas_in_sync} replicas; "
      "make it a multiple of their number"
    )
  return batch // context.num_replicas_in_sync

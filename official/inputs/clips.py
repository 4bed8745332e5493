"""Batches of clips for training and evaluation.

Example n of a training is clip n % B of step n // B, for batches of B. Epoch n // N walks the N
videos in an order of its own, keyed by (seed, epoch), and stateless draws keyed by (seed, step)
place the step's clips in time and space and vary them (views.py). A training that is resumed at
step s starts the same sequence there, and sees what it would have seen. Evaluation takes clips
evenly spaced over every video, and pads the last batch with examples of weight 0, so that no video
is lost and every batch has the same shape. Of several input pipelines, each takes every n-th
example, so that a step of all of them together has the examples that a step of one would have.

A batch is `(streams, labels)`:
  streams: {name: [batch, time, height, width, channels]}, for evaluation [batch, views, time, ...];
    in the small types of `clip_values`, whose `for_network` makes of them what networks take.
  labels: {"label": int32 [batch], or, where a video may have several, float32 [batch, classes] of 0
    and 1, "weight": float32 [batch]}; other targets have others (targets.py). With `numbered`, also
    "number": int64 [batch], the number of the video in its store, past the end for padding.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import stream_kinds
from official.inputs import clip_store
from official.inputs import clip_values
from official.inputs import filling
from official.inputs import stream_sizes
from official.inputs import targets
from official.inputs import usable
from official.inputs import views as views_lib

_CLASSES = targets.Classes()
_AT_A_TIME = 2  # Batches: threads that find no clip of one left begin with the next.


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
  target: targets.Target = _CLASSES,
  input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
  """Returns endless batches, beginning with those of step `first_step`.

  Raises:
    UserError: The dataset lacks a stream, or the batch cannot be divided among the replicas.
  """
  count = len(store.videos)

  def place(step: tf.Tensor, n: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    numbers = step * global_batch_size + n
    key = tf.constant(seed, tf.int64)
    orders = tf.stack([tf.fill(tf.shape(n), key), numbers // count, tf.zeros_like(n)], axis=1)
    # tf.random.experimental.index_shuffle takes a single order only.
    video = tf.raw_ops.RandomIndexShuffle(
      index=numbers % count, seed=orders, max_index=tf.constant(count - 1, tf.int64)
    )
    draws = tf.random.stateless_uniform(
      [global_batch_size, views_lib.DRAWS], seed=tf.stack([key, step])
    )
    return video, tf.gather(draws, n)

  return _batches(
    store,
    streams,
    (first_step, np.iinfo(np.int64).max // global_batch_size),
    place,
    lambda draws: (views_lib.training_view(draws, augmentation, _side(target, image_size)),),
    shape=(num_frames,),
    image_size=image_size,
    crops_resized=augmentation.min_crop_area is not None,
    global_batch_size=global_batch_size,
    target=target,
    input_context=input_context,
  )


def evaluation_clips(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  *,
  num_frames: int,
  image_size: int,
  global_batch_size: int,
  clips_per_video: int = 1,
  crops_per_clip: int = 1,
  target: targets.Target = _CLASSES,
  input_context: tf.distribute.InputContext | None = None,
  numbered: bool = False,
) -> tf.data.Dataset:
  """Returns every video once, `clips_per_video` times `crops_per_clip` views of it.

  Raises:
    UserError: The dataset lacks a stream, or the batch cannot be divided among the replicas.
  """
  views = views_lib.evaluation_views(clips_per_video, crops_per_clip, _side(target, image_size))
  return _batches(
    store,
    streams,
    (0, -(-len(store.videos) // global_batch_size)),
    lambda step, n: (step * global_batch_size + n, tf.zeros([tf.size(n), 0])),
    lambda draws: views,
    shape=(len(views), num_frames),
    image_size=image_size,
    crops_resized=False,
    global_batch_size=global_batch_size,
    target=target,
    input_context=input_context,
    numbered=numbered,
  )


def _batches(
  store: clip_store.ClipStore,
  streams: Sequence[str],
  steps: tuple[int, int],
  place: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
  views: Callable[[np.ndarray], Sequence[views_lib.View]],
  *,
  shape: tuple[int, ...],
  image_size: int,
  crops_resized: bool,
  global_batch_size: int,
  target: targets.Target,
  input_context: tf.distribute.InputContext | None,
  numbered: bool = False,
) -> tf.data.Dataset:
  """Returns the batches of an input pipeline. Arguments as of `training_clips`, and further ones.

  Args:
    steps: The first one, and the one after the last.
    place: (step, numbers in the step [n]) -> numbers of videos [n], and draws [n, ...].
    views: Draws -> what is cut out of a video.
    shape: Shape of a clip without height, width and channels: [views,] frames.
    crops_resized: Whether what is cut out may have another size than the square.
  """
  made = sorted({*streams} & {*target.makes})
  names = sorted({*streams, *target.reads} - {*made})
  usable.check_streams(store.streams, names)
  target.check(store, streams, image_size)
  context = input_context or tf.distribute.InputContext()
  batch_size = _per_replica(global_batch_size, context)
  pipelines, pipeline = context.num_input_pipelines, context.input_pipeline_id
  batches_a_step = context.num_replicas_in_sync // pipelines
  cut_specs, beside = _specs(
    store, names, shape, image_size, crops_resized=crops_resized, own_scale=target.own_scale
  )
  more = target.specs(store, dict(zip(names, cut_specs)))
  specs = [*cut_specs, *more.values(), tf.TensorSpec([], tf.float32)]
  fill = filling.Filler(
    specs, _reader(store, names, tuple(more), target, views), clip_store.parallel_calls()
  )

  @tf.autograph.experimental.do_not_convert  # No branch depends on values of tensors.
  def load(number: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Returns a batch, given its number among those of this pipeline."""
    step, part = number // batches_a_step, number % batches_a_step
    there = (part * batch_size + tf.range(batch_size, dtype=tf.int64)) * pipelines + pipeline
    which, draws = place(step, there)
    values = tf.numpy_function(fill, (which, draws), [spec.dtype for spec in specs], stateful=False)
    for value, spec in zip(values, specs):
      value.set_shape([batch_size, *spec.shape])
    *values, weight = values
    numbers = {name: _repeated(number, batch_size) for name, number in beside.items()}
    seen, labels = target.batch(
      dict(zip(names, values)), dict(zip(more, values[len(names) :])), made
    )
    labels |= {"weight": weight} | ({"number": which} if numbered else {})
    return seen | numbers, labels

  return _loaded(tf.data.Dataset.range(*(step * batches_a_step for step in steps)), load)


def _reader(
  store: clip_store.ClipStore,
  names: Sequence[str],
  more: Sequence[str],
  target: targets.Target,
  views: Callable[[np.ndarray], Sequence[views_lib.View]],
) -> Callable[..., None]:
  """Returns what fills the arrays of an example: streams, those of its target, and its weight."""

  def read(index: int, draws: np.ndarray, *arrays: np.ndarray) -> None:
    *arrays, weight = arrays
    cuts, made = dict(zip(names, arrays)), dict(zip(more, arrays[len(names) :]))
    video = store.videos[int(index) % len(store.videos)]
    chosen = views(draws)
    for name, clip in cuts.items():
      views_lib.cut(video, name, store.streams[name], chosen, clip.reshape(-1, *clip.shape[-4:]))
    target.write(video.labels, cuts, made)
    weight[...] = index < len(store.videos)

  return read


def _loaded(numbers: tf.data.Dataset, load: Callable) -> tf.data.Dataset:
  """Returns the batches that `load` makes of their numbers, in order, a few at a time."""
  options = tf.data.Options()
  options.threading.private_threadpool_size = _AT_A_TIME
  options.autotune.enabled = False  # Nothing is left to it; its thread may hold up the end for 1 s.
  batches = numbers.map(load, num_parallel_calls=_AT_A_TIME, deterministic=True)
  return batches.with_options(options).prefetch(1)


def _specs(
  store: clip_store.ClipStore,
  names: Sequence[str],
  shape: tuple[int, ...],
  image_size: int,
  *,
  crops_resized: bool,
  own_scale: bool,
) -> tuple[list[tf.TensorSpec], dict[str, float | np.ndarray]]:
  """Returns the specs of an example's streams, and the numbers beside a clip."""
  beside: dict[str, float | np.ndarray] = {}
  specs = []
  for name in names:
    stream = store.streams[name]
    size = stream_sizes.size(stream, image_size)
    resized = not stream.own_size and (
      store.shrunk
      or crops_resized
      or (
        not own_scale and views_lib.square_side(stream_sizes.scaled(stream, store.side)) != size[0]
      )
    )
    kept = stream_kinds.get(stream.kind).type_of(stream, resized=resized)
    specs.append(tf.TensorSpec((*shape, *size, stream.channels), kept))
    beside |= clip_values.beside(name, stream, resized=resized)
  return specs, beside


def _side(target: targets.Target, image_size: int) -> int | None:
  return image_size if target.own_scale else None


def _repeated(number: float | np.ndarray, count: int) -> tf.Tensor:
  """Returns what is beside each of the clips of a batch."""
  if isinstance(number, float):
    return tf.fill([count], number)
  return tf.tile(tf.constant(number[np.newaxis]), [count] + [1] * number.ndim)


def _per_replica(batch: int, context: tf.distribute.InputContext) -> int:
  if batch % context.num_replicas_in_sync:
    raise cli.UserError(
      f"a batch of {batch} clips cannot be divided among {context.num_replicas_in_sync} replicas; "
      "make it a multiple of their number"
    )
  return batch // context.num_replicas_in_sync

"""Measures clips per second of the input pipeline, compared with bare decoding of their frames.

    python -m tools.benchmarks.inputs --data_dir=DATASET

decode     the bare rate: OpenCV decodes the encoded images of the clips, held in memory, by as many
           threads as the pipeline has
own        the same images and threads, but decoded as the pipeline does: PNG by dataset/png.py
streaming  training batches without a cache: records are read and parsed, the frames of the clips
           decoded, cut out, mirrored, batched; resized and brightened, too, with --min_crop_area
           and --brightness
cached     the same batches from videos that were decoded before
float32    what a step then does to a batch before its network (clip_values.for_network): no part of
           the pipeline, but work that every clip needs

The clips are those that a training sees; the first four have the same frames. All are timed in
turn within every round, so that a machine whose speed drifts treats them alike; printed are medians
over the rounds, and the ratio to `decode`. Squares are 7/8 of the dataset's short side, where
frames need not be shrunk; with a smaller --image_size, streaming shrinks them first, which `decode`
does not.
"""

from collections.abc import Callable, Sequence
from concurrent import futures
import dataclasses
import os
import statistics
import tempfile
import time

from absl import flags

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset import records
from official.inputs import flow_source

_DATA = flags.DEFINE_string("data_dir", None, "Folder made by data_prep.extract.", required=True)
_FRAMES = flags.DEFINE_integer("num_frames", 16, "Frames of a clip.", lower_bound=1)
_SIZE = flags.DEFINE_integer(
  "image_size", None, "Pixels of the squares; default: 7/8 of the dataset's short side.", 8
)
_BATCH = flags.DEFINE_integer("batch_size", 8, "Clips of a batch.", lower_bound=1)
_BATCHES = flags.DEFINE_integer("batches", 40, "Batches per round.", lower_bound=8)
_CROP = flags.DEFINE_float("min_crop_area", None, "As in a training: random resized crops.")
_BRIGHTNESS = flags.DEFINE_float("brightness", 0.0, "As in a training.")
_FLOW = flags.DEFINE_enum(
  "flow", "stored", flow_source.MODES, "As in a training: with in_graph, streaming computes flow."
)
_ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds.", lower_bound=1)
_AHEAD = 4  # Batches before the clock starts: a pipeline at work has read ahead.


def main(arguments: Sequence[str]) -> None:
  del arguments
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
  data_dir = cli.resolve_path(_DATA.value)
  info = metadata.load(data_dir)
  size = _SIZE.value or round(info.short_side * 7 / 8)
  with tempfile.TemporaryDirectory() as folder:
    stores = {
      name: _open(data_dir, size, folder, mode)
      for name, mode in (("streaming", "none"), ("cached", "disk"))
    }
    images = _seen(stores["streaming"], size)
    bare, own = _decoders()
    _, threads = _decode_rate(images, bare)
    rates: dict[str, list[float]] = {
      name: [] for name in ("decode", "own", "streaming", "cached", "float32")
    }
    for _ in range(_ROUNDS.value):
      rates["decode"].append(_decode_rate(images, bare)[0])
      rates["own"].append(_decode_rate(images, own)[0])
      for name, store in stores.items():
        rates[name].append(_pipeline_rate(store, size))
      rates["float32"].append(_conversion_rate(stores["cached"], size))
  streams = sorted(flow_source.streams(info, _FLOW.value))
  print(
    f"clips of {_FRAMES.value} frames of {size}x{size}, {', '.join(streams)}; "
    f"{threads} threads; clips a second"
  )
  unit = statistics.median(rates["decode"])
  for name, several in rates.items():
    rate = statistics.median(several)
    print(f"{name:<10}{rate:>9.1f}{rate / unit:>7.2f}x")


def _open(data_dir: str, size: int, folder: str, mode: str):
  from official.inputs import clip_store

  return clip_store.open_store(
    data_dir, "train", image_size=size, cache_dir=folder, cache=mode, flow=_FLOW.value
  )


def _batches(store, size: int):
  from official.inputs import clips
  from official.inputs import views

  return clips.training_clips(
    store,
    sorted(store.streams),
    num_frames=_FRAMES.value,
    image_size=size,
    global_batch_size=_BATCH.value,
    seed=0,
    augmentation=views.Augmentation(min_crop_area=_CROP.value, brightness=_BRIGHTNESS.value),
  )


def _pipeline_rate(store, size: int) -> float:
  batches = iter(_batches(store, size))
  for _ in range(_AHEAD):
    next(batches)
  start = time.perf_counter()
  for _ in range(_BATCHES.value):
    next(batches)
  return _BATCHES.value * _BATCH.value / (time.perf_counter() - start)


def _conversion_rate(store, size: int) -> float:
  import tensorflow as tf

  from official.inputs import clip_values

  convert = tf.function(clip_values.for_network)
  ((streams, _),) = _batches(store, size).take(1)
  convert(streams)
  start = time.perf_counter()
  for _ in range(_BATCHES.value):
    converted = convert(streams)
  next(iter(converted.values()))[0, 0, 0, 0].numpy()  # waits for an accelerator
  return _BATCHES.value * _BATCH.value / (time.perf_counter() - start)


def _seen(store, size: int) -> list[list[tuple[bytes, bool]]]:
  """Returns, per clip of a round, its encoded images, each with whether it is grey."""
  clips = []

  class Watched(Sequence):
    """The videos; notes what is read of each."""

    def __len__(self):
      return len(store.videos)

    def __getitem__(self, index):
      lists = records.parse(store.videos.record(index))[1]
      images = []
      clips.append(images)

      def read(name, indices):
        stream = store.streams[name]
        encoded = lists[stream.feature]
        for number in indices:
          images.append((encoded[min(number, len(encoded) - 1)][0], stream.channels == 1))
        return video.read(name, indices)

      video = store.videos[index]
      return dataclasses.replace(video, read=read)

  for _ in _batches(dataclasses.replace(store, videos=Watched()), size).take(_BATCHES.value):
    pass
  return clips[: _BATCHES.value * _BATCH.value]


def _decoders() -> tuple[Callable[[bytes, bool], object], ...]:
  """Returns OpenCV's and the pipeline's: (encoded image, whether it is grey) -> values."""
  import cv2
  import numpy as np

  from data_prep.dataset import stored_images

  def bare(data, grey):
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    return cv2.imdecode(np.frombuffer(data, np.uint8), flag)

  return bare, lambda data, grey: stored_images.decode(data, grey=grey)


def _decode_rate(
  clips: list[list[tuple[bytes, bool]]],
  decode: Callable[[bytes, bool], object],
) -> tuple[float, int]:
  """Returns clips per second, and the number of threads."""
  from official.inputs import clip_store

  def decode_all(images):
    for data, grey in images:
      decode(data, grey)

  threads = clip_store.parallel_calls()
  with futures.ThreadPoolExecutor(threads) as pool:
    start = time.perf_counter()
    for _ in pool.map(decode_all, clips):
      pass
    return len(clips) / (time.perf_counter() - start), threads


if __name__ == "__main__":
  cli.run(main)

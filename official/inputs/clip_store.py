"""Decoded videos of one split in memory-mapped files, made once per dataset and size.

A search trains hundreds of candidates on the same clips. Decoding JPEG and PNG for each of them
again costs more than a small network's training, and `tf.data.Dataset.cache` dies with its dataset.
So the first candidate decodes every video, shrinks its frames to the short side that crops are
taken from, and writes

    <cache_dir>/<split>-<short side>-<dataset fingerprint>/
      <stream>.npy     values of all videos one after the other, flat: uint8 images, float16 flow
      index.json       per video: id, label, frames, height, width

under a temporary name, renamed into place when whole; everyone else maps the same pages. Flow
vectors are scaled with the frames, so that they stay pixels of the grid they are stored on. A video
of T frames has T flows here: the last one repeated, because nothing follows the last frame.
"""

from collections.abc import Callable, Mapping
import dataclasses
import fcntl
import json
import os
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from data_prep import dataset
from official.inputs import usable

_LABEL = "clip/label/index"
_ID = "example/id"


@dataclasses.dataclass(frozen=True)
class Video:
  """Where one video lies in the store.

  Attributes:
    id: The clip id of the manifest.
    label: Index of its class.
    frames, height, width: Its size on the store's grid.
    first_pixel: Pixels (over all frames) of the videos before it.
  """

  id: str
  label: int
  frames: int
  height: int
  width: int
  first_pixel: int


class ClipStore:
  """Read access to the videos of one split.

  Attributes:
    videos: In the order of the shards; an index into it names a video.
    streams: Name -> facts about the stream (`data_prep.dataset.StreamInfo`).
  """

  def __init__(self, directory: str, streams: Mapping[str, dataset.StreamInfo]):
    self.streams = dict(streams)
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
      rows = json.load(file)
    videos, pixel = [], 0
    for row in rows:
      videos.append(Video(**row, first_pixel=pixel))
      pixel += row["frames"] * row["height"] * row["width"]
    self.videos = tuple(videos)
    self._values = {
      name: np.load(os.path.join(directory, f"{name}.npy"), mmap_mode="r") for name in self.streams
    }

  def read(
    self,
    index: int,
    *,
    first_frame: int,
    num_frames: int,
    top: int,
    left: int,
    size: int,
    flip: bool,
  ) -> tuple[np.ndarray, ...]:
    """Returns a crop of one video: [num_frames, size, size, channels] a stream, sorted by name.

    Args:
      index: Which video.
      first_frame: First frame of the clip. Frames past the end repeat the last one, where nothing
        moves.
      num_frames: Consecutive frames to return.
      top, left, size: The square that is cut out, in pixels of the store's grid.
      flip: Mirrors left and right; the x components of flow change sign.
    """
    video = self.videos[index]
    stop = min(first_frame + num_frames, video.frames)
    rows, columns = slice(top, top + size), slice(left, left + size)
    results = []
    for name in sorted(self.streams):
      info = self.streams[name]
      values = self._values[name]
      pixels = video.frames * video.height * video.width
      start = video.first_pixel * info.channels
      clip = values[start : start + pixels * info.channels].reshape(
        video.frames, video.height, video.width, info.channels
      )[first_frame:stop, rows, columns]
      if flip:
        clip = clip[:, :, ::-1]
        if info.kind == "flow":
          clip = clip * np.array([-1, 1], clip.dtype)
      missing = num_frames - len(clip)
      if missing:
        tail = np.repeat(clip[-1:], missing, axis=0)
        clip = np.concatenate([clip, np.zeros_like(tail) if info.kind == "flow" else tail])
      results.append(np.ascontiguousarray(clip))
    return tuple(results)


def open_store(
  data_dir: str,
  split: str,
  *,
  short_side: int,
  cache_dir: str,
  progress: Callable[[int, int], None] = lambda done, total: None,
) -> ClipStore:
  """Opens the store of a split, making it first if nobody has.

  Args:
    data_dir: A dataset folder (data_prep.dataset).
    split: train, validation or test.
    short_side: Pixels of the shorter side of the stored frames.
    cache_dir: A local folder for the files.
    progress: Called with (videos done, videos in all) while the store is made.
  """
  info = dataset.load(data_dir)
  usable.check(info, data_dir, [split])
  directory = os.path.join(cache_dir, f"{split}-{short_side}-{info.fingerprint[:16]}")
  if not os.path.exists(os.path.join(directory, "index.json")):
    os.makedirs(cache_dir, exist_ok=True)
    with open(directory + ".lock", "w") as lock:
      fcntl.flock(lock, fcntl.LOCK_EX)  # released when the process ends, however it ends
      if not os.path.exists(os.path.join(directory, "index.json")):
        _make(info, data_dir, split, short_side, directory, progress)
  return ClipStore(directory, info.streams)


def _make(
  info: dataset.DatasetInfo,
  data_dir: str,
  split: str,
  short_side: int,
  directory: str,
  progress: Callable[[int, int], None],
) -> None:
  for stale in tf.io.gfile.glob(directory + ".tmp*"):
    shutil.rmtree(stale)  # of a process that was killed: we hold the lock
  temporary = tempfile.mkdtemp(
    prefix=os.path.basename(directory) + ".tmp", dir=os.path.dirname(directory)
  )
  rows = []
  counts = dict.fromkeys(info.streams, 0)
  raw = {name: open(os.path.join(temporary, f"{name}.raw"), "wb") for name in info.streams}
  for record in tf.data.TFRecordDataset(dataset.shard_paths(data_dir, split)).prefetch(2):
    video_id, label, clip = _decode(record, info.streams, short_side)
    frames, height, width = next(iter(clip.values())).shape[:3]
    for name, values in clip.items():
      raw[name].write(values.tobytes())
      counts[name] += values.size
    rows.append(
      {"id": video_id, "label": label, "frames": frames, "height": height, "width": width}
    )
    progress(len(rows), info.splits[split].clips)
  for name, file in raw.items():
    file.close()
    _add_npy_header(
      file.name, os.path.join(temporary, f"{name}.npy"), counts[name], _dtype(info.streams[name])
    )
    os.remove(file.name)
  with open(os.path.join(temporary, "index.json"), "w", encoding="utf-8") as file:
    json.dump(rows, file)
  shutil.rmtree(directory, ignore_errors=True)
  os.rename(temporary, directory)


def _add_npy_header(source: str, target: str, count: int, dtype: np.dtype) -> None:
  with open(source, "rb") as values, open(target, "wb") as file:
    np.lib.format.write_array_header_1_0(
      file,
      {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)},
    )
    shutil.copyfileobj(values, file)


def _dtype(stream: dataset.StreamInfo) -> np.dtype:
  return np.dtype(np.float16 if stream.kind == "flow" else np.uint8)


def _decode(
  record: tf.Tensor, streams: Mapping[str, dataset.StreamInfo], short_side: int
) -> tuple[str, int, dict[str, np.ndarray]]:
  context, lists = tf.io.parse_single_sequence_example(
    record,
    {_ID: tf.io.FixedLenFeature([], tf.string), _LABEL: tf.io.VarLenFeature(tf.int64)},
    {stream.feature: tf.io.FixedLenSequenceFeature([], tf.string) for stream in streams.values()},
  )
  frames = max(lists[stream.feature].shape[0] for stream in streams.values())
  clip = {
    name: _resize(lists[stream.feature], stream, frames, short_side)
    for name, stream in streams.items()
  }
  return context[_ID].numpy().decode(), int(context[_LABEL].values[0]), clip


def _resize(
  encoded: tf.Tensor, stream: dataset.StreamInfo, frames: int, short_side: int
) -> np.ndarray:
  channels = 1 if stream.channels == 1 else 3
  images = tf.stack(
    [tf.io.decode_image(image, channels=channels, expand_animations=False) for image in encoded]
  )
  height, width = images.shape[1:3]
  scale = short_side / min(height, width)
  size = [max(short_side, round(height * scale)), max(short_side, round(width * scale))]
  if stream.kind == "flow":
    vectors = dataset.decode_flow(images.numpy(), stream.bound)
    vectors = tf.image.resize(vectors, size, antialias=True).numpy()
    vectors *= np.array([size[1] / width, size[0] / height], np.float32)
    return _repeat_last(vectors, frames).astype(np.float16)
  values = tf.image.resize(images[..., : stream.channels], size, antialias=True)
  return _repeat_last(tf.saturate_cast(tf.round(values), tf.uint8).numpy(), frames)


def _repeat_last(values: np.ndarray, frames: int) -> np.ndarray:
  return np.concatenate([values, np.repeat(values[-1:], frames - len(values), axis=0)])

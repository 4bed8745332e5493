"""The videos of a split, decoded in advance or when they are needed.

A search trains hundreds of candidates on the same clips. Decoding JPEG and PNG for each of them
again costs more than a small network's training, and `tf.data.Dataset.cache` dies with its dataset.
So where there is room (cache.py), the first candidate decodes every video and writes

    <cache_dir>/<split>-<short side>-<dataset fingerprint>-<format>[-<flow>]/
      <stream>.npy     values of all videos one after the other, flat, in the type that the
                       stream's kind keeps
      index.json       per video: id, labels, frames, and (height, width) per stream

under a temporary name, renamed into place when whole; everyone else maps the same pages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
import dataclasses
import fcntl
import glob
import json
import os
import shutil
import tempfile

import cv2
import numpy as np
import tensorflow as tf

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import shapes
from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.inputs import cache as cache_lib
from official.inputs import flow_source
from official.inputs import record_index
from official.inputs import usable
from official.inputs import videos as videos_lib

_ROWS = [{"id": str, "labels": [int], "frames": int, "sizes": {str: [int]}}]  # index.json
_FORMAT = "3"  # Of the files; it is part of the folder's name.

Progress = Callable[[int, int], None]
_in_memory: dict[tuple, tuple[videos_lib.Video, ...]] = {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClipStore:
  """Read access to a split.

  Attributes:
    videos: In the order of the records; an index into it names a video.
    streams: Name -> facts about the stream; computed ones among them.
    side: Short side of their frames, in pixels.
    shrunk: Whether that of the dataset is larger.
    num_classes: Classes that labels count.
    multi_label: Whether a video may have several labels.
  """

  videos: Sequence[videos_lib.Video]
  streams: Mapping[str, StreamInfo]
  side: int
  shrunk: bool
  num_classes: int
  multi_label: bool


def open_store(
  data_dir: str,
  split: str,
  *,
  image_size: int,
  cache_dir: str,
  cache: str = "auto",
  flow: str = flow_source.STORED,
  targets: Sequence[str] = (),
  progress: Progress = lambda done, total: None,
) -> ClipStore:
  """Opens a split, decoding it first where it shall be cached and is not.

  Args:
    data_dir: A dataset folder (data_prep.dataset.metadata).
    split: train, validation or test.
    image_size: Pixels of the squares that will be cut out.
    cache_dir: A local folder for files.
    cache: How decoded videos are kept, see cache.py.
    flow: Where flow comes from, see flow_source.py.
    targets: Streams that are what a network is to find.
    progress: Called with (videos done, videos in all) while they are decoded.
  """
  info = metadata.load(data_dir)
  usable.check(info, data_dir, [split])
  streams = flow_source.streams(info, flow) | {name: info.streams[name] for name in targets}
  cv2.setNumThreads(1)  # Videos are decoded side by side; OpenCV's threads would be in the way.
  side = videos_lib.short_side(image_size, info.short_side)
  shrunk = side < info.short_side
  size = cache_lib.decoded_bytes(info.splits[split], streams, side, shrunk=shrunk)
  mode = cache_lib.choose(cache, cache_dir, size)
  kept = None
  if not files.is_url(cache_dir):
    kept = os.path.join(cache_dir, f"{split}-{info.fingerprint[:16]}.records.npy")

  def streamed() -> videos_lib.Streamed:
    return videos_lib.Streamed(streams, data_dir, split, side, kept, shrunk=shrunk)

  if mode == "disk":
    name = f"{split}-{side}-{info.fingerprint[:16]}-{_FORMAT}"
    name = "-".join([name, *([flow] if flow != flow_source.STORED else []), *targets])
    videos = _from_disk(os.path.join(cache_dir, name), streams, streamed, progress)
  elif mode == "memory":
    key = (info.fingerprint, split, side, flow, *targets)
    if key not in _in_memory:
      _in_memory[key] = tuple(
        _in_arrays(video, values) for video, values in _decoded(streamed(), streams, progress)
      )
    videos = _in_memory[key]
  else:
    videos = streamed()
  return ClipStore(
    videos=videos,
    streams=streams,
    side=side,
    shrunk=shrunk,
    num_classes=len(info.classes),
    multi_label=info.multi_label,
  )


def check(data_dir: str, *, cache_dir: str, cache: str, flow: str, image_size: int) -> None:
  """Raises UserError unless a dataset can be trained on: before hours have gone into it.

  All files are there, the first video of every split has frames of all streams and known labels,
  and there is a place for the cache. Nothing is written. Arguments as for `open_store`.
  """
  info = metadata.load(data_dir)
  usable.check(info, data_dir, ["train", "validation"])
  streams = flow_source.streams(info, flow)
  side = videos_lib.short_side(image_size, info.short_side)
  shrunk = side < info.short_side
  for split in (name for name in metadata.SPLITS if info.splits[name].clips):
    size = cache_lib.decoded_bytes(info.splits[split], streams, side, shrunk=shrunk)
    cache_lib.choose(cache, cache_dir, size)
    paths = metadata.shard_paths(data_dir, split)
    first = next((record for path in paths if (record := record_index.first(path))), None)
    if first is None:
      raise cli.UserError(
        f"{data_dir} has no {split} clips in its files, and {metadata.FILE_NAME} counts "
        f"{info.splits[split].clips}; prepare the dataset again, into another folder"
      )
    video = videos_lib.from_record(first, streams, side, shrunk=shrunk)
    for name, stream in streams.items():
      if not flow_source.is_computed(stream):
        video.frame(name, 0)
    if not info.classes and not video.labels:
      continue  # Whether a task needs labels, it says itself (official.tasks.contract).
    if not video.labels or max(video.labels) >= len(info.classes) or min(video.labels) < 0:
      raise cli.UserError(
        f"the clip {video.id!r} of {data_dir} has the labels {list(video.labels)}, and there are "
        f"{len(info.classes)} classes; prepare the dataset again, into another folder"
      )
  files.check_writable(cache_dir, f"the folder of decoded videos, `cache_dir`={cache_dir}")


def parallel_calls() -> int:
  """Returns how many videos are read at a time: as many as an operation has threads."""
  return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))


def _decoded(
  videos: Sequence[videos_lib.Video],
  streams: Mapping[str, StreamInfo],
  progress: Progress,
) -> Iterator[tuple[videos_lib.Video, dict[str, np.ndarray]]]:
  """Yields every video in order, with {stream: [frames, height, width, channels]}."""

  def decode(index: int):
    video = videos[index]
    return video, {name: _stacked(video, name, stream) for name, stream in streams.items()}

  threads = parallel_calls()
  with futures.ThreadPoolExecutor(threads) as pool:
    for start in range(0, len(videos), 4 * threads):
      several = range(start, min(start + 4 * threads, len(videos)))
      for index, decoded in zip(several, pool.map(decode, several)):
        yield decoded
        progress(index + 1, len(videos))


def _stacked(video: videos_lib.Video, name: str, stream: StreamInfo) -> np.ndarray:
  frames = video.read(name, range(video.frames))
  return np.stack([frame[..., : stream.channels] for frame in frames])


def _in_arrays(video: videos_lib.Video, values: Mapping[str, np.ndarray]) -> videos_lib.Video:
  return dataclasses.replace(video, read=_reader(values))


def _reader(
  values: Mapping[str, np.ndarray],
) -> Callable[[str, Sequence[int]], Iterator[np.ndarray]]:
  """Returns `Video.read` of frames that are there, [frames, height, width, channels] by stream."""
  return lambda name, indices: (values[name][index] for index in indices)


def _from_disk(
  directory: str,
  streams: Mapping[str, StreamInfo],
  streamed: Callable[[], videos_lib.Streamed],
  progress: Progress,
) -> tuple[videos_lib.Video, ...]:
  if not os.path.exists(os.path.join(directory, "index.json")):
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    with open(directory + ".lock", "w") as lock:
      fcntl.flock(lock, fcntl.LOCK_EX)  # released when the process ends, however it ends
      if not os.path.exists(os.path.join(directory, "index.json")):
        _write(directory, streams, _decoded(streamed(), streams, progress))
  return _map(directory, streams)


def _write(
  directory: str,
  streams: Mapping[str, StreamInfo],
  decoded: Iterator[tuple[videos_lib.Video, dict[str, np.ndarray]]],
) -> None:
  for stale in glob.glob(glob.escape(directory) + ".tmp*"):
    shutil.rmtree(stale)  # of a process that was killed: we hold the lock
  temporary = tempfile.mkdtemp(
    prefix=os.path.basename(directory) + ".tmp", dir=os.path.dirname(directory)
  )
  rows = []
  counts = dict.fromkeys(streams, 0)
  types = {}
  raw = {name: open(os.path.join(temporary, f"{name}.raw"), "wb") for name in streams}
  for video, clip in decoded:
    for name, values in clip.items():
      raw[name].write(values.tobytes())
      counts[name] += values.size
      types[name] = values.dtype
    sizes = {name: values.shape[1:3] for name, values in clip.items()}
    rows.append({"id": video.id, "labels": video.labels, "frames": video.frames, "sizes": sizes})
  for name, file in raw.items():
    file.close()
    _add_npy_header(
      file.name,
      os.path.join(temporary, f"{name}.npy"),
      counts[name],
      types[name],
    )
    os.remove(file.name)
  with open(os.path.join(temporary, "index.json"), "w", encoding="utf-8") as file:
    json.dump(rows, file)
  files.settle_tree(temporary)
  shutil.rmtree(directory, ignore_errors=True)
  os.rename(temporary, directory)
  files.settle_folder(os.path.dirname(directory))


def _map(directory: str, streams: Mapping[str, StreamInfo]) -> tuple[videos_lib.Video, ...]:
  remedy = f"delete {directory}, so that the videos are decoded again"
  path = os.path.join(directory, "index.json")
  with open(path, "rb") as file:
    rows = shapes.parse(file.read(), _ROWS, path, remedy)
  try:
    flat = {
      name: np.load(os.path.join(directory, f"{name}.npy"), mmap_mode="r") for name in streams
    }
  except (ValueError, EOFError, OSError) as error:
    raise cli.UserError(
      f"the decoded videos in {directory} are damaged ({error}); {remedy}"
    ) from error
  position = dict.fromkeys(streams, 0)
  videos = []
  for row in rows:
    values = {}
    for name, stream in streams.items():
      shape = (row["frames"], *row["sizes"].get(name, ()), stream.channels)
      start, count = position[name], int(np.prod(shape))
      if len(shape) != 4 or start + count > len(flat[name]):
        raise cli.UserError(
          f"the decoded videos in {directory} are damaged: {name}.npy is too "
          f"short, or of other videos; {remedy}"
        )
      values[name] = np.asarray(flat[name])[start : start + count].reshape(shape)
      position[name] += count
    videos.append(
      videos_lib.Video(
        id=row["id"],
        labels=tuple(row["labels"]),
        frames=row["frames"],
        read=_reader(values),
      )
    )
  return tuple(videos)


def _add_npy_header(source: str, target: str, count: int, dtype: np.dtype) -> None:
  with open(source, "rb") as values, open(target, "wb") as file:
    np.lib.format.write_array_header_1_0(
      file,
      {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)},
    )
    shutil.copyfileobj(values, file)

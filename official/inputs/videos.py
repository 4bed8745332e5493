"""Videos on the grid that crops are taken from.

Networks see squares cut out of frames. The frames are brought to one short side first, the *grid*:
8/7 of the square, as 256 is to 224, or that of the dataset where it is smaller. What that does to
values is told by the kinds of the streams (data_prep.dataset.stream_kinds). A video is the same on
the grid, to the bit, whether it was decoded before (clip_store.py) or is decoded now, from its
record, frame by frame as frames are asked for.

A stream of another scale has a grid of its own, at so many times the short side. One of a size of
its own stays as it is, and a network sees all of it.

A video of T frames has T images in every stream: where a stream has fewer, as flow has because
nothing follows the last frame, the last one is repeated. Flow that is computed from the frames
(flow_source.py) is computed at the dataset's size and brought to the grid as stored flow is; of a
single frame it is zero.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
import dataclasses
import functools

import numpy as np
import tensorflow as tf

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo
from official.inputs import flow_source
from official.inputs import record_index
from official.inputs import stream_sizes

_MARGIN = 8 / 7
_PAIRS = 8  # whose flow is computed together: more are no faster on a CPU
_grid_size = functools.cache(stored_images.short_side_size)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Video:
  """One video of a dataset.

  Attributes:
    id: The clip id of the manifest.
    labels: Indices of its classes.
    frames: How many it has.
    read: (stream, ascending indices) -> frames [height, width, channels], one after the other:
      as they are kept, of the stream's channels or more. Streams may differ in size by a rounded
      pixel.
  """

  id: str
  labels: tuple[int, ...]
  frames: int
  read: Callable[[str, Sequence[int]], Iterator[np.ndarray]]

  def frame(self, stream: str, index: int) -> np.ndarray:
    """Returns a single frame, as `read` does."""
    return next(iter(self.read(stream, [index])))


def short_side(image_size: int, dataset_short_side: int) -> int:
  """Returns the short side, in pixels, of the grid for squares of `image_size`."""
  return min(round(image_size * _MARGIN), dataset_short_side)


class Streamed(Sequence):
  """The videos of a split, in the order of its records, each decoded when it is asked for."""

  def __init__(
    self,
    streams: Mapping[str, StreamInfo],
    data_dir: str,
    split: str,
    side: int,
    kept: str | None,
    *,
    shrunk: bool,
  ):
    """Finds the records.

    Args:
      streams: Those of the dataset that are wanted, and computed ones (flow_source.py).
      data_dir: The dataset folder.
      split: train, validation or test.
      side: Short side of the grid.
      kept: Where positions of records are kept (record_index.py).
      shrunk: Whether the dataset's short side is larger.
    """
    self._streams, self._side, self._shrunk = streams, side, shrunk
    self._paths = metadata.shard_paths(data_dir, split)
    self._index = record_index.locate(self._paths, kept)

  def __len__(self) -> int:
    return len(self._index)

  def __getitem__(self, index: int) -> Video:
    return from_record(self.record(index), self._streams, self._side, shrunk=self._shrunk)

  def record(self, index: int) -> bytes:
    """Returns the serialized SequenceExample of a video."""
    file, position = self._index[index].tolist()
    return record_index.read(self._paths[file], position)


def from_record(
  record: bytes, streams: Mapping[str, StreamInfo], side: int, *, shrunk: bool
) -> Video:
  """Returns the video in a serialized SequenceExample; a frame is decoded when it is asked for.

  Args:
    record: The SequenceExample.
    streams: Those that are wanted.
    side: Short side of the grid.
    shrunk: Whether that of the dataset is larger.

  Raises:
    UserError: It has no frames of a stream, or, later, a frame cannot be decoded.
  """
  example = tf.train.SequenceExample.FromString(record)
  context, lists = example.context.feature, example.feature_lists.feature_list
  video_id = b"".join(context["example/id"].bytes_list.value).decode()
  encoded = {name: lists[stream.feature].feature for name, stream in streams.items()}
  for name, images in encoded.items():
    if not images:
      raise cli.UserError(
        f"the clip {video_id!r} has no frames of the stream {name!r} "
        f"({streams[name].feature}), which dataset.json lists; prepare the dataset again"
      )

  def decode(name: str, index: int) -> np.ndarray:
    images = encoded[name]
    image = stream_kinds.get(streams[name].kind).decode(
      images[min(index, len(images) - 1)].bytes_list.value[0], streams[name]
    )
    if image is None:
      raise cli.UserError(
        f"frame {index} of the stream {name!r} of the clip {video_id!r} cannot be decoded; "
        "prepare the dataset again"
      )
    return image

  def read(name: str, indices: Sequence[int]) -> Iterator[np.ndarray]:
    stream = streams[name]
    stored = (decode(name, index) for index in indices)
    if flow_source.is_computed(stream):
      stored = _computed(functools.partial(decode, name), len(encoded[name]), indices, stream.bound)
    return (_on_grid(image, stream, side, shrunk=shrunk) for image in stored)

  return Video(
    id=video_id,
    labels=tuple(context["clip/label/index"].int64_list.value),
    frames=max(len(images) for images in encoded.values()),
    read=read,
  )


def _computed(
  picture: Callable[[int], np.ndarray], count: int, indices: Sequence[int], bound: float
) -> Iterator[np.ndarray]:
  """Yields flow, uint8 [height, width, 3] as stored, from each of the frames to the next.

  Args:
    picture: Index -> RGB, uint8 [height, width, 3].
    count: Frames in all.
    indices: Which flow is wanted, ascending.
    bound: Pixels that 8 bits reach.
  """
  picture = functools.lru_cache(2)(picture)  # The second of a pair is the first of the next.
  for start in range(0, len(indices), _PAIRS):
    firsts = [min(index, max(count - 2, 0)) for index in indices[start : start + _PAIRS]]
    distinct = sorted(set(firsts))
    pairs = np.stack(
      [np.stack([picture(index), picture(min(index + 1, count - 1))]) for index in distinct]
    )
    flows = dict(zip(distinct, flow_source.compute(pairs, bound)))
    yield from (flows[index] for index in firsts)


def _on_grid(image: np.ndarray, stream: StreamInfo, side: int, *, shrunk: bool) -> np.ndarray:
  """Brings a stored image to the grid."""
  columns, rows = image.shape[1], image.shape[0]
  if stream.own_size:
    shrunk = False
  else:
    columns, rows = _grid_size(columns, rows, stream_sizes.scaled(stream, side))
  return stream_kinds.get(stream.kind).resize(image, stream, columns, rows, shrunk=shrunk)

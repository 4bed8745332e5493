"""Videos on the grid that crops are taken from.

Networks see squares cut out of frames. The frames are brought to one short side first, the *grid*:
8/7 of the square, as 256 is to 224, or that of the dataset where it is smaller. Images are 8-bit,
averaged where they shrink; flow is float16, shrunk alike, its vectors in pixels of the grid. A
video is the same on the grid, to the bit, whether it was decoded before (clip_store.py) or is
decoded now, from its record, frame by frame as frames are asked for.

A video of T frames has T flows here: the last one repeated, because nothing follows the last frame.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import functools

import cv2
import numpy as np
import tensorflow as tf

from data_prep import cli
from data_prep import dataset
from data_prep import decoding
from official.inputs import record_index

_MARGIN = 8 / 7

Read = Callable[[str, int, int], Sequence[np.ndarray]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Video:
  """One video of a dataset.

  Attributes:
    id: The clip id of the manifest.
    labels: Indices of its classes.
    frames: How many it has.
    read: (stream, start, stop) -> frames `start` to `stop` (exclusive), each [height, width,
      channels]: uint8 images, float16 flow. Streams may differ in size by a rounded pixel.
  """

  id: str
  labels: tuple[int, ...]
  frames: int
  read: Read


def short_side(image_size: int, info: dataset.DatasetInfo) -> int:
  """Returns the short side, in pixels, of the grid for squares of `image_size`."""
  return min(round(image_size * _MARGIN), info.short_side)


class Streamed(Sequence):
  """The videos of a split, in the order of its records, each decoded when it is asked for."""

  def __init__(
    self, info: dataset.DatasetInfo, data_dir: str, split: str, side: int, kept: str | None
  ):
    """Finds the records.

    Args:
      info: What the folder holds.
      data_dir: The dataset folder.
      split: train, validation or test.
      side: Short side of the grid.
      kept: Where positions of records are kept (record_index.py).
    """
    self._info, self._side = info, side
    self._paths = dataset.shard_paths(data_dir, split)
    self._index = record_index.locate(self._paths, kept)

  def __len__(self) -> int:
    return len(self._index)

  def __getitem__(self, index: int) -> Video:
    file, position, length = self._index[index].tolist()
    record = record_index.read(self._paths[file], position, length)
    return from_record(record, self._info.streams, self._side)


def from_record(record: bytes, streams: Mapping[str, dataset.StreamInfo], side: int) -> Video:
  """Returns the video in a serialized SequenceExample; each frame is decoded at most once.

  Raises:
    UserError: It has no frames of a stream, or, while frames are read, one cannot be decoded.
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

  @functools.cache
  def frame(name: str, index: int) -> np.ndarray:
    data = encoded[name][index].bytes_list.value[0]
    try:
      return _on_grid(data, streams[name], side)
    except cv2.error as error:
      raise cli.UserError(
        f"frame {index} of the stream {name!r} of the clip {video_id!r} cannot be decoded; "
        "prepare the dataset again"
      ) from error

  def read(name: str, start: int, stop: int) -> list[np.ndarray]:
    last = len(encoded[name]) - 1
    return [frame(name, min(index, last)) for index in range(start, stop)]

  return Video(
    id=video_id,
    labels=tuple(context["clip/label/index"].int64_list.value),
    frames=max(len(images) for images in encoded.values()),
    read=read,
  )


def _on_grid(encoded: bytes, stream: dataset.StreamInfo, side: int) -> np.ndarray:
  """Decodes a frame and brings it to the grid."""
  flag = cv2.IMREAD_GRAYSCALE if stream.channels == 1 else cv2.IMREAD_COLOR_RGB
  image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flag)
  if image is None:
    raise cv2.error("no image")
  height, width = image.shape[:2]
  columns, rows = decoding.short_side_size(width, height, side)
  if stream.kind == "flow":
    vectors = decoding.resized(_vectors(image, stream.bound), columns, rows)
    if vectors.shape[:2] != (height, width):
      vectors = cv2.multiply(vectors, (columns / width, rows / height, 0, 0))
    return cv2.convertFp16(vectors).view(np.float16)
  image = decoding.resized(image, columns, rows)
  return image.reshape(rows, columns, -1)[..., : stream.channels]


def _vectors(image: np.ndarray, bound: float) -> np.ndarray:
  """Returns what `dataset.decode_flow` does, float32 [height, width, 2], in a third of the time."""
  vectors = np.empty((*image.shape[:2], 2), np.uint8)
  cv2.mixChannels([image], [vectors], [0, 0, 1, 1])
  return cv2.LUT(vectors, _flow_table(bound))


@functools.cache
def _flow_table(bound: float) -> np.ndarray:
  every = np.arange(256, dtype=np.uint8)
  return np.ascontiguousarray(dataset.decode_flow(np.stack([every, every], -1), bound)[:, 0])

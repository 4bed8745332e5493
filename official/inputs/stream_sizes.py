"""Sizes of streams, as a network sees them. No TensorFlow.

A stream follows the dataset's frames, at its scale, and a network sees a square of it; or it has a
size of its own, and a network sees all of it (data_prep.dataset.streams).
"""

from collections.abc import Mapping

from data_prep.dataset.streams import StreamInfo


def scaled(stream: StreamInfo, side: int) -> int:
  """Returns a number of pixels of the dataset's frames in pixels of a stream."""
  return side if stream.scale is None else max(1, round(side * stream.scale))


def size(stream: StreamInfo, image_size: int) -> tuple[int, int]:
  """Returns height and width, in pixels, of what a network sees of a stream.

  Args:
    stream: Which one.
    image_size: Side of the square that it sees of the dataset's frames.
  """
  return stream.own_size or (scaled(stream, image_size),) * 2


def others(streams: Mapping[str, StreamInfo], image_size: int) -> dict[str, tuple[int, int]]:
  """Returns the sizes, by stream, of those that are not squares of `image_size`."""
  sizes = {name: size(stream, image_size) for name, stream in streams.items()}
  return {name: found for name, found in sizes.items() if found != (image_size, image_size)}

"""Film strips of a dataset's clips: a few frames side by side, and the optical flow beneath.

Clips are found by their place in their split, which is the order of the records in its files. Only
the lengths of the records before one are read, so that it costs little in a large dataset.
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import struct

import cv2
import numpy as np

from data_prep.common import files
from data_prep.dataset import flow_colors
from data_prep.dataset import metadata
from data_prep.dataset import records
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import FLOW
from data_prep.dataset.streams import FRAMES
from data_prep.dataset.streams import StreamInfo

_MOMENTS = 6
_HEIGHT = 88  # Pixels of a frame.
_GAP = 3
_HEADER, _FOOTER = 12, 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Strip:
  """A clip as a picture.

  Attributes:
    clip: Its id.
    png: The picture.
    fastest: Pixels of a frame pair at which colours of flow are strongest; None without flow.
  """

  clip: str
  png: bytes
  fastest: float | None


def read(
  data_dir: str, info: metadata.DatasetInfo, split: str, wanted: Mapping[int, str]
) -> dict[int, Strip]:
  """Returns strips by place; of clips that are where they are said to be.

  Args:
    data_dir: The dataset's folder.
    info: Its content.
    split: train, validation or test.
    wanted: Clip ids by their places in the split.

  Raises:
    OSError, ValueError, UserError: A file cannot be read.
  """
  found = {}
  for place, record in _records(metadata.shard_paths(data_dir, split), set(wanted)):
    context, lists = records.parse(record)
    if b"".join(context["example/id"]).decode() == wanted[place]:
      found[place] = _strip(wanted[place], lists, info.streams)
  return found


def wheel() -> bytes:
  """Returns the key to the colours of flow, as PNG."""
  return stored_images.encode(flow_colors.wheel(_HEIGHT), "png")


def stacked(strips: Sequence[bytes]) -> bytes | None:
  """Returns PNG files one below the other, of those that can be decoded; None if there is none."""
  decoded = [stored_images.decode(strip, grey=False) for strip in strips]
  pictures = [picture for picture in decoded if picture is not None]
  if not pictures:
    return None
  width = max(picture.shape[1] for picture in pictures)
  lines = [
    np.pad(picture, ((0, _GAP), (0, width - picture.shape[1]), (0, 0)), constant_values=255)
    for picture in pictures
  ]
  return stored_images.encode(np.concatenate(lines)[:-_GAP], "png")


def _records(paths: tuple[str, ...], wanted: set[int]) -> Iterator[tuple[int, bytes]]:
  place = 0
  for path in paths:
    if place > max(wanted, default=-1):
      return
    with files.open_to_read(path) as file:
      while header := file.read(_HEADER):
        length = struct.unpack("<Q", header[:8])[0]
        if place in wanted:
          file.seek(-_HEADER, 1)
          yield place, next(records.read_records(file))
        else:
          file.seek(length + _FOOTER, 1)
        place += 1


def _strip(clip: str, lists: Mapping[str, list], streams: Mapping[str, StreamInfo]) -> Strip:
  shown = [name for name in (FRAMES, FLOW) if name in streams and lists.get(streams[name].feature)]
  if not shown:
    shown = [name for name in streams if lists.get(streams[name].feature)][:1]
  lines, fastest = [], None
  frames = max(len(lists[streams[name].feature]) for name in shown)
  moments = np.unique(np.linspace(0, frames - 1, min(_MOMENTS, frames)).round().astype(int))
  for name in shown:
    stream, images = streams[name], lists[streams[name].feature]
    kind = stream_kinds.get(stream.kind)
    decode = functools.partial(kind.decode, stream=stream)
    # The last flow stands for the last frame, too.
    found = [decode(images[min(moment, len(images) - 1)][0]) for moment in moments]
    stored = [levels for levels in found if levels is not None]
    if len(stored) < len(found):
      raise ValueError(f"a frame of {clip} cannot be decoded")
    seen = np.stack([kind.seen(levels, stream) for levels in stored])
    scale = None
    if name == FLOW:
      scale = fastest = max(float(np.percentile(np.hypot(*np.moveaxis(seen, -1, 0)), 99)), 0.5)
    lines.append(_line([kind.picture(one, scale) for one in seen]))
  gap = np.full((_GAP, lines[0].shape[1], 3), 255, np.uint8)
  stacked = [lines[0]] + [part for line in lines[1:] for part in (gap, line)]
  png = stored_images.encode(np.concatenate(stacked), "png")
  return Strip(clip=clip, png=png, fastest=fastest)


def _line(pictures: list[np.ndarray]) -> np.ndarray:
  height, width = pictures[0].shape[:2]
  size = (max(1, round(width * _HEIGHT / height)), _HEIGHT)
  way = cv2.INTER_AREA if height > _HEIGHT else cv2.INTER_NEAREST
  gap = np.full((_HEIGHT, _GAP, 3), 255, np.uint8)
  pieces = [part for one in pictures for part in (cv2.resize(one, size, interpolation=way), gap)]
  return np.concatenate(pieces[:-1], axis=1)

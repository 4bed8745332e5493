"""Masks of a manifest: the class of every pixel of a video, from files of their own.

The manifest's column `mask` has, for each clip, a folder of PNG images (grey, or with a palette
whose index is the class), one for every `every`-th frame of the video, or a video or array as
streams have (stream_files.py). A value is the number of a class; 255 does not count. A dataset
frame has the mask of the video's frame that it shows; 255 everywhere where there is none.

Everything that can be wrong with them is found before any clip is made: masks are small.
"""

from collections.abc import Iterator, Sequence
import concurrent.futures
import dataclasses
from fractions import Fraction
import os
import struct
import zlib

import cv2
import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import clocks
from data_prep.dataset import decoding
from data_prep.dataset import rows
from data_prep.dataset import seeking
from data_prep.dataset import stream_files
from data_prep.dataset.limits import Limits
from data_prep.dataset.stream_inputs import StreamInput
from data_prep.dataset.stream_kinds.mask import IGNORED
from data_prep.dataset.video_file import VideoFile

NAME = COLUMN = KIND = "mask"
FEATURE = "CLASS_SEGMENTATION/image/encoded"
_FILES_AT_A_TIME = 8
_PALETTE = 3  # Colour type of a PNG.
_SLACK = 1.5  # Masks by which a folder may have more or fewer than its video says.


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskInput(StreamInput):
  """The masks of a manifest.

  Attributes:
    every: One mask for so many frames of a video.
    classes: Names in the order of their numbers; empty until the masks have told how many.
  """

  name: str = NAME
  kind: str = KIND
  scale: float | None = 1.0
  every: int = 1
  classes: tuple[str, ...] = ()

  @property
  def column(self) -> str:
    return COLUMN

  @property
  def feature(self) -> str:
    return FEATURE

  def frames(
    self, row: rows.Row, times: Sequence[Fraction], fps: float, limits: Limits
  ) -> Iterator[np.ndarray]:
    """Yields the mask of each moment, uint8 [height, width, 1]."""
    location = row.stream_locations[NAME]
    names = _images(location)
    if not names:
      rate = decoding.exact(self.rate or fps)
      yield from map(_ids, stream_files.shown(location, times, rate, limits))
      return
    rate = _rate(row.location)
    first = _read(location, names[0])
    for moment in times:
      index, off = divmod(int((moment + seeking.ROUNDING) * rate), self.every)
      there = not off and index < len(names)
      yield _read(location, names[index]) if there else np.full_like(first, IGNORED)


def column_of(manifest: str) -> bool:
  """Returns whether a manifest has masks."""
  try:
    first = files.read_bytes(manifest).decode("utf-8-sig").splitlines()[:1]
  except (OSError, UnicodeDecodeError):
    return False  # Told where its rows are read.
  return bool(first) and COLUMN in [name.strip() for name in first[0].split(",")]


def looked_at(given: MaskInput, all_rows: Sequence[rows.Row], manifest: str) -> MaskInput:
  """Returns the masks with the names of their classes.

  Raises:
    UserError: Masks are missing, of another size or number than the video's frames, or have a
      number beyond the classes.
  """

  def look(row: rows.Row) -> int:
    try:
      return _look(given, row)
    except (stream_files.StreamError, decoding.DecodeError, decoding.ClockError) as error:
      raise cli.UserError(
        f"{manifest}, row {row.number}: the mask {row.streams[NAME]} {error}"
      ) from error

  in_order = sorted(all_rows, key=lambda row: row.number)
  with concurrent.futures.ThreadPoolExecutor(_FILES_AT_A_TIME) as threads:
    largest = max(threads.map(look, in_order))
  classes = given.classes or tuple(map(str, range(largest + 1)))
  facts = {"channels": 1, "format": "png", "classes": classes}
  return dataclasses.replace(given, classes=classes, facts=facts)


def _look(given: MaskInput, row: rows.Row) -> int:
  """Returns the largest class of a clip's masks, 0 if there is none."""
  location, names = row.stream_locations[NAME], _images(row.stream_locations[NAME])
  masks = (
    ((name, _read(location, name)) for name in names)
    if names
    else ((f"frame {k}", _ids(frame)) for k, frame in enumerate(stream_files.every(location)))
  )
  size, count = _shown_size(row.location), 0
  largest = 0
  for name, mask in masks:
    count += 1
    height, width = mask.shape[:2]
    if size and (width, height) != size:
      raise stream_files.StreamError(
        f"has {name} of {width}x{height} pixels, and frames of the video have {size[0]}x{size[1]}"
      )
    counted = mask[mask != IGNORED]
    found = int(counted.max()) if counted.size else 0
    if given.classes and found >= len(given.classes):
      raise stream_files.StreamError(
        f"has the number {found} in {name}, and `mask_classes` names {len(given.classes)} classes, "
        f"0 to {len(given.classes) - 1}; {IGNORED} does not count"
      )
    largest = max(largest, found)
  if names and size:
    _check_count(given, row, count)
  return largest


def _check_count(given: MaskInput, row: rows.Row, count: int) -> None:
  frames = decoding.length(row.location) * float(_rate(row.location))
  if abs(count - frames / given.every) > _SLACK:
    raise stream_files.StreamError(
      f"has {count} images, and its video {round(frames)} frames; `mask_every`={given.every} needs "
      f"one for every {given.every} of them"
    )


def _shown_size(location: str) -> tuple[int, int] | None:
  """Returns (width, height) of a video as it is shown; None if that cannot be told now."""
  if files.is_url(location) or not os.path.isfile(location):
    return None
  try:
    first = next(decoding.frames(location, clock=decoding.CLOCKS[0]))[1]
    height, width = decoding.upright_rgb(first).shape[:2]
  except Exception:  # The clip fails, and says why.
    return None
  return width, height


def _rate(location: str) -> Fraction:
  with VideoFile(location) as video:
    return clocks.rate(video.stream)


def _images(location: str) -> list[str]:
  if files.is_url(location) and os.path.splitext(location)[1]:
    return []
  return [name for name in files.names(location) if name.lower().endswith(".png")]


def _read(folder: str, name: str) -> np.ndarray:
  """Returns the numbers of a PNG, uint8 [height, width, 1]; indices of one with a palette."""
  data = files.read_bytes(files.join(folder, name))
  depth, colour_type = data[24:26] if len(data) > 25 else (0, 0)
  if colour_type == _PALETTE:  # As grey levels, its indices come out as they are.
    header = b"IHDR" + data[16:25] + b"\0" + data[26:29]
    data = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
  image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
  if image is None:
    raise stream_files.StreamError(f"has {name}, which is no PNG that can be decoded")
  if colour_type == _PALETTE and depth < 8:
    image = image // (255 // (2**depth - 1))
  return _ids(image if image.ndim == 3 else image[..., np.newaxis])


def _ids(frame: np.ndarray) -> np.ndarray:
  """Returns the numbers of a frame, uint8 [height, width, 1]."""
  if frame.dtype != np.uint8 or not (frame == frame[..., :1]).all():
    raise stream_files.StreamError(
      f"has colours, or values of {frame.dtype}; a mask has one number of 8 bits for each pixel"
    )
  return np.ascontiguousarray(frame[..., :1])

"""Masks: the class of every pixel, as its number, 0 to 254; 255 where it does not count.

They are what a network is to find, and not what it reads (`is_target`). They are stored as PNG,
without loss, and kept as uint8. Resizing takes the nearest pixel. Past the end of a video nothing
counts.
"""

import cv2
import numpy as np

from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds.kind import StreamKind
from data_prep.dataset.streams import StreamInfo

IGNORED = 255
MOST_CLASSES = 255
_DARK = 40  # Grey level in which a page shows what does not count.


class Mask(StreamKind):
  """The kind `mask`."""

  def fault(self, stream: StreamInfo) -> str | None:
    if not stream.classes or len(stream.classes) > MOST_CLASSES:
      count = len(stream.classes or ())
      return f"has {count} classes, and masks have 1 to {MOST_CLASSES}"
    if stream.format != "png":
      return f"has the format {stream.format!r}, and masks are kept exactly in png alone"
    return super().fault(stream)

  def describe(self, stream: StreamInfo) -> str:
    return ", ".join(f"{index} {name}" for index, name in enumerate(stream.classes))

  def encode(self, seen: np.ndarray, stream: StreamInfo) -> bytes:
    return stored_images.encode(seen.reshape(seen.shape[:2]), stream.format)

  def fitted(self, seen: np.ndarray, stream: StreamInfo, width: int, height: int) -> np.ndarray:
    return _nearest(seen, width, height)

  def kept_type(self, *, resized: bool) -> np.dtype:
    return np.dtype(np.uint8)

  def resize(
    self, levels: np.ndarray, stream: StreamInfo, width: int, height: int, *, shrunk: bool
  ) -> np.ndarray:
    return _nearest(levels, width, height).reshape(height, width, 1)

  def cut(self, part: np.ndarray, stream: StreamInfo, target: np.ndarray) -> None:
    height, width = target.shape[:2]
    np.copyto(target, _nearest(part, width, height).reshape(target.shape))

  def mirror(self, clip: np.ndarray) -> None:
    clip[...] = clip[:, :, ::-1].copy()

  def hold(self, clip: np.ndarray, there: int) -> None:
    clip[there:] = IGNORED

  def thumbnail(self, seen: np.ndarray, width: int, height: int) -> np.ndarray:
    return _nearest(seen, width, height)

  def picture(self, seen: np.ndarray, scale: float | None) -> np.ndarray:
    ids = seen.reshape(seen.shape[:2])
    return colours()[ids]


def colours() -> np.ndarray:
  """Returns the colour of every id, RGB, uint8 [256, 3]: black, then hues that lie far apart."""
  hues = (np.arange(256) * 137.5 % 360 / 2).astype(np.uint8)  # The golden angle.
  hsv = np.stack([hues, np.full(256, 170, np.uint8), np.full(256, 230, np.uint8)], -1)
  made = cv2.cvtColor(hsv[np.newaxis], cv2.COLOR_HSV2RGB)[0]
  made[0], made[IGNORED] = 0, _DARK
  return made


def _nearest(ids: np.ndarray, width: int, height: int) -> np.ndarray:
  if ids.shape[:2] == (height, width):
    return ids
  return cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


KIND = stream_kinds.register(
  Mask(name="mask", channels=(1,), unit="number of the class", is_target=True)
)

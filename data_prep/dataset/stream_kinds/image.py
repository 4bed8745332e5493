"""Images: grey levels from 0 to 255, in one to three channels.

They are stored as JPEG or PNG, kept in 8 bits at every size, and are the only values that have a
brightness. A network takes them as -1 (black) to 1.
"""

from collections.abc import Sequence
import functools
from typing import Any

import cv2
import numpy as np

from data_prep.dataset import looks_wrong
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds.kind import Source
from data_prep.dataset.stream_kinds.kind import StreamKind
from data_prep.dataset.streams import StreamInfo


class Image(StreamKind):
  """The kind `image`."""

  def prepared(self, source: Source) -> dict[str, Any]:
    if source.dtype != np.uint8 or source.channels not in (1, 3):
      raise ValueError(
        f"has {source.channels} channels of {source.dtype}, and images have 1 or 3 of uint8; "
        "the kind array takes others"
      )
    return {"channels": source.channels, "format": "jpeg" if source.is_video else "png"}

  def fitted(self, seen: np.ndarray, stream: StreamInfo, width: int, height: int) -> np.ndarray:
    return stored_images.resized(seen, width, height)

  def encode(self, seen: np.ndarray, stream: StreamInfo) -> bytes:
    return stored_images.encode(seen, stream.format)

  def kept_type(self, *, resized: bool) -> np.dtype:
    return np.dtype(np.uint8)

  def resize(
    self, levels: np.ndarray, stream: StreamInfo, width: int, height: int, *, shrunk: bool
  ) -> np.ndarray:
    image = stored_images.resized(levels, width, height)
    return image.reshape(height, width, -1)[..., : stream.channels]

  def cut(self, part: np.ndarray, stream: StreamInfo, target: np.ndarray) -> None:
    if part.shape != target.shape:
      part = cv2.resize(part, target.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    np.copyto(target, part.reshape(target.shape))

  def vary(self, clip: np.ndarray, brightness: int) -> None:
    np.copyto(clip, cv2.LUT(clip.reshape(-1), _levels(brightness)).reshape(clip.shape))

  def mirror(self, clip: np.ndarray) -> None:
    lines = clip.reshape(-1, *clip.shape[2:])
    cv2.flip(lines, 1, lines)

  def hold(self, clip: np.ndarray, there: int) -> None:
    clip[there:] = clip[there - 1]

  def signs(
    self, frames: Sequence[np.ndarray], cut_off: float, length: int
  ) -> list[tuple[str, str]]:
    return looks_wrong.in_pictures(frames, length)


@functools.cache
def _levels(brightness: int) -> np.ndarray:
  """Returns what the grey levels 0..255 become, uint8."""
  return np.clip(np.arange(256) + brightness, 0, 255).astype(np.uint8)


KIND = stream_kinds.register(Image(name="image", channels=(1, 2, 3), unit="[-1, 1]"))

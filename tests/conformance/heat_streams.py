"""A stream kind that is not in the tree: heat, in degrees Celsius. Its other file is
heat_stream_tensors.py."""

import numpy as np

from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds.kind import StreamKind
from data_prep.dataset.streams import StreamInfo

COLDEST, STEP = -20.0, 0.5  # Degrees of level 0, and from one level to the next.


class Heat(StreamKind):
  """One channel, stored as PNG: level = (degrees - COLDEST) / STEP."""

  def describe(self, stream: StreamInfo) -> str:
    return f"{COLDEST:g} to {COLDEST + 255 * STEP:g} degrees"

  def encode(self, seen: np.ndarray, stream: StreamInfo) -> bytes:
    levels = np.clip(np.rint((seen - COLDEST) / STEP), 0, 255).astype(np.uint8)
    return stored_images.encode(levels, stream.format)

  def seen(self, levels: np.ndarray, stream: StreamInfo) -> np.ndarray:
    return levels * np.float32(STEP) + np.float32(COLDEST)

  def kept_type(self, *, resized: bool) -> np.dtype:
    return np.dtype(np.uint8)

  def resize(
    self, levels: np.ndarray, stream: StreamInfo, width: int, height: int, *, shrunk: bool
  ) -> np.ndarray:
    return stored_images.resized(levels, width, height).reshape(height, width, 1)

  def cut(self, part: np.ndarray, stream: StreamInfo, target: np.ndarray) -> None:
    target[...] = stored_images.resized(part, *target.shape[1::-1]).reshape(target.shape)

  def mirror(self, clip: np.ndarray) -> None:
    clip[...] = clip[:, :, ::-1].copy()

  def hold(self, clip: np.ndarray, there: int) -> None:
    clip[there:] = clip[there - 1]

  def picture(self, seen: np.ndarray, scale: float | None) -> np.ndarray:
    return np.repeat(((seen - COLDEST) / STEP).astype(np.uint8)[..., np.newaxis], 3, axis=-1)


KIND = stream_kinds.register(
  Heat(
    name="heat_streams.heat", channels=(1,), unit="degrees Celsius", tensors="heat_stream_tensors"
  )
)

"""Optical flow: two channels (x, y), in pixels from a frame to the next one.

It is stored as 8-bit images (x, y, 0) with

    v = round(128 + 128 * flow / bound), clipped to 0..255,    flow = (v - 128) / 128 * bound

so that zero is exactly zero, and one step is bound / 128 px. A clip of T frames has T - 1 flows;
the last one is repeated for the last frame, which nothing follows.

Because flow is in pixels, it changes with the picture:

* resizing h x w pixels to a square of s scales it by (s / w, s / h). It is kept as float16 then,
  whose precision is finer than that of 8 bits; of its own size it stays in these;
* mirroring negates x;
* the flow of a brighter video is the same;
* past the end of a video nothing moves.
"""

from collections.abc import Sequence
import functools
from typing import Any

import cv2
import numpy as np

from data_prep.dataset import flow_colors
from data_prep.dataset import looks_wrong
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds.kind import Chart
from data_prep.dataset.stream_kinds.kind import Source
from data_prep.dataset.stream_kinds.kind import StreamKind
from data_prep.dataset.streams import GIVEN
from data_prep.dataset.streams import StreamInfo

ZERO = 128  # What no motion is stored as.
# Halving the resolution of colour, as JPEG does, would cost flow twice the error.
_FULL_COLOUR = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)


def step(bound: float) -> float:
  """Returns the pixels from one stored level to the next."""
  return bound / 128


def to_levels(flow: np.ndarray, bound: float) -> np.ndarray:
  """Quantises flow [..., 2] (x, y), in pixels, to a uint8 image [..., 3] (x, y, 0)."""
  image = np.zeros((*flow.shape[:-1], 3), np.uint8)
  image[..., :2] = np.clip(np.rint(ZERO + flow * np.float32(128 / bound)), 0, 255)
  return image


def to_pixels(levels: np.ndarray, bound: float) -> np.ndarray:
  """Returns float32 flow [..., 2] (x, y), in pixels, from a uint8 image [..., 2 or more]."""
  return (levels[..., :2].astype(np.float32) - np.float32(ZERO)) * np.float32(step(bound))


def vectors(kept: np.ndarray, stream: StreamInfo) -> np.ndarray:
  """Returns float32 flow [height, width, 2], in pixels, from (part of) a frame as it is kept."""
  if kept.dtype == np.float16:
    return cv2.convertFp16(kept.view(np.int16))  # OpenCV takes float16 by its bits.
  stored = np.empty((*kept.shape[:2], 2), np.uint8)
  cv2.mixChannels([kept], [stored], [0, 0, 1, 1])
  return cv2.LUT(stored, _meanings(stream.bound))


class Flow(StreamKind):
  """The kind `flow`."""

  def fault(self, stream: StreamInfo) -> str | None:
    if not stream.bound or stream.bound < 0:
      return f"has the bound {stream.bound}, and flow needs one above 0, in pixels"
    return super().fault(stream)

  def describe(self, stream: StreamInfo) -> str:
    made = " ".join(filter(None, (stream.algorithm, stream.profile)))
    return ", ".join(filter(None, (made, f"bound {stream.bound:g} pixels")))

  def prepared(self, source: Source) -> dict[str, Any]:
    if source.dtype.kind != "f" or source.channels != 2:
      raise ValueError(
        f"has {source.channels} channels of {source.dtype}, and flow has 2 of a float type, "
        "(x, y) in pixels from a frame to the next"
      )
    how = {"bound": source.bound, "algorithm": GIVEN, "profile": GIVEN}
    return {"channels": 2, "format": "png"} | how

  def fitted(self, seen: np.ndarray, stream: StreamInfo, width: int, height: int) -> np.ndarray:
    rows, columns = seen.shape[:2]
    seen = seen.astype(np.float32)
    if (rows, columns) == (height, width):
      return seen
    return stored_images.resized(seen, width, height) * np.float32([width / columns, height / rows])

  def encode(self, seen: np.ndarray, stream: StreamInfo) -> bytes:
    parameters = _FULL_COLOUR if stream.format == "jpeg" else ()
    return stored_images.encode(to_levels(seen, stream.bound), stream.format, parameters)

  def kept_type(self, *, resized: bool) -> np.dtype:
    return np.dtype(np.float16 if resized else np.uint8)

  def resize(
    self, levels: np.ndarray, stream: StreamInfo, width: int, height: int, *, shrunk: bool
  ) -> np.ndarray:
    rows, columns = levels.shape[:2]
    if (rows, columns) == (height, width) and not shrunk:
      return levels
    resized = stored_images.resized(vectors(levels, stream), width, height)
    flow = cv2.multiply(resized, (width / columns, height / rows, 0, 0))
    return cv2.convertFp16(flow).view(np.float16) if shrunk else to_levels(flow, stream.bound)

  def cut(self, part: np.ndarray, stream: StreamInfo, target: np.ndarray) -> None:
    if target.dtype == np.uint8:
      cv2.mixChannels([part], [target], [0, 0, 1, 1])
      return
    size, (rows, columns) = len(target), part.shape[:2]
    if part.dtype == np.uint8 or (rows, columns) != (size, size):
      resized = cv2.resize(vectors(part, stream), (size, size), interpolation=cv2.INTER_LINEAR)
      scaled = cv2.multiply(resized, (size / columns, size / rows, 0, 0))
      part = cv2.convertFp16(scaled).view(np.float16)
    np.copyto(target, part)

  def mirror(self, clip: np.ndarray) -> None:
    flow = clip.reshape(-1, *clip.shape[2:])
    if clip.dtype == np.uint8:
      cv2.flip(flow, 1, flow)
      lines = flow.reshape(len(flow), -1)
      inverted, one = _negative_x(*flow.shape[:2])
      cv2.add(cv2.bitwise_xor(lines, inverted, lines), one, lines)
      return
    bits = flow.view(np.int16)
    cv2.flip(bits, 1, bits)
    lines = bits.reshape(len(bits), -1)
    np.bitwise_xor(lines, _signs_of_x(flow.shape[1]), out=lines)

  def hold(self, clip: np.ndarray, there: int) -> None:
    clip[there:] = ZERO if clip.dtype == np.uint8 else 0

  def seen(self, levels: np.ndarray, stream: StreamInfo) -> np.ndarray:
    return to_pixels(levels, stream.bound)

  def measured(self, frames: np.ndarray, stream: StreamInfo) -> tuple[np.ndarray, float]:
    """Returns how fast things move, at sampled places, and the share of values at the bound."""
    sampled = frames[:, ::4, ::4]
    speeds = np.hypot(sampled[..., 0], sampled[..., 1]).ravel()
    return speeds, float((np.abs(sampled) >= stream.bound * 127 / 128).mean())

  def signs(
    self, frames: Sequence[np.ndarray], cut_off: float, length: int
  ) -> list[tuple[str, str]]:
    return looks_wrong.in_flow(cut_off)

  def picture(self, seen: np.ndarray, scale: float | None) -> np.ndarray:
    return flow_colors.colors(seen, scale)

  def chart(
    self, name: str, stream: StreamInfo, numbers: np.ndarray, cut_off: float, scale: float
  ) -> Chart:
    still = float((numbers < 0.5).mean())
    return Chart(
      numbers=np.minimum(numbers, 2 * scale),
      axis="pixels a frame",
      caption=f"{name}: how fast things move; {still:.0%} is slower than half a pixel, "
      f"{cut_off:.2%} is at the bound of {stream.bound:g}",
      key=flow_colors.wheel(120),
      key_name="colour wheel",
      key_caption=f"{name}: colours; full at {scale:.1f} pixels a frame",
    )


@functools.cache
def _meanings(bound: float) -> np.ndarray:
  """Returns the flow that each level means, float32 [256]."""
  levels = np.arange(256, dtype=np.uint8)
  return to_pixels(np.stack([levels, levels], -1), bound)[:, 0].copy()


@functools.cache
def _signs_of_x(size: int) -> np.ndarray:
  """Returns the sign bits of x in a line of flow, int16 [2 * size]."""
  return np.tile(np.int16([-(2**15), 0]), size)


@functools.cache
def _negative_x(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
  """Returns what makes 256 - v of stored x, or 255 of 0: the bits to turn over, then a number to
  add; uint8 [rows, 2 * columns] each, for x and y in turn."""
  return tuple(np.tile(np.uint8([of_x, 0]), (rows, columns)) for of_x in (255, 1))


KIND = stream_kinds.register(Flow(name="flow", channels=(2,), unit="pixels per frame pair"))

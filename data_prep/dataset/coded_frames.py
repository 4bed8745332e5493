"""Frames that have been through a video codec, beside those that have not.

    h264:38     H.264 by libx264 at a constant rate factor of 38 (0 to 51; more is worse)

The frames of a clip, at the dataset's size and rate, are encoded as one video and decoded again:
what comes out has the artefacts of real coding, with motion compensation, B-frames and colour at
half the resolution. A clip is coded by itself, from its own first frame. Frames of an odd width or
height are coded with one more pixel, which is a copy, and cut to their size again.

The result is stored as PNG, because its artefacts are the point: JPEG would add its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import dataclasses
from fractions import Fraction
import typing

import numpy as np

from data_prep.common import cli
from data_prep.dataset import records
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo

if typing.TYPE_CHECKING:
  import av

NAME = "degraded"  # Of the stream.
FEATURE = f"{NAME}/image/encoded"
INFO = StreamInfo(kind="image", channels=3, feature=FEATURE, format="png")
_CODEC, _WORST = "h264", 51
_ENCODER, _PRESET = "libx264", "medium"


@dataclasses.dataclass(frozen=True)
class Coding:
  """How frames are coded: H.264 with a constant rate factor."""

  crf: int


def parse(text: str) -> Coding:
  """Returns what a text such as `h264:38` stands for; raises UserError if it is none such."""
  codec, _, number = text.partition(":")
  if codec != _CODEC or not number.isdecimal() or int(number) > _WORST:
    raise cli.UserError(
      f"`degrade`={text} is not {_CODEC}:CRF, such as {_CODEC}:38, with a whole number from 0 "
      f"(nearly lossless) to {_WORST} (worst); other degradations are made in training "
      "(official.train --degrade)"
    )
  return Coding(int(number))


class Coder:
  """Codes the frames of one clip, which come one by one."""

  def __init__(self, coding: Coding, fps: Fraction):
    """Makes a coder of frames that follow each other at `fps` a second, which x264 considers."""
    self._coding, self._fps = coding, fps
    self._encoder: av.VideoCodecContext | None = None
    self._size, self._count = (0, 0), 0
    self.stored: list[bytes] = []

  def add(self, rgb: np.ndarray) -> int:
    """Codes a frame, uint8 [height, width, 3], and returns the bytes that were stored.

    Those that come out belong to frames of some time ago: an encoder looks ahead.
    """
    import av

    if self._encoder is None:
      self._open(*rgb.shape[:2])
    even = np.pad(rgb, [(0, side % 2) for side in self._size] + [(0, 0)], "edge")
    frame = av.VideoFrame.from_ndarray(even, format="rgb24")
    frame.pts, self._count = self._count, self._count + 1
    return self._store(self._decoded(self._encoder.encode(frame)))

  def finish(self) -> int:
    """Gets out the frames that the codec still holds, and returns the bytes that were stored."""
    if self._encoder is None:
      return 0
    held = self._store(self._decoded(self._encoder.encode(None)))
    held += self._store(iter(self._decoder.decode(None)))
    if len(self.stored) != self._count:
      raise ValueError(f"{len(self.stored)} of {self._count} frames came back from {_ENCODER}")
    return held

  def features(
    self, timestamps: Sequence[Sequence[int]]
  ) -> tuple[dict[str, records.Values], dict[str, list]]:
    """Returns what a clip's record has of the stream: its context, and its feature lists."""
    prefix = FEATURE.removesuffix("encoded")
    height, width = self._size
    context: dict[str, records.Values] = {
      prefix + "format": [INFO.format.upper().encode()],
      prefix + "channels": [INFO.channels],
      prefix + "width": [width],
      prefix + "height": [height],
      prefix + "frame_rate": [float(self._fps)],
    }
    return context, {FEATURE: [[one] for one in self.stored], prefix + "timestamp": timestamps}

  def _open(self, height: int, width: int) -> None:
    import av

    self._size = (height, width)
    self._encoder = av.CodecContext.create(_ENCODER, "w")
    self._encoder.width, self._encoder.height = width + width % 2, height + height % 2
    self._encoder.pix_fmt = "yuv420p"
    self._encoder.time_base, self._encoder.framerate = 1 / self._fps, self._fps
    self._encoder.options = {"crf": str(self._coding.crf), "preset": _PRESET}
    self._decoder = av.CodecContext.create(_CODEC, "r")
    for context in (self._encoder, self._decoder):
      context.thread_count = 1  # More would give other bits.

  def _decoded(self, packets: Sequence[av.Packet]) -> Iterator[av.VideoFrame]:
    for packet in packets:
      yield from self._decoder.decode(packet)

  def _store(self, frames: Iterator[av.VideoFrame]) -> int:
    height, width = self._size
    kind, before = stream_kinds.get(INFO.kind), len(self.stored)
    for frame in frames:
      self.stored.append(kind.encode(frame.to_ndarray(format="rgb24")[:height, :width], INFO))
    return sum(map(len, self.stored[before:]))

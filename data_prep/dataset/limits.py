"""Limits that no file of a manifest can make a worker exceed.

A clip that would exceed one is a failure of stage `limit`; it is never cut short in silence. What
is counted follows from the file alone, not from the machine, so that equal bytes stay equal. The
memory that a clip needs is bounded by `max_megabytes`, while it is collected, and by a few decoded
frames of `max_megapixels`.
"""

import dataclasses

LONGEST_SIDE = 16  # Times the shorter; enlarging that side of a thinner picture makes it huge.


class LimitError(Exception):
  """A clip would exceed a limit; the text says which, and what can be done."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
  """The limits, named as the flags.

  Attributes:
    max_clip_seconds: Length of a clip.
    max_frames: Frames decoded for a clip, from the key frame before its start.
    max_megapixels: Size of a frame of the file.
    max_megabytes: Size of a clip's encoded frames and flows.
  """

  max_clip_seconds: float = 300.0
  max_frames: int = 100_000
  max_megapixels: float = 35.0
  max_megabytes: float = 500.0

  @property
  def max_pixels(self) -> int:
    """`max_megapixels` in pixels."""
    return round(self.max_megapixels * 1e6)

  def check_picture(self, width: int, height: int) -> None:
    """Raises LimitError for frames that are too large or too thin."""
    if width * height > self.max_pixels:
      raise LimitError(
        f"frames of {width}x{height}, more than --max_megapixels={self.max_megapixels:g}"
      )
    if max(width, height) > LONGEST_SIDE * min(width, height):
      raise LimitError(
        f"frames of {width}x{height}: one side is more than {LONGEST_SIDE} times the other"
      )

  def check_decoded(self, frames: int) -> None:
    """Raises LimitError when this many decoded frames are too many."""
    if frames > self.max_frames:
      raise LimitError(
        f"more than --max_frames={self.max_frames} to decode from the key frame "
        "before the clip's start; give end in the manifest, or raise it"
      )

  def check_clip(self, seconds: float, size: int) -> None:
    """Raises LimitError when a clip of so many seconds and encoded bytes is too much."""
    remedy = "give start and end in the manifest, or --window_seconds, or raise it"
    if seconds > self.max_clip_seconds:
      raise LimitError(f"longer than --max_clip_seconds={self.max_clip_seconds:g}; {remedy}")
    if size > self.max_megabytes * 1e6:
      raise LimitError(
        f"more than --max_megabytes={self.max_megabytes:g} of encoded frames and flows; {remedy}"
      )


DEFAULT = Limits()

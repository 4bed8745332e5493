"""Signs that something is wrong with a clip: what a person would see at once, among a few.

A sign is no proof, and no clip is left out because of it: a network can be trained on still clips,
and two recordings may be alike. What is looked at are the frames that the preview reads, eight of
each clip, and for duplicates the bytes of all stored frames.

    still         no picture differs from the first by more than STILL grey levels in the mean
    black         half of the pictures or more are darker than BLACK in the mean
    one colour    half of the pictures or more have one colour nearly everywhere
    extreme flow  more than EXTREME of the flow is as large as what is stored can be
    duplicate     the stored frames of an earlier clip
"""

from collections.abc import Mapping, Sequence
import dataclasses
import hashlib

import numpy as np

STILL, BLACK, PLAIN, EXTREME = 0.5, 10.0, 2.0, 0.05


@dataclasses.dataclass(frozen=True)
class Sign:
  """A sign that something is wrong with a clip.

  Attributes:
    kind: One of `still`, `black`, `one colour`, `extreme flow`, `duplicate`.
    clip_id, split: The clip.
    about: What was seen.
  """

  kind: str
  clip_id: str
  split: str
  about: str


def in_pictures(pictures: Sequence[np.ndarray], frames: int) -> list[tuple[str, str]]:
  """Returns kind and details of the signs in images of one stream.

  Args:
    pictures: RGB, uint8 [height, width, 3], moments of the clip.
    frames: Frames of the clip; a clip of one frame is an image, which may be still.
  """
  found, moments = [], [picture.astype(np.float32) for picture in pictures]
  largest = max((float(np.abs(one - moments[0]).mean()) for one in moments), default=0.0)
  if frames > 1 and largest <= STILL:
    found.append(("still", f"its pictures differ by {largest:.1f} grey levels at most"))
  dark = sum(float(one.mean()) < BLACK for one in moments)
  plain = sum(float(one.std(axis=(0, 1)).max()) < PLAIN for one in moments)
  if 2 * dark >= len(moments):
    found.append(("black", f"{dark} of {len(moments)} pictures"))
  elif 2 * plain >= len(moments):
    found.append(("one colour", f"{plain} of {len(moments)} pictures"))
  return found


def in_flow(cut_off: float) -> list[tuple[str, str]]:
  """Returns the sign that flow may be cut off; `cut_off` is the share of such values."""
  if cut_off <= EXTREME:
    return []
  return [("extreme flow", f"{cut_off:.0%} of its values reach the bound")]


def digest(frames: Mapping[str, Sequence[bytes]]) -> bytes:
  """Returns what equal clips share: a digest of all stored frames of all streams."""
  found = hashlib.blake2b(digest_size=16)
  for name in sorted(frames):
    found.update(f"{name} {len(frames[name])}\n".encode())
    for data in frames[name]:
      found.update(hashlib.blake2b(data, digest_size=16).digest())
  return found.digest()


class Duplicates:
  """The clips whose frames were seen before."""

  def __init__(self):
    self._first: dict[bytes, tuple[str, str]] = {}

  def look(self, clip_id: str, split: str, content: bytes) -> list[tuple[str, str]]:
    """Returns the sign that a clip is a duplicate, which names the first."""
    first_id, first_split = self._first.setdefault(content, (clip_id, split))
    if first_id == clip_id:
      return []
    leak = f", in the split {first_split}: the splits share it" if first_split != split else ""
    return [("duplicate", f"of {first_id}{leak}")]

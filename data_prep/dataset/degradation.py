"""Degradations: what makes of good frames the worse ones that a network learns to restore.

    bicubic:2       shrunk by 2 with the bicubic filter, antialiased (Keys, 1981, a = -0.5)
    gauss:1.6:4     blurred by a Gaussian of 1.6 pixels, then every fourth pixel of it ("BD")
    gauss:1.6       blurred alone
    jpeg:10         through JPEG of quality 10
    drop:2          every second frame missing, filled by the mean of its two neighbours
    stream:degraded  none of these: the frames of a stream of the dataset, as data preparation coded
                     them (coded_frames.py)
    bicubic:2+jpeg:30   one after the other; a stream comes first

A chain is computed where clips are cut (official.inputs.targets), from the 8-bit square that is the
truth, so that training and evaluation see the same; what arrives in serving is degraded already.
The result is rounded to 8 bits after every link, as it would be stored. A chain has no chance in
it: what is random about a clip (its place, mirroring, brightness) comes before it, keyed by (seed,
step).

Frame 0 of a clip is never missing, and a last frame that is missing is its neighbour's copy. No
TensorFlow.
"""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import types

import cv2
import numpy as np

from data_prep.common import cli

SEPARATOR = "+"
_FORMS = ("bicubic:FACTOR", "gauss:SIGMA[:FACTOR]", "jpeg:QUALITY", "drop:N", "stream:NAME")
_STREAM = "stream"
_FACTORS = (2, 3, 4, 8)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Link:
  """One degradation.

  Attributes:
    name: bicubic, gauss, jpeg, drop or stream.
    scale: By what width and height shrink.
    number: The Gaussian's sigma in pixels, or the quality of JPEG.
    period: One frame of so many is missing; 0: none.
    stream: Name of the stream that is read.
  """

  name: str
  scale: int = 1
  number: float = 0.0
  period: int = 0
  stream: str = ""


@dataclasses.dataclass(frozen=True)
class Chain:
  """Degradations, the first of which comes first."""

  links: tuple[Link, ...]

  @property
  def stream(self) -> str:
    """Stream of the dataset that has the frames to begin with; "" for its own frames."""
    return self.links[0].stream

  @property
  def scale(self) -> int:
    """By what width and height shrink in all."""
    return int(np.prod([link.scale for link in self.links]))

  def missing(self, count: int) -> np.ndarray:
    """Returns which of the frames of a clip are missing, bool [count]; none without `drop`."""
    found = np.zeros(count, bool)
    for link in self.links:
      if link.period:
        found |= np.arange(count) % link.period == link.period - 1
    return found

  def apply(self, frames: np.ndarray) -> np.ndarray:
    """Returns the degraded frames of a clip, uint8 [time, height / scale, width / scale, 3].

    Args:
      frames: RGB, uint8 [time, height, width, 3]; `scale` divides height and width. Of a chain
        that begins with a stream, those of the stream.
    """
    for link in self.links[bool(self.stream) :]:
      frames = _APPLIED[link.name](frames, link)
    return frames


def parse(text: str) -> Chain:
  """Returns the chain that a text such as `bicubic:2+jpeg:30` stands for.

  Raises:
    UserError: There is no such degradation, or a number is out of its range.
  """
  links = tuple(_link(part, text) for part in text.split(SEPARATOR))
  if any(link.stream for link in links[1:]):
    raise cli.UserError(f"`degrade`={text}: {_STREAM}:NAME is where frames come from; put it first")
  return Chain(links)


def check_size(text: str, side: int) -> None:
  """Raises UserError where a square of `side` pixels cannot be shrunk by a chain's scale."""
  scale = parse(text).scale
  if side % scale:
    raise cli.UserError(
      f"`degrade`={text} shrinks frames by {scale}, which does not divide `image_size`={side}; "
      f"give `image_size`={max(side - side % scale, scale)}"
    )


def _link(part: str, text: str) -> Link:
  name, *numbers = part.split(":")
  if name == _STREAM and len(numbers) == 1 and numbers[0]:
    return Link(name=name, stream=numbers[0])
  try:
    values = [float(number) for number in numbers]
    if name == "bicubic" and len(values) == 1 and values[0] in _FACTORS:
      return Link(name=name, scale=int(values[0]))
    if name == "gauss" and len(values) in (1, 2) and 0 < values[0] <= 20:
      factor = values[1] if len(values) == 2 else 1
      if factor in (1, *_FACTORS):
        return Link(name=name, number=values[0], scale=int(factor))
    if name == "jpeg" and len(values) == 1 and values[0] in range(1, 101):
      return Link(name=name, number=values[0])
    if name == "drop" and values == [2]:
      return Link(name=name, period=2)
  except ValueError:
    pass
  raise cli.UserError(
    f"`degrade`={text}: there is no degradation {part!r}; give {', '.join(_FORMS)}, or several "
    f"with {SEPARATOR} between them, where a factor is {', '.join(map(str, _FACTORS))}, a sigma "
    "above 0 and at most 20, a quality from 1 to 100, and N is 2"
  )


def _whole(values: np.ndarray) -> np.ndarray:
  return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _bicubic(frames: np.ndarray, link: Link) -> np.ndarray:
  values = _shrunk(_shrunk(frames.astype(np.float32), 1, link.scale), 2, link.scale)
  return _whole(values)


def _gauss(frames: np.ndarray, link: Link) -> np.ndarray:
  blurred = [
    cv2.GaussianBlur(frame, (0, 0), link.number, borderType=cv2.BORDER_REFLECT_101)
    for frame in frames
  ]
  first = link.scale // 2  # The middle of each square of pixels, or just right of it.
  return np.ascontiguousarray(np.stack(blurred)[:, first :: link.scale, first :: link.scale])


def _jpeg(frames: np.ndarray, link: Link) -> np.ndarray:
  quality = [cv2.IMWRITE_JPEG_QUALITY, int(link.number)]
  coded = (cv2.imencode(".jpg", frame[..., ::-1], quality)[1] for frame in frames)
  return np.stack([cv2.imdecode(one, cv2.IMREAD_COLOR)[..., ::-1] for one in coded])


def _drop(frames: np.ndarray, link: Link) -> np.ndarray:
  filled, last = frames.copy(), len(frames) - 1
  for index in range(link.period - 1, len(frames), link.period):
    before = frames[index - 1].astype(np.uint16)
    after = frames[index + 1] if index < last else before
    filled[index] = (before + after + 1) // 2
  return filled


def _shrunk(values: np.ndarray, axis: int, factor: int) -> np.ndarray:
  """Returns float32 values that are filtered and thinned out along an axis.

  Sums go tap by tap, so that they depend on no library's threads. Pixels beyond the border are
  those mirrored at it.
  """
  around = 2 * factor
  weights = _taps(factor)
  padding = [(0, 0)] * values.ndim
  padding[axis] = (around, around)
  padded = np.moveaxis(np.pad(values, padding, "symmetric"), axis, 0)
  length = values.shape[axis] // factor
  total = np.zeros((length, *padded.shape[1:]), np.float32)
  for offset, weight in weights.items():
    start = around + offset
    total += weight * padded[start : start + (length - 1) * factor + 1 : factor]
  return np.moveaxis(total, 0, axis)


@functools.cache
def _taps(factor: int) -> Mapping[int, np.float32]:
  """Returns the weights of the antialiased filter by the offset from a square's first pixel."""
  centre = (factor - 1) / 2
  offsets = [one for one in range(-2 * factor, 3 * factor) if abs(one - centre) < 2 * factor]
  weights = _keys((np.array(offsets) - centre) / factor)
  return dict(zip(offsets, (weights / weights.sum()).astype(np.float32)))


def _keys(distance: np.ndarray) -> np.ndarray:
  """Returns the cubic convolution kernel of Keys with a = -0.5."""
  far = np.abs(distance)
  near = 1.5 * far**3 - 2.5 * far**2 + 1
  rim = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
  return np.where(far <= 1, near, np.where(far < 2, rim, 0.0))


_APPLIED: Mapping[str, Callable[[np.ndarray, Link], np.ndarray]] = types.MappingProxyType(
  {"bicubic": _bicubic, "gauss": _gauss, "jpeg": _jpeg, "drop": _drop}
)

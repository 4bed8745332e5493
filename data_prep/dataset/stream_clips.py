"""The further streams of a clip: read from their files, aligned, stored, and measured.

Each dataset frame gets the stream's frame that is nearest to it in time. A record says, besides,
how many values each channel of a measured stream has in the clip, their mean and their spread, so
that those of the train split follow without reading the frames again.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses
from fractions import Fraction
import functools
import math

import numpy as np

from data_prep.dataset import decoding
from data_prep.dataset import records
from data_prep.dataset import rows
from data_prep.dataset import stored_images
from data_prep.dataset import stream_files
from data_prep.dataset import stream_kinds
from data_prep.dataset.limits import Limits
from data_prep.dataset.stream_inputs import StreamInput
from data_prep.dataset.streams import StreamInfo

_ASPECT = 1.05  # By which the shape of an aligned stream may differ from that of the frames.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moments:
  """Count, mean and variance of the values of each channel.

  Attributes:
    count: How many values.
    mean: The mean of each channel.
    variance: The variance of each channel.
  """

  count: int
  mean: tuple[float, ...]
  variance: tuple[float, ...]

  @classmethod
  def of(cls, values: np.ndarray) -> "Moments":
    """Returns those of values [n, channels]."""
    exact = values.astype(np.float64)
    if not len(exact):
      zeros = (0.0,) * exact.shape[1]
      return cls(count=0, mean=zeros, variance=zeros)
    return cls(
      count=len(exact), mean=tuple(exact.mean(0).tolist()), variance=tuple(exact.var(0).tolist())
    )

  def __add__(self, other: "Moments") -> "Moments":
    """Returns those of both sets of values together (Chan et al., 1979)."""
    count = self.count + other.count
    if not count:
      return self
    share = other.count / count
    difference = np.subtract(other.mean, self.mean)
    mean = np.add(self.mean, difference * share)
    variance = (
      np.multiply(self.variance, 1 - share)
      + np.multiply(other.variance, share)
      + difference**2 * share * (1 - share)
    )
    return Moments(count=count, mean=tuple(mean.tolist()), variance=tuple(variance.tolist()))


def features(
  given: StreamInput,
  row: rows.Row,
  times: Sequence[Fraction],
  frame_size: tuple[int, int],
  *,
  fps: float,
  short_side: int,
  limits: Limits,
) -> tuple[dict[str, records.Values], dict[str, list]]:
  """Returns what a clip's record has of a stream: its context, and its feature lists.

  Args:
    given: Which stream.
    row: The clip.
    times: Seconds of the clip's frames.
    frame_size: (width, height) of these.
    fps: Dataset frames a second.
    short_side: Pixels of their shorter side.
    limits: What a clip may cost.

  Raises:
    StreamError: The file cannot be used.
    LimitError: It would cost too much.
  """
  info, prefix = given.info, given.feature.removesuffix("encoded")
  kind = stream_kinds.get(info.kind)
  stored, moments, size, shown = [], None, 0, (0, 0)
  before, encoded = None, b""
  for frame in given.frames(row, times, fps, limits):
    if before is None or not np.array_equal(frame, before):
      _check(frame, info, frame_size, scale=given.scale)
      fitted = frame
      if given.scale is not None:
        side = max(1, round(short_side * given.scale))
        width, height = stored_images.short_side_size(*frame_size, side)
        fitted = kind.fitted(frame, info, width, height)
      encoded = kind.encode(fitted, info)
    before, shown = frame, fitted.shape[1::-1]
    stored.append(encoded)
    size += len(encoded)
    limits.check_clip(len(stored) / fps, size)
    if kind.measures():
      found = Moments.of(kind.counted(frame))
      moments = found if moments is None else moments + found
  context: dict[str, records.Values] = {
    prefix + "format": [info.format.upper().encode()],
    prefix + "channels": [info.channels],
    prefix + "width": [int(shown[0])],
    prefix + "height": [int(shown[1])],
    prefix + "frame_rate": [float(fps)],
  }
  if moments is not None:
    context[prefix + "values"] = [moments.count]
    context[prefix + "mean"] = list(moments.mean)
    context[prefix + "variance"] = list(moments.variance)
  stamps = [[round(time * 1_000_000)] for time in times]
  return context, {info.feature: [[one] for one in stored], prefix + "timestamp": stamps}


def _check(
  frame: np.ndarray, info: StreamInfo, frame_size: tuple[int, int], *, scale: float | None
) -> None:
  """Raises StreamError for a frame that is not what the first file of the manifest promised."""
  height, width, channels = frame.shape
  if info.dtype is not None and str(frame.dtype) != info.dtype or channels != info.channels:
    raise stream_files.StreamError(f"has a frame of {channels} channels of {frame.dtype}")
  if info.own_size and (height, width) != info.own_size:
    raise stream_files.StreamError(f"has a frame of {height}x{width} pixels")
  columns, rows = frame_size
  ratio = (width * rows) / (height * columns)
  if scale is not None and not 1 / _ASPECT <= ratio <= _ASPECT:
    raise stream_files.StreamError(
      f"has frames of {height}x{width} pixels (height x width), and the video's, of "
      f"{rows}x{columns}, have another shape; a stream without a scale has a size of its own"
    )


def moments_of(record: bytes, inputs: Sequence[StreamInput]) -> dict[str, Moments]:
  """Returns the moments of a clip's measured streams, by name, from its record."""
  measured = [one for one in inputs if stream_kinds.get(one.kind).measures()]
  if not measured:
    return {}
  context = records.parse(record)[0]
  found = {}
  for one in measured:
    prefix = one.feature.removesuffix("encoded")
    found[one.name] = Moments(
      count=context[prefix + "values"][0],
      mean=tuple(context[prefix + "mean"]),
      variance=tuple(context[prefix + "variance"]),
    )
  return found


def with_moments(
  infos: Mapping[str, StreamInfo], clips: Iterable[Mapping[str, Mapping]]
) -> dict[str, StreamInfo]:
  """Returns streams with mean and spread over clips of the train split.

  Args:
    infos: The streams, by name.
    clips: For each shard in order, the fields of Moments by stream.
  """
  parts = list(clips)
  made = {}
  for name, info in infos.items():
    if stream_kinds.get(info.kind).measures():
      found = [Moments(**one[name]) for one in parts if name in one]
      empty = Moments.of(np.zeros((0, info.channels)))
      total = functools.reduce(Moments.__add__, found, empty)
      spread = tuple(math.sqrt(one) for one in total.variance)
      info = dataclasses.replace(info, mean=total.mean, spread=spread)
    made[name] = info
  return made


def times_of(begin: Fraction, count: int, fps: float) -> list[Fraction]:
  """Returns the seconds of a clip's frames."""
  step = 1 / decoding.exact(fps)
  return [begin + index * step for index in range(count)]

"""Files of streams that are no frames of the video itself: arrays, folders of images, videos.

    x.npy              [time, height, width, channels], or [time, height, width] of one channel
    x.npz              the same as its only array; `timestamps` beside it: the second of each frame
    a folder           PNG or TIFF images of 8 or 16 bits, one a frame, in the order of their names
    anything else      a video

Frame k of a stream is due at second k / rate, or when its timestamps say; second 0 is that of the
clip's video (decoding.py). Of each moment that is asked for comes the frame nearest to it.
"""

import bisect
from collections.abc import Iterable, Iterator, Sequence
import dataclasses
from fractions import Fraction
import functools
import io
import os
import threading
import typing
import zipfile

import cv2
import numpy as np

from data_prep.common import files
from data_prep.dataset import decoding
from data_prep.dataset import seeking
from data_prep.dataset.limits import Limits

IMAGES = (".png", ".tif", ".tiff")
TIMESTAMPS = "timestamps"
_HALF = Fraction(1, 2)
# NumPy parses the header of an array as Python, and CPython's parser counts its depth for all
# threads together (cpython issue 106905): two at once fail now and then with a SystemError.
_ONE_HEADER_AT_A_TIME = threading.Lock()


class StreamError(ValueError):
  """A file cannot be used as a stream; the text says why, without the path."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
  """The facts about a stream's file that can be had without reading all of it.

  Attributes:
    frames: How many it has; None of a video, which would have to be decoded.
    height, width: Pixels of its first frame.
    channels: Channels of its first frame.
    dtype: Type of its values.
    seconds: Where its timestamps, or a video, end; None where the rate tells.
  """

  frames: int | None
  height: int
  width: int
  channels: int
  dtype: np.dtype
  seconds: float | None = None

  @property
  def is_video(self) -> bool:
    """Whether it is a video."""
    return self.frames is None


class _Stack(typing.NamedTuple):
  """Frames that can be had by their number.

  Attributes:
    count: How many there are.
    frame: Number -> [height, width, channels].
    times: Their seconds; None where a rate tells.
  """

  count: int
  frame: typing.Callable[[int], np.ndarray]
  times: Sequence[float] | None = None


def look(location: str) -> Facts:
  """Returns the facts about a stream's file; raises StreamError if it cannot be read."""
  stack = _stack(location)
  if stack is None:
    try:
      timed = decoding.frames(location, clock=decoding.CLOCKS[0])
      first, seconds = decoding.upright_rgb(next(timed)[1]), decoding.length(location)
    except Exception as error:
      raise StreamError(f"cannot be read as a video: {_reason(error)}") from error
    shape, count = first.shape, None
  else:
    count, times = stack.count, stack.times
    if not count:
      raise StreamError("has no frames")
    first, seconds = stack.frame(0), None
    if times is not None:
      step = (times[-1] - times[0]) / (count - 1) if count > 1 else 0.0
      seconds = float(times[-1] + step)
    shape = first.shape
  return Facts(
    frames=count,
    height=shape[0],
    width=shape[1],
    channels=shape[2],
    dtype=first.dtype,
    seconds=seconds,
  )


def nearest(
  location: str, moments: Iterable[Fraction], rate: Fraction, limits: Limits
) -> Iterator[np.ndarray]:
  """Yields the frame nearest to each moment, [height, width, channels].

  Args:
    location: A file or folder as above.
    moments: Seconds, ascending.
    rate: Frames a second; does not count where a file has times of its own.
    limits: What a video may have.

  Raises:
    StreamError: It cannot be read, or has a value that is no number.
  """
  stack = _stack(location)
  chosen = (
    _of_video(location, moments, limits) if stack is None else _of_stack(stack, moments, rate)
  )
  for frame in chosen:
    check_numbers(frame)
    yield frame


def shown(
  location: str, moments: Iterable[Fraction], rate: Fraction, limits: Limits
) -> Iterator[np.ndarray]:
  """Yields the latest frame at each moment; otherwise as `nearest`."""
  stack = _stack(location)
  if stack is None:
    return _of_video(location, moments, limits, latest=True)
  return _of_stack(stack, moments, rate, latest=True)


def every(location: str) -> Iterator[np.ndarray]:
  """Yields all frames of a file."""
  stack = _stack(location)
  if stack is not None:
    yield from map(stack.frame, range(stack.count))
    return
  try:
    for _, frame in decoding.frames(location, clock=decoding.CLOCKS[0]):
      yield decoding.upright_rgb(frame)
  except (decoding.ClockError, decoding.DecodeError) as error:
    raise StreamError(f"cannot be read as a video: {_reason(error)}") from error


def has_only_numbers(location: str) -> bool:
  """Returns whether all values of an array are finite; other files hold no other values."""
  stack = _stack(location)
  if stack is None or not stack.count or stack.frame(0).dtype.kind != "f":
    return True
  return all(np.isfinite(stack.frame(index)).all() for index in range(stack.count))


def check_numbers(frame: np.ndarray) -> None:
  """Raises StreamError if a value is no finite number."""
  if frame.dtype.kind == "f" and not np.isfinite(frame).all():
    raise StreamError("has a value that is no finite number (NaN or infinite)")


def _of_stack(
  stack: _Stack, moments: Iterable[Fraction], rate: Fraction, *, latest: bool = False
) -> Iterator[np.ndarray]:
  for moment in moments:
    if stack.times is None:
      index = int((moment + seeking.ROUNDING) * rate if latest else moment * rate + _HALF)
    elif latest:
      index = bisect.bisect_right(stack.times, float(moment + seeking.ROUNDING)) - 1
    else:
      index = bisect.bisect_left(stack.times, float(moment))
      if 0 < index < stack.count:
        before, after = float(moment) - stack.times[index - 1], stack.times[index] - float(moment)
        index -= before <= after
    yield stack.frame(min(max(index, 0), stack.count - 1))


def _of_video(
  location: str, moments: Iterable[Fraction], limits: Limits, *, latest: bool = False
) -> Iterator[np.ndarray]:
  """Yields frames of a video, which is decoded once; the earlier one of two that are as near."""
  timed = decoding.frames(location, clock=decoding.CLOCKS[0], limits=limits)
  try:
    before = after = next(timed)
    for moment in moments:
      while after is not None and after[0] <= moment + seeking.ROUNDING:
        before, after = after, next(timed, None)
      if after is None or latest or abs(moment - before[0]) <= abs(after[0] - moment):
        yield decoding.upright_rgb(before[1])
      else:
        yield decoding.upright_rgb(after[1])
  except (decoding.ClockError, decoding.DecodeError) as error:
    raise StreamError(f"cannot be read as a video: {_reason(error)}") from error


def _stack(location: str) -> _Stack | None:
  """Returns the frames of a file; None of a video."""
  try:
    if location.endswith(".npy"):
      return _of_array(_npy(location))
    if location.endswith(".npz"):
      return _npz(location)
    names = [name for name in _names(location) if name.lower().endswith(IMAGES)]
  except FileNotFoundError as error:
    raise StreamError("is not there") from error
  except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
    raise StreamError(f"cannot be read: {_reason(error)}") from error
  if names:
    return _Stack(len(names), functools.partial(_image, location, names))
  if not files.is_url(location) and not os.path.exists(location):
    raise StreamError("is not there")
  if os.path.isdir(location):
    raise StreamError(f"is a folder without images ({' '.join(IMAGES)})")
  return None


def _names(location: str) -> list[str]:
  if files.is_url(location) and os.path.splitext(location)[1]:
    return []  # A file, which need not be looked up.
  return files.names(location)


def _npy(location: str) -> np.ndarray:
  data = io.BytesIO(files.read_bytes(location)) if files.is_url(location) else None
  with _ONE_HEADER_AT_A_TIME:
    if data is not None:
      return np.load(data, allow_pickle=False)
    return np.load(location, mmap_mode="r", allow_pickle=False)


def _npz(location: str) -> _Stack:
  data = io.BytesIO(files.read_bytes(location))
  with _ONE_HEADER_AT_A_TIME, np.load(data, allow_pickle=False) as archive:
    arrays = {name: archive[name] for name in archive.files}
  times = arrays.pop(TIMESTAMPS, None)
  if len(arrays) != 1:
    raise StreamError(
      f"has the arrays {', '.join(sorted(arrays)) or 'none'}; one is needed, and {TIMESTAMPS} may "
      "be beside it"
    )
  stack = _of_array(next(iter(arrays.values())))
  if times is None:
    return stack
  if times.shape != (stack.count,) or not (np.diff(times) > 0).all():
    raise StreamError(
      f"has {TIMESTAMPS} of shape {list(times.shape)} for {stack.count} frames; they are one "
      "second a frame, in ascending order"
    )
  return stack._replace(times=[float(time) for time in times])


def _of_array(values: np.ndarray) -> _Stack:
  if values.ndim not in (3, 4) or 0 in values.shape[1:]:
    raise StreamError(
      f"has the shape {list(values.shape)}; a stream is [time, height, width, channels]"
    )
  if values.ndim == 3:
    values = values[..., np.newaxis]
  return _Stack(len(values), lambda index: np.ascontiguousarray(values[index]))


def _image(folder: str, names: Sequence[str], index: int) -> np.ndarray:
  data = files.read_bytes(files.join(folder, names[index]))
  image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
  if image is None:
    raise StreamError(f"has {names[index]}, which is no image that can be decoded")
  if image.ndim == 2:
    return image[..., np.newaxis]
  order = [2, 1, 0, 3][: image.shape[2]]
  return np.ascontiguousarray(image[..., order])


def _reason(error: Exception) -> str:
  return getattr(error, "strerror", None) or str(error) or type(error).__name__

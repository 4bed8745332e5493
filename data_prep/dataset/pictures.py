"""The conversion of a decoded frame to the picture that a player shows.

    field -> RGB -> square pixels -> turned and mirrored

*Fields.* An interlaced frame holds two moments in alternate lines. The upper field is taken and its
lines are doubled: unlike filters that look at the frames around, this gives a frame the same
pixels wherever a clip begins.

*Pixels.* Where the file says that pixels are not square, by more than 1 %, the shorter of their
sides is stretched.

*Orientation.* A file's display matrix maps stored to shown coordinates, (x, y) -> (a x + c y,
b x + d y) with y downwards. The nearest of the eight ways to turn and mirror a picture is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
import typing

import cv2
import numpy as np

if typing.TYPE_CHECKING:
  import av

_SQUARE = Fraction(1, 100)  # By which the sides of a pixel may differ and still be equal.
_THINNEST = 10  # Times that one side of a pixel is the other; more is damage.
_UNKNOWN = range(28, 32)  # Kinds of side data, EXIF among them, that PyAV has no name for.
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}  # Transfer functions of ITU-T H.273.


def rgb(frame: av.VideoFrame) -> np.ndarray:
  """Returns uint8 `[height, width, 3]` as a player shows it.

  The shape of pixels, width over height, is the frame's `opaque`, if that is a Fraction.
  """
  picture = _upper_field(frame) if _is_interlaced(frame) else frame
  image = picture.to_ndarray(format="rgb24")
  size = _stretched(frame)
  if image.shape[1::-1] != size:
    image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
  return np.ascontiguousarray(_oriented(image, _matrix(frame)))


def shown_size(frame: av.VideoFrame) -> tuple[int, int]:
  """Returns (width, height) of `rgb(frame)`."""
  width, height = _stretched(frame)
  return (height, width) if _is_transposed(_matrix(frame)) else (width, height)


def notes(frame: av.VideoFrame) -> Iterator[str]:
  """Yields what somebody who looks at the picture should know."""
  if _is_interlaced(frame):
    yield "interlaced frames: one field of each is used, its lines doubled"
  if frame.color_trc in _HIGH_DYNAMIC_RANGE:
    yield (
      f"high dynamic range ({_HIGH_DYNAMIC_RANGE[frame.color_trc]}), whose colours look pale "
      "because they are not mapped to the usual range"
    )
  shape = _pixel_shape(frame)
  if shape != 1 and not _is_believed(shape):
    yield f"pixels of {shape.numerator}:{shape.denominator} are not believed and taken as square"
  matrix = _matrix(frame)
  if matrix is not None and not _is_right(matrix):
    yield "turned by an angle that is no multiple of 90 degrees, of which the nearest is used"


def _is_interlaced(frame: av.VideoFrame) -> bool:
  return frame.interlaced_frame and frame.height > 3


def _upper_field(frame: av.VideoFrame) -> av.VideoFrame:
  """Returns every second line of the frame, from the first."""
  return _filtered(frame, ("field", "type=top"))


def _filtered(frame: av.VideoFrame, *filters: tuple[str, str]) -> av.VideoFrame:
  """Returns what FFmpeg's filters, (name, options) each, make of a frame, one after the other."""
  import av

  graph = av.filter.Graph()
  source = graph.add_buffer(
    width=frame.width,
    height=frame.height,
    format=frame.format,
    time_base=frame.time_base or Fraction(1, 25),
  )
  graph.link_nodes(
    source, *(graph.add(*one) for one in filters), graph.add("buffersink")
  ).configure()
  graph.push(frame)
  return graph.pull()


def _pixel_shape(frame: av.VideoFrame) -> Fraction:
  return frame.opaque if isinstance(frame.opaque, Fraction) else Fraction(1)


def _is_believed(shape: Fraction) -> bool:
  return shape > 0 and max(shape, 1 / shape) <= _THINNEST


def _stretched(frame: av.VideoFrame) -> tuple[int, int]:
  """Returns (width, height) of the stored frame with square pixels."""
  shape, width, height = _pixel_shape(frame), frame.width, frame.height
  if not _is_believed(shape) or abs(shape - 1) <= _SQUARE:
    return width, height
  return (round(width * shape), height) if shape > 1 else (width, round(height / shape))


def _matrix(frame: av.VideoFrame) -> np.ndarray | None:
  """Returns [[a, b], [c, d]] of the display matrix, None where the frame has none of use."""
  from av.sidedata.sidedata import Type as SideDataType

  try:
    data = frame.side_data.get(SideDataType.DISPLAYMATRIX)
  except ValueError:  # One thing that PyAV does not know keeps it from reading any.
    frame = _filtered(frame, *(("sidedata", f"mode=delete:type={kind}") for kind in _UNKNOWN))
    data = frame.side_data.get(SideDataType.DISPLAYMATRIX)
  if data is None or len(bytes(data)) != 36:
    return None
  matrix = np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2].astype(np.float64)
  return matrix if np.linalg.det(matrix) else None


def _is_transposed(matrix: np.ndarray | None) -> bool:
  if matrix is None:
    return False
  (a, b), (c, d) = np.abs(matrix)
  return b + c > a + d


def _is_right(matrix: np.ndarray) -> bool:
  """Returns whether the picture's axes stay parallel to the screen's, within a degree."""
  (a, b), (c, d) = np.abs(matrix)
  small, large = sorted((a + d, b + c))
  return small < large / 50


def _oriented(image: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
  if matrix is None:
    return image
  (a, b), (c, d) = matrix
  if _is_transposed(matrix):
    image, along_x, along_y = image.transpose(1, 0, 2), c, b
  else:
    along_x, along_y = a, d
  return image[:: -1 if along_y < 0 else 1, :: -1 if along_x < 0 else 1]

"""Views: the part of a video that becomes a clip, and how it is mirrored and brightened.

A *view* says so in shares of what a video has, so that it can be drawn before anything is known of
the video. All streams are cut alike; what resizing, mirroring and brightness do to their values is
told by their kinds (data_prep.dataset.stream_kinds).

The box of training is a square of 7/8 of the short side, at full scale, somewhere in the frame; or,
with `min_crop_area`, a random resized crop (Szegedy et al., CVPR 2015): a share of the frame's area
drawn uniformly, an aspect ratio of the box (width : height) log-uniformly from 3/4 to 4/3, at most
the frame's own sides.
"""

from collections.abc import Sequence
import dataclasses
import math

import numpy as np

from data_prep.common import cli
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo
from official.inputs import videos

_CROP = 7 / 8  # Of the short side.
_ASPECTS = (3 / 4, 4 / 3)
DRAWS = 7  # Random numbers of a training view.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
  """The variations of training clips, besides their place in time and space.

  Attributes:
    horizontal_flip: Mirrors half of the clips.
    min_crop_area: Least share of a frame's area that a random resized crop takes, in (0, 1]; None
      cuts out a square of 7/8 of the short side.
    brightness: Largest change of brightness, as a share of the range from black to white, 0 to 1.

  Raises:
    UserError: A number is out of its range.
  """

  horizontal_flip: bool = True
  min_crop_area: float | None = None
  brightness: float = 0.0

  def __post_init__(self):
    if self.min_crop_area is not None and not 0 < self.min_crop_area <= 1:
      raise cli.UserError(
        f"min_crop_area is {self.min_crop_area:g}; it is a share of a frame's area, more than 0 "
        "and at most 1"
      )
    if not 0 <= self.brightness <= 1:
      raise cli.UserError(f"brightness is {self.brightness:g}; it is a share, from 0 to 1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
  """One clip of a video.

  Attributes:
    time: Where the clip is, 0 (start) to 1 (end).
    longer, shorter: Where the box is along the frame's longer and shorter side, 0 to 1.
    flip: Whether it is mirrored.
    area: Share of the frame's area in the box; None: a square.
    side: Pixels of the square; None: 7/8 of the short side.
    aspect: Width : height of the box, with an `area`.
    brightness: Grey levels, of 255, added to images.
  """

  time: float = 0.5
  longer: float = 0.5
  shorter: float = 0.5
  flip: bool = False
  area: float | None = None
  aspect: float = 1.0
  brightness: int = 0
  side: int | None = None


def training_view(
  draws: Sequence[float], augmentation: Augmentation, side: int | None = None
) -> View:
  """Returns a random view, from DRAWS numbers uniform in [0, 1)."""
  time, longer, shorter, flip, area, aspect, brightness = (float(draw) for draw in draws)
  least, (narrow, wide) = augmentation.min_crop_area, _ASPECTS
  return View(
    time=time,
    longer=longer,
    shorter=shorter,
    flip=augmentation.horizontal_flip and flip < 0.5,
    area=None if least is None else least + area * (1 - least),
    aspect=narrow * (wide / narrow) ** aspect,
    brightness=round(255 * augmentation.brightness * (2 * brightness - 1)),
    side=side,
  )


def evaluation_views(clips: int, crops: int, side: int | None = None) -> tuple[View, ...]:
  """Returns `clips` stretches from a video's start to its end, times `crops` along its longer side.

  A single clip, or a single crop, is the middle one.
  """
  return tuple(
    View(time=time, longer=place, side=side) for time in _spread(clips) for place in _spread(crops)
  )


def square_side(short_side: int) -> int:
  """Returns the side, in pixels, of the square that is cut out if no area is drawn."""
  return max(1, round(short_side * _CROP))


def box(view: View, height: int, width: int) -> tuple[int, int, int, int]:
  """Returns (top, left, height, width) of the view in a frame, in pixels."""
  if view.area is None:
    rows = columns = view.side or square_side(min(height, width))
  else:
    area = view.area * height * width
    rows = min(max(1, round(math.sqrt(area / view.aspect))), height)
    columns = min(max(1, round(math.sqrt(area * view.aspect))), width)
  down, right = (view.shorter, view.longer) if width >= height else (view.longer, view.shorter)
  return _place(down, height - rows), _place(right, width - columns), rows, columns


def cut(
  video: videos.Video,
  name: str,
  stream: StreamInfo,
  views: Sequence[View],
  out: np.ndarray,
) -> None:
  """Writes views of one stream into `out`, in the type that the stream's kind keeps.

  Past the end of a video its last frame stands still. Each frame is decoded once, for all views.

  Args:
    video: Whose frames they are.
    name, stream: Which of its streams.
    views: What is cut out.
    out: [len(views), frames, height, width, channels], in one piece, of the kind's `type_of`; where
      that depends on whether frames are resized, no view may resize unless it says so. It is a
      square, unless the stream has a size of its own; then a view is all of it.
  """
  count = out.shape[1]
  firsts = [_place(view.time, max(video.frames - count, 0)) for view in views]
  there = min(count, video.frames)
  kind = stream_kinds.get(stream.kind)
  cuts = []
  indices = sorted({first + k for first in firsts for k in range(there)})
  for index, frame in zip(indices, video.read(name, indices)):
    if not cuts:
      boxes = (
        (0, 0, *stream.own_size) if stream.own_size else box(view, *frame.shape[:2])
        for view in views
      )
      parts = [np.s_[top : top + rows, left : left + columns] for top, left, rows, columns in boxes]
      cuts = list(zip(parts, firsts, out))
    for inside, first, clip in cuts:
      if first <= index < first + there:
        kind.cut(frame[inside], stream, clip[index - first])
  for view, clip in zip(views, out):  # All frames at once: calls for one take longer than its work.
    if view.brightness:
      kind.vary(clip, view.brightness)
    if view.flip:
      kind.mirror(clip)
    if there < count:
      kind.hold(clip, there)


def _place(share: float, room: int) -> int:
  """Returns one of the room + 1 places, 0 to room."""
  return min(int(share * (room + 1)), room)


def _spread(count: int) -> tuple[float, ...]:
  return (0.5,) if count == 1 else tuple(index / (count - 1) for index in range(count))

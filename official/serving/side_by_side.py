"""A picture of videos: what came in, what a network made of it, and the truth, side by side.

    checks_rising/003.mp4, frame 7
    input 31.20 dB   |  output 32.85 dB  |  truth
    detail of each, where the input is worst

A video has one frame in it, from near its middle. The first few videos are shown.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import io
from typing import Any

import cv2
import numpy as np

MOST = 4  # Videos in a picture.
_SHARE = 3  # A detail is the frame's shorter side divided by this.
_INCHES = 3.0  # Width of a panel, and height of a detail.
_CAPTIONS = 0.6
_DPI = 120


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
  """A frame of a video.

  Attributes:
    title: Which one it is.
    panels: Pictures of it by their captions, uint8 [height, width, 3], all of one size.
    detail: Top, left, height and width of the part that is shown enlarged.
  """

  title: str
  panels: Mapping[str, np.ndarray]
  detail: tuple[int, int, int, int]


class Middle:
  """Keeps something of a frame near the middle of a video whose length is not known before.

  Frames 0, 1, 3, 7, 15, ... are candidates, of which two are kept; where every second frame is
  missing (`drop:2`), all but the first are of those.
  """

  def __init__(self):
    self._kept: list[tuple[int, Any]] = []
    self._count = 0

  def add(self, value: Any) -> None:
    """Takes what belongs to the next frame."""
    if not self._count & (self._count + 1):
      self._kept = [*self._kept[-1:], (self._count, value)]
    self._count += 1

  def found(self) -> tuple[int, Any]:
    """Returns the number of the frame, and what belongs to it; there is one at least."""
    return min(self._kept, key=lambda kept: abs(kept[0] - (self._count - 1) / 2))


def title_of(location: str) -> str:
  """Returns what a picture calls a video: its name and that of its folder."""
  return "/".join(location.rstrip("/").split("/")[-2:])


def worst_place(image: np.ndarray, truth: np.ndarray) -> tuple[int, int, int, int]:
  """Returns top, left, height and width of the square in which two images differ most."""
  height, width = truth.shape[:2]
  side = max(1, min(height, width) // _SHARE)
  errors = np.square(image.astype(np.float32) - truth).sum(-1)
  sums = cv2.boxFilter(errors, cv2.CV_64F, (side, side), anchor=(0, 0), normalize=False)
  inside = sums[: height - side + 1, : width - side + 1]
  top, left = np.unravel_index(int(inside.argmax()), inside.shape)
  return int(top), int(left), side, side


def picture(examples: Sequence[Example]) -> bytes:
  """Returns a PNG of some examples, below each other."""
  from matplotlib import figure  # Takes a while.
  from matplotlib import patches
  from matplotlib.backends import backend_agg

  columns = max(len(one.panels) for one in examples)
  heights = [_INCHES * (_aspect(one) + 1) + _CAPTIONS for one in examples]
  drawing = figure.Figure(figsize=(columns * _INCHES, sum(heights)), dpi=_DPI, layout="constrained")
  backend_agg.FigureCanvasAgg(drawing)
  rows = drawing.subfigures(len(examples), 1, squeeze=False, height_ratios=heights)[:, 0]
  for part, one in zip(rows, examples, strict=True):
    part.suptitle(one.title, fontsize=11)
    grid = part.subplots(2, columns, squeeze=False, height_ratios=(_aspect(one), 1))
    top, left, high, wide = one.detail
    for axes in grid.flat:
      axes.set_axis_off()
    for (caption, image), (whole, detail) in zip(one.panels.items(), grid.T):
      whole.set_title(caption, fontsize=10)
      whole.imshow(image, interpolation="nearest")
      box = (left - 0.5, top - 0.5)
      whole.add_patch(patches.Rectangle(box, wide, high, fill=False, edgecolor="white"))
      detail.imshow(image[top : top + high, left : left + wide], interpolation="nearest")
  written = io.BytesIO()
  drawing.savefig(written, format="png", metadata={"Software": None})
  return written.getvalue()


def _aspect(one: Example) -> float:
  height, width = next(iter(one.panels.values())).shape[:2]
  return height / width

"""Frames of any size and number through a network that takes clips of one size.

    frames   |-------|            windows of T frames and side x side pixels, each of which overlaps
                 |-------|        the next; the last one ends with the video, and at the border
                   |-------|

Where windows overlap, answers are averaged. The weight of a window rises from 0 to 1 between a
quarter and three quarters of the overlap, so that the outer quarter of a window, where a network
sees zeros instead of the picture, does not count, and no seam is left. Where that quarter is at
least as wide as the network sees around a pixel, the answer is that of the whole video at once, up
to the rounding of grey levels, except that a window at the border has zeros where the whole has.

Windows begin at multiples of 8 pixels, since networks halve sizes and JPEG has blocks of 8, and of
the period of missing frames. What is lacking at the right, below or at the end is mirrored, or the
last frame repeated, and cut off again. Only the frames of one window are in memory.
"""

import collections
from collections.abc import Callable, Iterable, Iterator
import dataclasses

import numpy as np

_ALIGNED = 8  # Pixels.
_LEAST = 1e-4  # Weight of what only one window sees.
_TILES_AT_A_TIME = 8

# uint8 [tiles, T, side, side, 3] -> uint8 [tiles, T, side * scale, side * scale, 3]
Ask = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tiling:
  """How a video is cut.

  Attributes:
    num_frames: T.
    side: Pixels of a window.
    scale: By what answers are larger.
    overlap: Share of a window that overlaps the next, from 0 to 0.9.
    period: Windows begin at multiples of so many frames.
  """

  num_frames: int
  side: int
  scale: int = 1
  overlap: float = 0.5
  period: int = 1

  @property
  def steps(self) -> tuple[int, int]:
    """Frames and pixels from one window to the next."""
    return (
      _step(self.num_frames, self.overlap, self.period),
      _step(self.side, self.overlap, self.aligned),
    )

  @property
  def aligned(self) -> int:
    """Pixels, of multiples of which windows begin."""
    return _ALIGNED if self.side >= 2 * _ALIGNED else 1


def answers(images: Iterable[np.ndarray], ask: Ask, tiling: Tiling) -> Iterator[np.ndarray]:
  """Yields the answer to each frame, uint8 [height * scale, width * scale, 3].

  Args:
    images: Frames, uint8 [height, width, 3], all of one size.
    ask: The network.
    tiling: How they are cut.
  """
  step, _ = tiling.steps
  ramp = _ramp(tiling.num_frames, tiling.num_frames - step)
  sums: collections.deque[list] = collections.deque()  # [sum, weight] of frames from `first` on.
  begin = 0
  for first, real, window in in_time(images, tiling.num_frames, step, tiling.period):
    while sums and begin < first:
      yield _shown(*sums.popleft())
      begin += 1
    begin = first
    answered = _of_window(window, ask, tiling)
    for index in range(real):
      weighted = ramp[index] * answered[index]
      if index < len(sums):
        sums[index][0] += weighted
        sums[index][1] += ramp[index]
      else:
        sums.append([weighted, ramp[index]])
  for one in sums:
    yield _shown(*one)


def starts(length: int, size: int, step: int, aligned: int) -> tuple[list[int], int]:
  """Returns where windows begin, and the length, at least `length`, that they cover together."""
  last = max(0, -(-(length - size) // aligned) * aligned)
  return [*range(0, last, step), last], last + size


def _step(size: int, overlap: float, aligned: int) -> int:
  return max(aligned, int(size * (1 - overlap)) // aligned * aligned)


def _ramp(size: int, overlap: int) -> np.ndarray:
  """Returns the weight of each place in a window, float32 [size]."""
  if overlap <= 0:
    return np.ones(size, np.float32)
  place = np.arange(size) + 0.5
  inside = np.minimum(place, size - place)
  rising = (inside - overlap / 4) / (overlap / 2)
  return np.clip(rising, _LEAST, 1).astype(np.float32)


def in_time(
  images: Iterable[np.ndarray], size: int, step: int, period: int
) -> Iterator[tuple[int, int, np.ndarray]]:
  """Yields first frame, number of real frames and frames [size, height, width, 3] of windows."""
  seen, done = 0, 0  # Frames so far, and those that some window has.
  kept: collections.deque[np.ndarray] = collections.deque(maxlen=size)
  for image in images:
    kept.append(image)
    seen += 1
    if seen >= size and (seen - size) % step == 0:
      yield seen - size, size, np.stack(kept)
      done = seen
  if seen > done:
    first = max(0, -(-(seen - size) // period) * period)
    real = list(kept)[first - (seen - len(kept)) :]
    yield first, len(real), np.stack(real + [real[-1]] * (size - len(real)))


def _of_window(window: np.ndarray, ask: Ask, tiling: Tiling) -> np.ndarray:
  """Returns the answer to frames of any size, float32 [T, height * scale, width * scale, 3]."""
  (_, step), side, scale = tiling.steps, tiling.side, tiling.scale
  height, width = window.shape[1:3]
  tops, whole_height = starts(height, side, step, tiling.aligned)
  lefts, whole_width = starts(width, side, step, tiling.aligned)
  padding = [(0, 0), (0, whole_height - height), (0, whole_width - width), (0, 0)]
  window = np.pad(window, padding, mode="symmetric")
  ramp = _ramp(side * scale, (side - step) * scale)
  weights = (ramp[:, None] * ramp)[..., None]
  total = np.zeros((len(window), whole_height * scale, whole_width * scale, 3), np.float32)
  weight = np.zeros((*total.shape[1:3], 1), np.float32)
  places = [(top, left) for top in tops for left in lefts]
  for number in range(0, len(places), _TILES_AT_A_TIME):
    chosen = places[number : number + _TILES_AT_A_TIME]
    tiles = np.stack([window[:, y : y + side, x : x + side] for y, x in chosen])
    for (top, left), answer in zip(chosen, ask(tiles), strict=True):
      rows = slice(top * scale, (top + side) * scale)
      columns = slice(left * scale, (left + side) * scale)
      total[:, rows, columns] += weights * answer
      weight[rows, columns] += weights
  return (total / weight)[:, : height * scale, : width * scale]


def _shown(total: np.ndarray, weight: float) -> np.ndarray:
  return np.clip(np.rint(total / weight), 0, 255).astype(np.uint8)

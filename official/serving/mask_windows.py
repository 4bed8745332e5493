"""Ids of classes of frames of any size and number, by a network that answers about squares.

Windows overlap in space and time as for frames that are restored (tiling.py). Numbers of classes
have no average: the window answers in which a pixel lies furthest from the border, by the smaller
of its distances to the sides; in time, the window in which a frame lies furthest from the ends.
What is lacking at the right and below is mirrored, and cut off again.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from official.serving import tiling

_TILES_AT_A_TIME = 8

Streams = Mapping[str, np.ndarray]
# uint8 [T, height, width, 3] -> by stream, [T, rows, columns, channels], of one size
ToStreams = Callable[[np.ndarray], Streams]
# by stream, [tiles, T, side, side, channels] -> uint8 [tiles, T, side, side]
Ask = Callable[[Streams], np.ndarray]


def answers(
  images: Iterable[np.ndarray], to_streams: ToStreams, ask: Ask, form: tiling.Tiling
) -> Iterator[np.ndarray]:
  """Yields the classes of each frame, uint8 [rows, columns], in the size of its streams.

  Args:
    images: Frames, uint8 [height, width, 3], all of one size.
    to_streams: What the network reads, of whole frames.
    ask: The network.
    form: How they are cut.
  """
  step, _ = form.steps
  inside = _inside(form.num_frames)
  found: collections.deque[tuple[np.ndarray, float]] = collections.deque()
  begin = 0
  for first, real, window in tiling.in_time(images, form.num_frames, step, form.period):
    while found and begin < first:
      yield found.popleft()[0]
      begin += 1
    begin = first
    for index, ids in enumerate(_of_window(to_streams(window), ask, form)[:real]):
      if index == len(found):
        found.append((ids, inside[index]))
      elif inside[index] > found[index][1]:
        found[index] = (ids, inside[index])
  for ids, _ in found:
    yield ids


def _inside(size: int) -> np.ndarray:
  """Returns how far each of `size` places is from the nearer end."""
  place = np.arange(size) + 0.5
  return np.minimum(place, size - place)


def _of_window(streams: Streams, ask: Ask, form: tiling.Tiling) -> np.ndarray:
  """Returns the classes of frames of any size, uint8 [T, rows, columns]."""
  (_, step), side = form.steps, form.side
  count, height, width = next(iter(streams.values())).shape[:3]
  tops, whole_height = tiling.starts(height, side, step, form.aligned)
  lefts, whole_width = tiling.starts(width, side, step, form.aligned)
  padding = [(0, 0), (0, whole_height - height), (0, whole_width - width), (0, 0)]
  streams = {name: np.pad(one, padding, mode="symmetric") for name, one in streams.items()}
  weights = np.minimum(*np.meshgrid(_inside(side), _inside(side)))
  ids = np.zeros((count, whole_height, whole_width), np.uint8)
  best = np.zeros((whole_height, whole_width))
  places = [(top, left) for top in tops for left in lefts]
  for number in range(0, len(places), _TILES_AT_A_TIME):
    chosen = places[number : number + _TILES_AT_A_TIME]
    tiles = {
      name: np.stack([one[:, y : y + side, x : x + side] for y, x in chosen])
      for name, one in streams.items()
    }
    for (y, x), answer in zip(chosen, ask(tiles), strict=True):
      here = np.s_[y : y + side, x : x + side]
      closer = weights > best[here]
      ids[:, *here][:, closer] = answer[:, closer]
      best[here][closer] = weights[closer]
  return ids[:, :height, :width]

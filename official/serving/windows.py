"""A video of any length as clips: windows of consecutive frames, on the grid of a frame rate.

    frames   0 1 2 3 4 5 6 7 8 9
    windows  |-----| |-----|
                     |-----|        the last one ends with the video

Windows lie side by side; the last one may overlap the one before, so that every frame is seen and
none beyond the end. A video that is shorter than a window goes on with its last frame.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
import dataclasses
import os
from typing import Any

import numpy as np

from data_prep import cli
from data_prep import decoding
from data_prep import files


@dataclasses.dataclass(frozen=True)
class Window:
  """A clip.

  Attributes:
    first, end: Indices on the grid of its first frame, and of the one after its last real one.
    frames: RGB, uint8 [frames, height, width, 3].
  """

  first: int
  end: int
  frames: np.ndarray


def videos_of(paths: Sequence[str]) -> list[str]:
  """Returns the videos that are meant: files as they are, of folders all videos below them.

  Raises:
    UserError: A path is not there, a folder holds no video, or there are no paths.
  """
  if not paths:
    raise cli.UserError("no video is given; name files or folders after the flags")
  found = []
  for path in map(cli.resolve_path, paths):
    if not os.path.isdir(path):
      if not files.is_url(path) and not os.path.exists(path):
        raise cli.UserError(f"{path} is not there; name a video or a folder of videos")
      found.append(path)
      continue
    below = sorted(
      os.path.join(folder, name)
      for folder, _, names in os.walk(path)
      for name in names
      if name.lower().endswith(files.VIDEO_EXTENSIONS)
    )
    if not below:
      raise cli.UserError(
        f"{path} holds no video ({' '.join(files.VIDEO_EXTENSIONS)}); name another folder"
      )
    found += below
  return found


def each(
  function: Callable[[Window], Any], location: str, *, fps: float, size: int
) -> list[Any]:
  """Returns what `function` makes of every window of a video; none but the last in memory.

  Args:
    function: Called with one window after the other; with all again, should the timestamps of the
      file turn out to be nonsense in its middle (data_prep.decoding).
    location: A path or a URL.
    fps: Frames a second of the grid.
    size: Frames of a window.

  Raises:
    DecodeError: Nothing can be read.
  """
  for clock in decoding.CLOCKS:
    timed = decoding.frames(location, clock=clock)
    images = map(decoding.upright_rgb, decoding.on_grid(timed, decoding.exact(fps)))
    try:
      return [function(window) for window in windows(images, size)]
    except decoding.ClockError:
      continue
  raise AssertionError("the clock of indices does not fail")


def windows(images: Iterable[np.ndarray], size: int) -> Iterator[Window]:
  """Yields the windows of a sequence of images [height, width, 3], of one image at least."""
  seen, kept, since = 0, collections.deque(maxlen=size), 0
  for image in images:
    kept.append(image)
    seen, since = seen + 1, since + 1
    if since == size:
      yield Window(seen - size, seen, np.stack(kept))
      since = 0
  if since:
    padded = [*kept, *[kept[-1]] * (size - len(kept))]
    yield Window(seen - len(kept), seen, np.stack(padded))

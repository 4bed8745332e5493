"""A video of any length as clips: windows of consecutive frames, on the grid of a frame rate.

    frames   0 1 2 3 4 5 6 7 8 9
    windows  |-----| |-----|
                     |-----|        the last one ends with the video

Windows lie side by side; the last one may overlap the one before, so that every frame is seen and
none beyond the end. A video that is shorter than a window repeats its last frame. Frames of
another size than the first, where the size changes on the way, are brought to its size.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
import dataclasses
import itertools
import os
import sys
from typing import Any

import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import listing
from data_prep.dataset import decoding
from data_prep.dataset import limits
from data_prep.dataset import stored_images

NO_VIDEO = f"holds no video ({' '.join(files.VIDEO_EXTENSIONS)})"
# However long a video is, few of its frames are in memory.
_LIMITS = dataclasses.replace(limits.DEFAULT, max_frames=sys.maxsize)


@dataclasses.dataclass(frozen=True)
class Window:
  """A clip.

  Attributes:
    first, end: Indices on the grid of its first frame, and of the one after its last real one.
    frames: RGB, uint8 [frames, height, width, 3].
    begin: Seconds into the video of the grid's frame 0.
    padded: Frames at its end that repeat the last real one.
  """

  first: int
  end: int
  frames: np.ndarray
  begin: float = 0.0

  @property
  def padded(self) -> int:
    return len(self.frames) - (self.end - self.first)


def videos_of(paths: Sequence[str], tell: Callable[[str], None] = lambda line: None) -> list[str]:
  """Returns the videos: files as they are, and for folders all videos below them.

  Each is there once. A path that is not there, or a folder without videos, is in the list, too,
  for whoever opens it to say so; but not where there is nothing else.

  Args:
    paths: Files and folders.
    tell: Called with a line about each kind of file that was skipped in folders.

  Raises:
    UserError: There are no paths, or no video at all.
  """
  if not paths:
    raise cli.UserError("no video is given; name files or folders after the flags")
  listings, wrong = [], []
  for path in map(cli.resolve_path, paths):
    found = listing.Listing(videos=(path,), skipped={})
    if os.path.isdir(path):
      found = listing.find(path)
      listings.append(dataclasses.replace(found, videos=found.videos or (path,)))
      wrong += [] if found.videos else [f"{path} {NO_VIDEO}; name another folder"]
      continue
    listings.append(found)
    if not files.is_url(path) and not os.path.lexists(path):
      wrong.append(f"{path} is not there; name a video or a folder of videos")
  if len(wrong) == len(paths):
    raise cli.UserError(cli.printable(wrong[0]))
  together = listing.join(listings)
  for line in listing.told(together.skipped):
    tell(line)
  return list(together.videos)


def each(
  function: Callable[[Window], Any],
  location: str,
  *,
  fps: float,
  size: int,
  start: float | None = None,
  end: float | None = None,
  on_note: Callable[[str], object] = lambda note: None,
) -> list[Any]:
  """Returns the results of `function` for every window of a video; only one window is in memory.

  Args:
    function: Called with one window after the other; with all again, should the timestamps of the
      file turn out to be nonsense in its middle (data_prep.dataset.decoding).
    location: A path or a URL.
    fps: Frames a second of the grid.
    size: Frames of a window.
    start: Seconds into the video where the grid begins; None for its beginning.
    end: Seconds into the video before which the grid ends; None for its end.
    on_note: Called at the end with each thing that is odd about the frames.

  Raises:
    DecodeError: Nothing can be read.
    LimitError: Its frames are too large or too thin.
  """
  if os.path.isdir(location):
    raise decoding.DecodeError(f"the folder {NO_VIDEO}")
  if os.path.exists(location) and not os.path.isfile(location):
    raise decoding.DecodeError("a pipe or a device, not a file")
  if os.path.isfile(location) and not os.path.getsize(location):
    raise decoding.DecodeError("the file is empty")
  for clock in decoding.CLOCKS:
    notes: dict[str, None] = {}
    timed = decoding.frames(
      location, clock=clock, start=start, limits=_LIMITS, on_note=notes.setdefault
    )
    try:
      first = next(timed)
      begin = float(first[0]) if start is None else start
      on_grid = decoding.on_grid(
        itertools.chain([first], timed), decoding.exact(fps), start=start, end=end
      )
      found = [
        function(dataclasses.replace(window, begin=begin))
        for window in windows(map(decoding.upright_rgb, on_grid), size)
      ]
    except decoding.ClockError:
      continue
    if not found:
      raise decoding.DecodeError(
        f"the video has no frame between start {start or 0:g} s and its end"
      )
    for note in notes:
      on_note(note)
    return found
  raise AssertionError("the clock of indices does not fail")


def windows(images: Iterable[np.ndarray], size: int) -> Iterator[Window]:
  """Yields the windows of a sequence of images [height, width, 3], of one image at least."""
  seen, kept, since = 0, collections.deque(maxlen=size), 0
  for image in images:
    if kept:
      image = stored_images.resized(image, *kept[0].shape[1::-1])
    kept.append(image)
    seen, since = seen + 1, since + 1
    if since == size:
      yield Window(seen - size, seen, np.stack(kept))
      since = 0
  if since:
    padded = [*kept, *[kept[-1]] * (size - len(kept))]
    yield Window(seen - len(kept), seen, np.stack(padded))

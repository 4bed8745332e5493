"""Video files to upright RGB frames on an even grid of time, whatever state the file is in.

*Time.* See clocks.py. A failing clock is noticed while reading, as `ClockError`; the reader then
begins again with the next clock, so that nothing is decoded twice in the usual case.

*Grid.* Dataset frame k is the last frame whose time is at most start + k / fps. Where the source is
slower than the grid, a frame is repeated; where it is faster, frames are left out. Times are exact
fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
import itertools
import typing

import numpy as np

from data_prep.dataset import clocks
from data_prep.dataset import pictures
from data_prep.dataset import seeking
from data_prep.dataset.clocks import ClockError  # noqa: F401  Callers know it from here.
from data_prep.dataset.limits import DEFAULT as DEFAULT_LIMITS
from data_prep.dataset.limits import Limits
from data_prep.dataset.video_file import DecodeError
from data_prep.dataset.video_file import VideoFile

if typing.TYPE_CHECKING:
  import av

_Read = typing.TypeVar("_Read")

CLOCKS = clocks.NAMES
_NEAR = 1  # Seconds from the beginning for which seeking is not worth it.
_TRIED = 8  # Frames from the beginning on which a clock is tried.
_LONG_PAUSE = 10  # Seconds without a new frame that are worth a note.


def by_first_clock(read: Callable[[str], _Read]) -> _Read:
  """Returns what `read(clock)` makes of a video by the first of `CLOCKS` that does not fail."""
  for clock in CLOCKS[:-1]:
    try:
      return read(clock)
    except ClockError:
      continue
  return read(CLOCKS[-1])  # That of indices does not fail.


def exact(seconds: float) -> Fraction:
  """Returns the decimal fraction that `seconds` was written as: 9/10 for 0.9."""
  return Fraction(str(seconds))


def frames(
  location: str,
  *,
  clock: str,
  start: float | None = None,
  limits: Limits = DEFAULT_LIMITS,
  on_note: Callable[[str], object] = lambda note: None,
) -> Iterator[tuple[Fraction, av.VideoFrame]]:
  """Yields (seconds, frame), seconds strictly increasing.

  Second 0 does not depend on `start`. The first frame is later than that only where the file begins
  with something else, such as sound.

  Args:
    location: A local path or a URL.
    clock: One of `CLOCKS`.
    start: Seconds; the first frames may be earlier than this, and are later only where the video
      begins later. None reads from the beginning.
    limits: Limits of the number and the size of frames.
    on_note: Called with what somebody who uses the frames should know; the same may come again.

  Raises:
    DecodeError: Nothing can be read.
    LimitError: A limit is exceeded.
    ClockError: The clock fails; begin again with the next one.
  """
  with VideoFile(location, limits) as video:
    decoded = video.decoded(video.packets())
    tried = list(itertools.islice(decoded, _TRIED))
    if not tried:
      raise DecodeError(
        f"no frame could be decoded: {video.damage[0]}"
        if video.damage
        else "the video stream has no frames"
      )
    time_of = clocks.Clock(clock, video.container, video.stream, tried)
    _tell_about_file(video, time_of, on_note)
    if start is None or exact(start) <= time_of.begin + _NEAR:
      decoded = itertools.chain(tried, decoded)
    else:
      decoded = seeking.frames(video, time_of, exact(start))
    last = size = None
    for index, frame in enumerate(decoded):
      limits.check_decoded(index + 1)
      limits.check_picture(*pictures.shown_size(frame))
      seconds = time_of(index, frame)
      if last is not None:
        time_of.check_step(index, last, seconds)
        if seconds - last > _LONG_PAUSE:
          on_note(
            f"no new frame for {float(seconds - last):g} s from second {float(last):g} on; "
            "the one before stands for that time"
          )
      for note in pictures.notes(frame):
        on_note(note)
      if size not in (None, pictures.shown_size(frame)):
        on_note("the picture changes its size on the way; the clip has that of its first frame")
      size, last = pictures.shown_size(frame), seconds
      yield seconds, frame


def _tell_about_file(
  video: VideoFile, time_of: clocks.Clock, on_note: Callable[[str], object]
) -> None:
  if time_of.name == "index":
    on_note(
      f"no usable timestamps: frames are counted, at {float(clocks.rate(video.stream)):g} a second"
    )
  if time_of.begin:
    on_note(f"the first frame comes {float(time_of.begin):g} s after the beginning of the file")
  if video.film_count > 1:
    on_note(f"{video.film_count} video streams, of which the first is used")


def length(location: str) -> float:
  """Returns the second at which a video ends: the end of its `span`."""
  return span(location)[1]


def span(location: str) -> tuple[float, float]:
  """Returns when a video begins and ends, by reading all of it without decoding.

  They are seconds as in `frames`; it ends where the last packet does. Where timestamps are missing
  or leap, the number of packets and the stated frame rate tell.

  Raises:
    DecodeError: Nothing can be read.
  """
  with VideoFile(location) as video:
    moments, ends = [], [0]
    for packet in video.packets():
      if packet.size:
        ticks = packet.pts if packet.pts is not None else packet.dts
        moments.append(ticks)
        ends.append((ticks or 0) + (packet.duration or 0))
    stream, tick = video.stream, video.stream.time_base
    first = (stream.start_time or 0) * tick
    begin = clocks.lead(video.container, first)
    if None in moments or _fail(
      [ticks * tick - first + begin for ticks in sorted(moments)],
      clocks.stated_length(video.container),
    ):
      return 0.0, float(len(moments) / clocks.rate(stream))
    return float(begin), float(max(ends) * tick - first + begin)


def _fail(times: Sequence[Fraction], stated: Fraction) -> bool:
  """Returns whether a clock of these times, in ascending order, would fail."""
  return any(
    not before < after <= before + clocks.longest_step(after, stated)
    for before, after in zip(times, times[1:])
  )


def on_grid(
  timed: Iterable[tuple[Fraction, av.VideoFrame]],
  fps: Fraction,
  *,
  start: float | None = None,
  end: float | None = None,
) -> Iterator[av.VideoFrame]:
  """Yields the frame shown at start + k / fps for k = 0, 1, ...

  Without `start`, the grid begins with the first frame; with it, the first frame stands for what
  is before, if it is shown before `end`. The last is at the last frame's time, or before `end`. The
  same object comes again where a frame is repeated.
  """
  begin, end = None if start is None else exact(start), None if end is None else exact(end)
  shown, moment, k = None, begin, 0
  for seconds, frame in timed:
    if begin is None:
      begin = moment = seconds
    if shown is None and end is not None and seconds >= end:
      return  # Nothing is shown yet.
    while shown is not None and moment < seconds - seeking.ROUNDING:
      if end is not None and moment >= end:
        return
      yield shown
      k += 1
      moment = begin + k / fps
    shown = frame
  latest = seconds + seeking.ROUNDING if shown is not None else None
  while latest is not None and moment <= latest and (end is None or moment < end):
    yield shown
    k += 1
    moment = begin + k / fps


def upright_rgb(frame: av.VideoFrame) -> np.ndarray:
  """Returns uint8 `[height, width, 3]` as a player shows the frame (pictures.py)."""
  return pictures.rgb(frame)

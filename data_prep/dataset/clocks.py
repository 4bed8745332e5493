"""The time of each frame of a video, in seconds on the time line that a player shows.

*Clocks.* A frame's time is its presentation timestamp. Many files have none or nonsense (Xvid AVIs
with B-frames give timestamps that run backwards although the frames come in the right order), so
there are three clocks, the next one taken where one fails to increase strictly or leaps:
presentation timestamp, decoding timestamp, index of the frame over the average frame rate. A step
of more than `LONGEST_STEP` is a leap, unless the file is said to last that long, and a step of more
than `LONGEST_PAUSE` always is.

*Origin.* Second 0 is the first frame that can be decoded, or the beginning of the file where that
is noticeably earlier: a sound track that begins first, packets that lack their key frame. It is the
same whether a file is read from its beginning or sought in.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
import typing

if typing.TYPE_CHECKING:
  import av

NAMES = ("pts", "dts", "index")
LONGEST_STEP = 60  # Seconds from one frame to the next.
LONGEST_PAUSE = 3600  # The same, within the length that a file states.
MADE_UP = ("mpeg",)  # Formats in which few timestamps are stored, and the others made up from them.
_LEAD = Fraction(1, 10)  # Seconds that encoders of sound put before the first frame.


class ClockError(Exception):
  """The file's timestamps cannot be used; read it again with the next clock."""


class Clock:
  """Tells the time of each frame of a video stream.

  Attributes:
    name: One of `NAMES`.
    begin: Seconds of the stream's first frame.
  """

  def __init__(
    self,
    name: str,
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    first: Sequence[av.VideoFrame],
  ):
    """Finds the origin, and tries the clock.

    Args:
      name: One of `NAMES`.
      container: The file.
      stream: Its video stream.
      first: The first frames that are decoded when the stream is read from its beginning.

    Raises:
      ClockError: These frames have no such times, or times that do not increase.
    """
    self.name = name
    self._tick = stream.time_base
    self._rate = rate(stream)
    self._stated_length = stated_length(container)
    self._last = Fraction(0)
    if name == "dts" and container.format.name in MADE_UP:
      raise ClockError("dts is made up, and no better than pts")
    ticks = 0 if name == "index" else getattr(first[0], name)
    if ticks is None:
      raise ClockError(f"frame 0 has no {name}")
    self._origin = ticks * self._tick
    if name == "pts":
      self._origin -= lead(container, self._origin)
    self.begin = ticks * self._tick - self._origin
    times = [self(index, frame) for index, frame in enumerate(first)]
    for index in range(1, len(times)):
      self.check_step(index, times[index - 1], times[index])

  def __call__(self, index: int, frame: av.VideoFrame) -> Fraction:
    """Returns the time of the frame, the `index`th after the beginning or after a seek."""
    seconds = index / self._rate if self.name == "index" else self.of_frame(frame)
    if seconds is None:
      if self.name != "dts" or not index:
        raise ClockError(f"frame {index} has no {self.name}")
      seconds = self._last + 1 / self._rate  # The last frames out come after the last packet in.
    self._last = seconds
    return seconds

  def check_step(self, index: int, before: Fraction, seconds: Fraction) -> None:
    """Raises ClockError if time runs backwards or jumps between `before` and frame `index`."""
    if not before < seconds <= before + longest_step(seconds, self._stated_length):
      raise ClockError(
        f"{self.name} goes from {float(before):g} s to {float(seconds):g} s at frame {index}"
      )

  def of_frame(self, frame: av.VideoFrame) -> Fraction | None:
    """Returns the time that stands on a frame, None where there is none."""
    return self._seconds(getattr(frame, self.name))

  def of_packet(self, packet: av.Packet) -> Fraction | None:
    """Returns the time of what comes out of a packet, None where that is not known."""
    return self._seconds(getattr(packet, self.name))

  def ticks(self, seconds: Fraction) -> int:
    """Returns the timestamp of a time."""
    return int((seconds + self._origin) / self._tick)

  def _seconds(self, ticks: int | None) -> Fraction | None:
    return None if ticks is None else ticks * self._tick - self._origin


def lead(container: av.container.InputContainer, first: Fraction) -> Fraction:
  """Returns the seconds by which the file begins before its first frame, of timestamp `first`.

  They are 0 where they are no more than an encoder of sound puts before, or not to be believed.
  """
  import av

  if container.start_time is None:
    return Fraction(0)
  found = first - Fraction(container.start_time, av.time_base)
  return found if _LEAD < found <= LONGEST_PAUSE else Fraction(0)


def stated_length(container: av.container.InputContainer) -> Fraction:
  """Returns the seconds that a file is said to last; 0 where it does not say."""
  import av

  return Fraction(container.duration or 0, av.time_base)


def longest_step(seconds: Fraction, stated: Fraction) -> int:
  """Returns the seconds by which a frame at `seconds` may follow the one before, in a file that is
  said to last `stated` seconds."""
  return LONGEST_PAUSE if seconds <= stated else LONGEST_STEP


def rate(stream: av.video.stream.VideoStream) -> Fraction:
  """Returns the frames a second that the file states, if they can be true."""
  return next(
    (
      rate
      for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate)
      if rate and 1 <= rate <= 240
    ),
    Fraction(25),
  )

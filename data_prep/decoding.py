"""Video files to upright RGB frames on an even grid of time, whatever state the file is in.

Decoding goes packet by packet: a packet that cannot be decoded costs its own frames, not the rest
of the file.

*Time.* A frame's time is its presentation timestamp. Many files have none or nonsense (Xvid AVIs
with B-frames give timestamps that run backwards although the frames come in the right order), so
there are three *clocks*, the next one taken where one fails to increase strictly or leaps by more
than `LONGEST_GAP`: presentation timestamp, decoding timestamp, index of the frame over the average
frame rate. A failing clock is noticed while reading, as `ClockError`; the reader then begins again
with the next clock, so that nothing is decoded twice in the usual case.

*Grid.* Dataset frame k is the last frame whose time is at most start + k / fps. Where the source is
slower than the grid, a frame is repeated; where it is faster, frames are left out. Times are exact
fractions.
"""

from collections.abc import Callable, Iterable, Iterator
import contextlib
from fractions import Fraction

import av
import cv2
import numpy as np

from data_prep import files
from data_prep.limits import DEFAULT as DEFAULT_LIMITS
from data_prep.limits import Limits

CLOCKS = ("pts", "dts", "index")
LONGEST_GAP = 60  # Seconds from one frame to the next.
_ROUNDING = Fraction(1, 1000)  # Seconds by which a container may have rounded its timestamps.


class DecodeError(Exception):
  """The file cannot be decoded; the text says why, without the path."""


class ClockError(Exception):
  """The file's timestamps cannot be used; read it again with the next clock."""


def exact(seconds: float) -> Fraction:
  """Returns the decimal fraction that `seconds` was written as: 9/10 for 0.9."""
  return Fraction(str(seconds))


def frames(location: str,
           *,
           clock: str,
           start: float | None = None,
           limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[Fraction, av.VideoFrame]]:
  """Yields (seconds, frame), seconds strictly increasing.

  Args:
    location: A local path or a URL.
    clock: One of `CLOCKS`.
    start: Seconds; reading begins at a key frame before, so that the first frames may be earlier
      than this. None or 0 reads from the beginning, and the first frame is second 0.
    limits: Of the number and the size of frames.

  Raises:
    DecodeError: Nothing can be read.
    LimitError: A limit is exceeded.
    ClockError: The clock fails; begin again with the next one.
  """
  with contextlib.ExitStack() as resources:
    container, stream = _opened(location, resources)
    limits.check_picture(stream.codec_context.width, stream.codec_context.height)
    stream.codec_context.thread_count = 1
    # The size may change on the way, and a decoder allocates a margin, too, before it tells.
    stream.codec_context.options = {"max_pixels": str(2 * limits.max_pixels + 1_000_000)}
    if start:
      # A file that cannot seek is read from the beginning.
      with contextlib.suppress(av.FFmpegError):
        container.seek(int(exact(start) / stream.time_base) + (stream.start_time or 0),
                       stream=stream)
    time_of = _Clock(clock, stream, from_beginning=not start)
    damage: list[str] = []
    last = None
    for index, frame in enumerate(_decoded(container, stream, time_of.see_packet, damage)):
      limits.check_decoded(index + 1)
      limits.check_picture(frame.width, frame.height)
      seconds = time_of(index, frame)
      if last is not None and not last < seconds <= last + LONGEST_GAP:
        raise ClockError(
            f"{clock} goes from {float(last):g} s to {float(seconds):g} s at frame {index}")
      last = seconds
      yield seconds, frame
    if last is None:
      raise DecodeError(
          f"no frame could be decoded: {damage[0]}" if damage else "the video stream has no frames")


def length(location: str) -> float:
  """Returns the seconds that a video lasts, by reading all of it without decoding.

  It is where the last packet ends; where that is more than twice what the number of packets makes
  at the stated frame rate, the timestamps leap, and it is the latter.

  Raises:
    DecodeError: Nothing can be read.
  """
  with contextlib.ExitStack() as resources:
    container, stream = _opened(location, resources)
    count, last = 0, Fraction(0)
    with contextlib.suppress(av.FFmpegError):  # The file ends here.
      for packet in container.demux(stream):
        if packet.size:
          count += 1
          ticks = packet.pts if packet.pts is not None else packet.dts or 0
          last = max(last, (ticks + (packet.duration or 0)) * stream.time_base)
    by_time, by_count = last - (stream.start_time or 0) * stream.time_base, count / _rate(stream)
    return float(by_time if 0 < by_time <= 2 * by_count + LONGEST_GAP else by_count)


def on_grid(timed: Iterable[tuple[Fraction, av.VideoFrame]],
            fps: Fraction,
            *,
            start: float | None = None,
            end: float | None = None) -> Iterator[av.VideoFrame]:
  """Yields the frame shown at start + k / fps for k = 0, 1, ...

  The last is at the last frame's time, or before `end`. The same object comes again where a frame
  is repeated.
  """
  begin, end = exact(start or 0), None if end is None else exact(end)
  shown, moment, k = None, begin, 0
  for seconds, frame in timed:
    while shown is not None and moment < seconds - _ROUNDING:
      if end is not None and moment >= end:
        return
      yield shown
      k += 1
      moment = begin + k / fps
    shown = frame
  while shown is not None and moment <= seconds + _ROUNDING and (end is None or moment < end):
    yield shown
    k += 1
    moment = begin + k / fps


def upright_rgb(frame: av.VideoFrame) -> np.ndarray:
  """Returns uint8 `[height, width, 3]`, turned as the file's rotation tag says."""
  quarter_turns = round(frame.rotation / 90) % 4
  return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), quarter_turns))


def resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
  """Returns the image in another size: averaged where it shrinks, bilinear where it grows."""
  if image.shape[:2] == (height, width):
    return image
  shrinks = width * height < image.shape[0] * image.shape[1]
  return cv2.resize(image, (width, height),
                    interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def short_side_size(width: int, height: int, short_side: int) -> tuple[int, int]:
  """Returns (width, height) with the given shorter side and the same proportions."""
  scale = Fraction(short_side, min(width, height))
  return round(width * scale), round(height * scale)


class _Clock:
  """Tells the time of each frame of a stream, in seconds from the stream's beginning.

  After a seek, the first frame out is the key frame of the first packet in, whatever the decoder
  held back: its time is that packet's.
  """
  def __init__(self, kind: str, stream: av.video.stream.VideoStream, *, from_beginning: bool):
    self._kind = kind
    self._tick = stream.time_base
    self._from_beginning = from_beginning
    self._stream_start = stream.start_time or 0
    self._rate = _rate(stream)
    self._first_packet: int | None = None
    self._last = self._origin = Fraction(0)

  def see_packet(self, packet: av.Packet) -> None:
    """To be called with every packet before the frames that come out of it."""
    if self._first_packet is None:
      self._first_packet = packet.dts if packet.dts is not None else packet.pts

  def __call__(self, index: int, frame: av.VideoFrame) -> Fraction:
    """Returns the time of the frame, the `index`th after the beginning or the seek."""
    ticks = index / self._rate / self._tick if self._kind == "index" else getattr(frame, self._kind)
    if ticks is None:
      if self._kind != "dts" or not index:
        raise ClockError(f"frame {index} has no {self._kind}")
      self._last += 1 / self._rate  # The last frames out come after the last packet in.
      return self._last
    if not index:
      if self._from_beginning:
        self._origin = ticks
      elif self._kind == "pts" or self._first_packet is None:
        self._origin = self._stream_start
      else:
        self._origin = ticks - (self._first_packet - self._stream_start)
    self._last = (ticks - self._origin) * self._tick
    return self._last


def _rate(stream: av.video.stream.VideoStream) -> Fraction:
  """Returns the frames a second that the file states, if they can be true."""
  return next((rate for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate)
               if rate and 1 <= rate <= 240), Fraction(25))


def _opened(location: str, resources: contextlib.ExitStack
            ) -> tuple[av.container.InputContainer, av.video.stream.VideoStream]:
  """Opens a file, which `resources` close, and finds its video stream; raises DecodeError."""
  try:
    source = location
    if files.is_url(location):
      source = resources.enter_context(files.open_to_read(location))
    container = resources.enter_context(av.open(source, metadata_errors="replace"))
  except (av.FFmpegError, OSError) as error:
    raise DecodeError(_reason(error)) from error
  return container, _video_stream(container)


def _video_stream(container: av.container.InputContainer) -> av.video.stream.VideoStream:
  for stream in container.streams.video:
    is_cover = bool(stream.disposition & av.stream.Disposition.attached_pic)  # Of a piece of music.
    if stream.codec_context is not None and not is_cover:
      return stream
  raise DecodeError("the file has no video stream that can be decoded")


def _decoded(container: av.container.InputContainer, stream: av.video.stream.VideoStream,
             see_packet: Callable[[av.Packet], None], damage: list[str]) -> Iterator[av.VideoFrame]:
  """Yields what can be decoded; the reasons for what cannot are appended to `damage`."""
  packets = container.demux(stream)
  while True:
    try:
      packet = next(packets)
    except StopIteration:
      return
    except av.FFmpegError as error:  # The file ends here; the decoder may hold frames yet.
      damage.append(_reason(error))
      packets, packet = iter(()), av.Packet(0)
      packet.stream = stream
    see_packet(packet)
    try:
      yield from packet.decode()
    except av.FFmpegError as error:
      damage.append(_reason(error))


def _reason(error: Exception) -> str:
  """The error without the path, so that it reads the same wherever the file lies."""
  return getattr(error, "strerror", None) or str(error) or type(error).__name__

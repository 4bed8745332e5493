"""Frames from a given second on, the same as when the whole file is read.

Many containers find no more than the neighbourhood of a time: a seek may land late, or between key
frames. So it counts only where a key frame comes out that is not later than the time that was asked
for; else the reader goes further back, and reads from the beginning at last.

Where timestamps may restart on the way (MPEG transport and program streams), all packets are
passed over first, unless the file is large, to see whether the timestamps hold. In program streams
they are made up from what came before, so that nothing is sought there: decoding begins with the
last key packet before the time. What does not survive even that is decoded from the beginning:
indices, and decoding timestamps, except those of AVI, which are indices in the file's own table.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
import functools
import itertools
import typing

from data_prep.dataset import clocks
from data_prep.dataset.video_file import VideoFile

if typing.TYPE_CHECKING:
  import av

ROUNDING = Fraction(1, 1000)  # Seconds by which a container may have rounded its timestamps.
_STEPS_BACK = (0, 1, 4, 16, 64, 256, 1024)  # Seconds before the start, one tried after the other.
_LARGE = 1 << 26  # Bytes; of a larger file, only what is around the cut is read.
_FILES_REMEMBERED = 256
_AROUND = 1  # Seconds by which packets may be out of order.


def frames(video: VideoFile, time_of: clocks.Clock, start: Fraction) -> Iterator[av.VideoFrame]:
  """Yields frames from one on that is not later than `start`, or from the first.

  Args:
    video: The file; what was read of it before does not matter.
    time_of: Its clock.
    start: Seconds.

  Raises:
    ClockError: The clock fails.
  """
  latest = start + ROUNDING
  for found in _attempts(video, time_of, start):
    first = next(_accepted(found, time_of, latest), None)
    if first is not None:
      yield first
      yield from found
      return
  video.begin_again()
  yield from video.decoded(video.packets())


def _attempts(
  video: VideoFile, time_of: clocks.Clock, start: Fraction
) -> Iterator[Iterator[av.VideoFrame]]:
  """Yields one way after the other to come by the frames."""
  import av

  container_format, latest = video.container.format, start + ROUNDING
  keys: tuple[tuple[int, int], ...] = ()
  if time_of.name == "pts" and container_format.flags & av.format.Flags.ts_discont.value:
    if container_format.name in clocks.MADE_UP or video.container.size <= _LARGE:
      fault, keys = _key_packets(video.location, video.container.size)
      if fault:
        raise clocks.ClockError(fault)
  if time_of.name == "pts" and container_format.name in clocks.MADE_UP:
    numbers = [number for number, ticks in keys if ticks <= time_of.ticks(latest)]
    for number in numbers[:-3:-1]:
      video.begin_again()
      yield video.decoded(itertools.islice(video.packets(), number, None))
  elif time_of.name == "pts" or (time_of.name == "dts" and container_format.name == "avi"):
    for back in itertools.takewhile(lambda back: start - back > time_of.begin, _STEPS_BACK):
      try:
        video.container.seek(time_of.ticks(start - back), stream=video.stream)
      except av.FFmpegError:
        return
      yield video.decoded(_from_key_packet(video, time_of, latest))


@functools.lru_cache(_FILES_REMEMBERED)
def _key_packets(location: str, size: int) -> tuple[str, tuple[tuple[int, int], ...]]:
  """Returns what is wrong with timestamps, or else "", and (number, pts) of the key packets.

  Long videos are cut many times, so that it is remembered.

  Args:
    location: The file.
    size: Its bytes; a file of another size is another one.
  """
  del size
  keys, seen, before = [], set(), None
  with VideoFile(location) as video:
    for number, packet in enumerate(video.packets()):
      if not packet.size:
        continue
      if packet.pts is None or packet.pts in seen:
        return f"packet {number} has no pts of its own", ()
      if before is not None and packet.dts is not None and packet.dts <= before:
        return f"time restarts at packet {number}", ()
      seen.add(packet.pts)
      before = packet.dts
      if packet.is_keyframe:
        keys.append((number, packet.pts))
  return "", tuple(keys)


def _from_key_packet(
  video: VideoFile, time_of: clocks.Clock, latest: Fraction
) -> Iterator[av.Packet]:
  """Yields the packets from the next one that is a key, none where that is later than `latest`."""
  packets = video.packets()
  for packet in packets:
    seconds = time_of.of_packet(packet)
    if seconds is not None and seconds > latest + _AROUND:
      return
    if _is_key(packet):
      yield packet
      break
  yield from packets


def _accepted(
  decoded: Iterator[av.VideoFrame], time_of: clocks.Clock, latest: Fraction
) -> Iterator[av.VideoFrame]:
  """Yields the next key frame, unless it is later than `latest`.

  What comes out before it may lack the frames that it was made from.
  """
  for frame in decoded:
    seconds = time_of.of_frame(frame)
    if seconds is not None and seconds > latest:
      return
    if seconds is not None and frame.key_frame:
      yield frame
      return


def _is_key(packet: av.Packet) -> bool:
  return packet.is_keyframe and packet.size > 0

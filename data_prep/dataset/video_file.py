"""An open video file: its picture stream, packet by packet.

A packet that cannot be decoded costs its own frames, not the rest of the file.

PyAV takes half a second to import. The modules that use it import it when a video is read, so that
programs which read datasets alone never do.
"""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import typing

from data_prep.common import files
from data_prep.dataset.limits import Limits

if typing.TYPE_CHECKING:
  import av


class DecodeError(Exception):
  """The file cannot be decoded; the text says why, without the path."""


class VideoFile(contextlib.AbstractContextManager):
  """A file that is read once from its beginning, or from where its container is sought to.

  Attributes:
    location: Its path or URL.
    container: The open file.
    stream: The first of its video streams that is no picture of a cover.
    damage: Why packets could not be decoded, one reason each.
  """

  def __init__(self, location: str, limits: Limits | None = None):
    """Opens the file.

    Args:
      location: A local path or a URL.
      limits: Limits of the size of frames; None if nothing is to be decoded.

    Raises:
      DecodeError: It cannot be opened, or has no video stream.
      LimitError: Its frames are too large.
    """
    self.location = location
    self._limits = limits
    self._resources = contextlib.ExitStack()
    self.damage: list[str] = []
    self._open()

  def __exit__(self, *error) -> None:
    self._resources.close()

  def begin_again(self) -> None:
    """Opens the file again, as if nothing had been read."""
    self._resources.close()
    self._open()

  @property
  def film_count(self) -> int:
    """The number of video streams that are no pictures of covers."""
    return sum(map(_is_film, self.container.streams.video))

  def packets(self) -> Iterator[av.Packet]:
    """Yields the packets of the stream; the last is empty and gets out what a decoder holds."""
    import av

    packets = self.container.demux(self.stream)
    while True:
      try:
        packet = next(packets)
      except StopIteration:
        return
      except av.FFmpegError as error:  # The file ends here; the decoder may hold frames yet.
        self.damage.append(_reason(error))
        packets, packet = iter(()), av.Packet(0)
        packet.stream = self.stream
      yield packet

  def decoded(self, packets: Iterator[av.Packet]) -> Iterator[av.VideoFrame]:
    """Yields what can be decoded, each frame with the shape of its pixels as `opaque`."""
    import av

    codec = self.stream.codec_context
    stated, coded = self.stream.sample_aspect_ratio, codec.sample_aspect_ratio
    for packet in packets:
      try:
        frames = packet.decode()
      except av.FFmpegError as error:
        self.damage.append(_reason(error))
        continue
      for frame in frames:
        # The container's word goes before the codec's, which may change on the way.
        frame.opaque = stated if stated != coded else codec.sample_aspect_ratio
        yield frame

  def _open(self) -> None:
    import av

    try:
      source = self.location
      if files.is_url(source):
        source = self._resources.enter_context(files.open_to_read(source))
      self.container = self._resources.enter_context(av.open(source, metadata_errors="replace"))
    except (av.FFmpegError, OSError) as error:
      self._resources.close()
      raise DecodeError(_reason(error)) from error
    try:
      stream = next(filter(_is_film, self.container.streams.video), None)
      if stream is None:
        raise DecodeError("the file has no video stream that can be decoded")
      self.stream = stream
      if self._limits:
        self._prepare(self._limits)
    except Exception:
      self._resources.close()
      raise

  def _prepare(self, limits: Limits) -> None:
    codec = self.stream.codec_context
    limits.check_picture(codec.width, codec.height)
    codec.thread_count = 1
    # The size may change on the way, and a decoder allocates a margin, too, before it tells.
    codec.options = {"max_pixels": str(2 * limits.max_pixels + 1_000_000)}


def _is_film(stream: av.video.stream.VideoStream) -> bool:
  import av

  is_cover = bool(stream.disposition & av.stream.Disposition.attached_pic)  # Of a piece of music.
  return stream.codec_context is not None and not is_cover


def _reason(error: Exception) -> str:
  """The error without the path, so that it reads the same wherever the file lies."""
  return getattr(error, "strerror", None) or str(error) or type(error).__name__

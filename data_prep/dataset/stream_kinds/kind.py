"""The contract that each kind of stream fulfils.

The values of a stream have one form after the other:

    seen      what people and other programs mean: RGB, or flow in pixels     `encode` takes it
    levels    the image that is stored, uint8 [height, width, 1 or 3]         `decode` returns it
    kept      what caches and batches hold: levels, or a wider type, of       `resize`, `cut`
              `kept_type`, where frames were brought to another size
    network   float32, made where a step runs (official.inputs.stream_tensors)

Clips are cut out of frames that were resized, then varied and mirrored, in place.
"""

import abc
from collections.abc import Sequence
import dataclasses
from typing import Any

import numpy as np

from data_prep.dataset import stored_images
from data_prep.dataset.streams import StreamInfo


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
  """The part of a page about the numbers in a stream.

  Attributes:
    numbers: Those whose distribution is drawn.
    axis: What they are.
    caption: What the drawing says.
    key: Picture that explains the stream's colours, RGB.
    key_name: What the picture is.
    key_caption: What it says.
  """

  numbers: np.ndarray
  axis: str
  caption: str
  key: np.ndarray
  key_name: str
  key_caption: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
  """The facts about a file from which a stream is made.

  Attributes:
    dtype: Type of its values.
    channels: How many it has.
    is_video: Whether it is a video.
    bound: Pixels that stored flow is to reach.
  """

  dtype: np.dtype
  channels: int
  is_video: bool = False
  bound: float = 20.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamKind(abc.ABC):
  """A kind of stream.

  Attributes:
    name: As dataset.json writes it.
    channels: Numbers of channels that a stream of this kind may have; empty for any.
    unit: What the values that a network takes are in, for people.
    is_target: Whether its streams are what a network is to find, and not what it reads.
    tensors: Module that registers the counterpart in TensorFlow, of a kind of one's own.
  """

  name: str
  channels: tuple[int, ...]
  unit: str
  tensors: str = ""
  is_target: bool = False

  def fault(self, stream: StreamInfo) -> str | None:
    """Returns what is wrong with the facts about a stream of this kind; None if nothing is."""
    if self.channels and stream.channels not in self.channels:
      counts = " or ".join(map(str, self.channels))
      return f"has {stream.channels} channels, and the kind {self.name} takes {counts}"
    if stream.format not in stored_images.FORMATS:
      formats = " or ".join(stored_images.FORMATS)
      return f"has the format {stream.format!r}, and the kind {self.name} takes {formats}"
    return None

  def describe(self, stream: StreamInfo) -> str:
    """Returns what a person should know of a stream, in a few words; "" if there is nothing."""
    del stream
    return ""

  @abc.abstractmethod
  def encode(self, seen: np.ndarray, stream: StreamInfo) -> bytes:
    """Returns a frame as the dataset stores it."""

  def decode(self, data: bytes, stream: StreamInfo) -> np.ndarray | None:
    """Returns the levels of a stored frame, uint8 [height, width, 3], or of a stream of one channel
    [height, width]; None if that cannot be done."""
    return stored_images.decode(data, grey=stream.channels == 1)

  def prepared(self, source: Source) -> dict[str, Any]:
    """Returns the facts that a stream made of a file has besides its kind and its size, as fields
    of StreamInfo: channels, format and what else the kind needs.

    Raises:
      ValueError: The kind is not made of such files; the text says what it takes.
    """
    raise ValueError("is not made from files by data_prep.extract")

  def fitted(self, seen: np.ndarray, stream: StreamInfo, width: int, height: int) -> np.ndarray:
    """Returns a frame of a file in the size in which it is stored, if the frames' size says so.

    By default it is stored as it is, and brought to a size when it is read.
    """
    del stream, width, height
    return seen

  def measures(self) -> bool:
    """Returns whether the mean and the spread of each channel are to be known."""
    return False

  def counted(self, seen: np.ndarray) -> np.ndarray:
    """Returns the values [n, channels] of which mean and spread are taken."""
    return seen.reshape(-1, seen.shape[-1])

  def kept_type(self, *, resized: bool) -> np.dtype:
    """Returns the type in which values of every stream of this kind are kept and sent.

    Args:
      resized: Whether frames are brought to another size.
    """
    raise NotImplementedError(self.name)

  def type_of(self, stream: StreamInfo, *, resized: bool) -> np.dtype:
    """Returns the type in which values of a stream are kept and sent; `kept_type`, unless the kind
    has streams of several types."""
    del stream
    return self.kept_type(resized=resized)

  @abc.abstractmethod
  def resize(
    self, levels: np.ndarray, stream: StreamInfo, width: int, height: int, *, shrunk: bool
  ) -> np.ndarray:
    """Returns a frame in another size, as it is kept: [height, width, channels or more].

    Args:
      levels: The frame, as `decode` returns it.
      stream: Which stream it is of.
      width, height: Its new size, in pixels.
      shrunk: Whether all frames of the dataset are made smaller.
    """

  @abc.abstractmethod
  def cut(self, part: np.ndarray, stream: StreamInfo, target: np.ndarray) -> None:
    """Writes part of a frame into a square, [size, size, channels], resizing it if need be.

    A stream of a size of its own is not resized: its frames need not be square.

    Args:
      part: [height, width, channels or more], as `resize` returned it or as it was kept.
      stream: Which stream it is of.
      target: Has the type `kept_type`; where that is the type of levels, `part` has its size.
    """

  def vary(self, clip: np.ndarray, brightness: int) -> None:
    """Adds grey levels, of 255, to images, in place; other values have no brightness.

    Args:
      clip: [frames, size, size, channels], in one piece, as `cut` wrote them.
      brightness: Grey levels.
    """
    del clip, brightness

  @abc.abstractmethod
  def mirror(self, clip: np.ndarray) -> None:
    """Mirrors a clip left to right, in place; arguments as for `vary`."""

  @abc.abstractmethod
  def hold(self, clip: np.ndarray, there: int) -> None:
    """Fills what is past the end of a video: its last frame stands still.

    Args:
      clip: As for `vary`.
      there: Frames that are written; those after them are to be filled.
    """

  def seen(self, levels: np.ndarray, stream: StreamInfo) -> np.ndarray:
    """Returns what levels mean."""
    del stream
    return levels

  def measured(self, frames: np.ndarray, stream: StreamInfo) -> tuple[np.ndarray, float] | None:
    """Returns numbers that should be drawn of a stream, and the share of values that may have been
    cut off; None if nothing is drawn.

    Args:
      frames: [frames, height, width, ...], as `seen` returns each.
      stream: Which stream they are of.
    """
    del frames, stream

  def signs(
    self, frames: Sequence[np.ndarray], cut_off: float, length: int
  ) -> list[tuple[str, str]]:
    """Returns what looks wrong in a clip, as kind and details of each sign (looks_wrong).

    Args:
      frames: Some of its frames, as `seen` returns each.
      cut_off: The share that `measured` returns for them; 0 if it returns nothing.
      length: How many frames the clip has.
    """
    del frames, cut_off, length
    return []

  def thumbnail(self, seen: np.ndarray, width: int, height: int) -> np.ndarray:
    """Returns a frame in a size in which a page shows it, for `picture`."""
    return stored_images.resized(seen, width, height)

  def picture(self, seen: np.ndarray, scale: float | None) -> np.ndarray:
    """Returns a frame as RGB, uint8 [height, width, 3].

    Args:
      seen: As `seen` returns it, but of any size.
      scale: The largest of the numbers of `measured` that still differs in colour, if there are.
    """
    del scale
    grey = seen[..., np.newaxis] if seen.ndim == 2 else seen
    return grey.repeat(3, axis=-1) if grey.shape[-1] == 1 else grey

  def chart(
    self, name: str, stream: StreamInfo, numbers: np.ndarray, cut_off: float, scale: float
  ) -> Chart:
    """Returns what a page shows of the numbers of `measured`, for a kind that has some."""
    raise NotImplementedError(self.name)

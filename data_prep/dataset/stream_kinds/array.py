"""Arrays: measurements with any number of channels, such as hyperspectral or lidar images.

They are stored without loss, as float16, float32, uint8 or uint16, and kept in the same type at
every size. A network takes (value - mean) / spread, with the mean and the spread of each channel
over the train split; a channel that never changes is 0 everywhere.

Nothing but a place and a mirror image is drawn for them: what a number means does not depend on the
light. They are not brightened. Past the end of a video the last frame stands still.
"""

from typing import Any

import numpy as np

from data_prep.dataset import array_frames
from data_prep.dataset import stored_images
from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds.kind import Source
from data_prep.dataset.stream_kinds.kind import StreamKind
from data_prep.dataset.streams import StreamInfo

_AT_A_TIME = 4  # Channels that OpenCV resizes together without exception.


class Array(StreamKind):
  """The kind `array`."""

  def fault(self, stream: StreamInfo) -> str | None:
    if stream.dtype not in array_frames.TYPES:
      return (
        f"has the type {stream.dtype}, and the kind {self.name} takes "
        f"{' or '.join(array_frames.TYPES)}"
      )
    if stream.format != array_frames.FORMAT:
      return f"has the format {stream.format!r}, and the kind {self.name} takes zlib"
    if self.channels and stream.channels not in self.channels or stream.channels < 1:
      counts = " or ".join(map(str, self.channels)) or "1 and more"
      return f"has {stream.channels} channels, and the kind {self.name} takes {counts}"
    for name in ("mean", "spread"):
      numbers = getattr(stream, name)
      if numbers is None or len(numbers) != stream.channels:
        count = "no" if numbers is None else len(numbers)
        return f"has {count} numbers as its {name}, and needs one for each channel"
    return None

  def describe(self, stream: StreamInfo) -> str:
    size = "x".join(map(str, stream.own_size)) + " pixels, " if stream.own_size else ""
    return f"{size}{stream.dtype}, mean {_range(stream.mean)}, spread {_range(stream.spread)}"

  def prepared(self, source: Source) -> dict[str, Any]:
    if str(source.dtype) not in array_frames.TYPES:
      raise ValueError(
        f"has values of type {source.dtype}, and the kind {self.name} takes "
        f"{', '.join(array_frames.TYPES)}"
      )
    if self.channels and source.channels not in self.channels:
      counts = " or ".join(map(str, self.channels))
      raise ValueError(f"has {source.channels} channels, and the kind {self.name} takes {counts}")
    how = {"channels": source.channels, "format": array_frames.FORMAT}
    return how | {"dtype": str(source.dtype)}

  def measures(self) -> bool:
    return True

  def encode(self, seen: np.ndarray, stream: StreamInfo) -> bytes:
    return array_frames.encode(seen.reshape(*seen.shape[:2], stream.channels))

  def decode(self, data: bytes, stream: StreamInfo) -> np.ndarray | None:
    values = array_frames.decode(data)
    fits = values is not None and (values.shape[2], values.dtype) == (stream.channels, stream.dtype)
    return values if fits else None

  def type_of(self, stream: StreamInfo, *, resized: bool) -> np.dtype:
    return np.dtype(stream.dtype)

  def resize(
    self, levels: np.ndarray, stream: StreamInfo, width: int, height: int, *, shrunk: bool
  ) -> np.ndarray:
    return levels if levels.shape[:2] == (height, width) else self._scaled(levels, width, height)

  def cut(self, part: np.ndarray, stream: StreamInfo, target: np.ndarray) -> None:
    height, width = target.shape[:2]
    np.copyto(target, self.resize(part, stream, width, height, shrunk=True))

  def mirror(self, clip: np.ndarray) -> None:
    clip[...] = clip[:, :, ::-1].copy()

  def hold(self, clip: np.ndarray, there: int) -> None:
    clip[there:] = clip[there - 1]

  def thumbnail(self, seen: np.ndarray, width: int, height: int) -> np.ndarray:
    shown = seen[..., : 3 if seen.shape[-1] >= 3 else 1].astype(np.float32)
    return stored_images.resized(shown, width, height)

  def picture(self, seen: np.ndarray, scale: float | None) -> np.ndarray:
    """Returns the first three channels as red, green and blue, or the first one as grey; each is
    stretched from its 1st to its 99th percentile."""
    shown = seen.reshape(*seen.shape[:2], -1)
    count = 3 if shown.shape[2] >= 3 else 1
    shown = shown[..., :count].astype(np.float32)
    low, high = np.percentile(shown, (1, 99), axis=(0, 1))
    share = (shown - low) / np.maximum(high - low, 1e-6)
    return super().picture(np.uint8(255 * np.clip(share, 0, 1)), scale)

  def _scaled(self, values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Returns values in another size, in their type: integers are rounded."""
    exact = values.astype(np.float32)  # OpenCV knows no float16.
    parts = [
      stored_images.resized(exact[..., first : first + _AT_A_TIME], width, height).reshape(
        height, width, -1
      )
      for first in range(0, exact.shape[2], _AT_A_TIME)
    ]
    made = np.concatenate(parts, axis=-1)
    if values.dtype.kind == "u":
      made = np.clip(np.rint(made), 0, np.iinfo(values.dtype).max)
    return made.astype(values.dtype)


def _range(numbers: tuple[float, ...]) -> str:
  low, high = min(numbers), max(numbers)
  return f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"


KIND = stream_kinds.register(Array(name="array", channels=(), unit="(value - mean) / spread"))

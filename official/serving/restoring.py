"""Whole videos through a network that restores frames: decoded, cut, asked, written, compared.

Every frame of a video is taken, at the average rate of its file. Where the network was taught to
find missing frames (`drop:2`), a video has only those that are there: between two of them comes
their mean, as in training, and the answer has twice the rate.

A *clean* video is the truth itself. It is made worse as in training first, and the answer compared
with it; rows and columns that the scale leaves over are cut off.
"""

from collections.abc import Iterable, Iterator, Mapping
import dataclasses
from fractions import Fraction
import itertools
import math
import sys
from typing import Any

import numpy as np

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import degradation
from data_prep.dataset import limits
from data_prep.dataset import stored_images
from data_prep.dataset import video_file
from official.serving import frame_files
from official.serving import saved_model
from official.serving import tiling

_LIMITS = dataclasses.replace(limits.DEFAULT, max_frames=sys.maxsize)
_PERFECT = 100.0  # Decibels of equal videos.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manner:
  """How videos are restored.

  Attributes:
    clean: Whether videos are the truth, to be made worse first.
    overlap: Share of a window that overlaps the next.
    codec: Name of the encoder; None for PNGs.
  """

  clean: bool = False
  overlap: float = 0.5
  codec: str | None = frame_files.LOSSLESS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restored:
  """What came of a video.

  Attributes:
    path: What was written.
    frames, height, width: Its size.
    psnr, input_psnr: Decibels of the answer and of the enlarged input; None without a truth.
  """

  path: str
  frames: int
  height: int
  width: int
  psnr: float | None = None
  input_psnr: float | None = None


class Restorer:
  """A loaded SavedModel that returns frames."""

  def __init__(self, path: str, manner: Manner):
    """Loads it; raises UserError if it is damaged or does not take plain frames."""
    version = saved_model.Version(path)
    version.check_assets()
    saved_model.quieten()
    import tensorflow as tf

    try:
      self._loaded = tf.saved_model.load(path)  # The signature alone does not keep it.
    except (OSError, ValueError, LookupError, RuntimeError, tf.errors.OpError) as error:
      raise cli.UserError(f"{path} cannot be loaded ({error}); export the network again") from error
    self._predict = self._loaded.signatures["serving_default"]
    inputs = sorted(self._predict.structured_input_signature[1])
    if inputs != ["frames"]:
      raise cli.UserError(
        f"{path} takes {', '.join(inputs)}, which plain frames do not give; ask its signature "
        "streams"
      )
    self._manner, self._chain = manner, degradation.parse(version.degrade)
    if manner.clean and self._chain.stream:
      raise cli.UserError(
        f"{path} restores frames that data_prep.extract --degrade coded, and `clean` cannot code "
        "videos; give coded videos without it"
      )
    self._tiling = tiling.Tiling(
      num_frames=version.clip["num_frames"],
      side=version.clip["image_size"],
      scale=self._chain.scale,
      overlap=manner.overlap,
      period=self._period,
    )

  @property
  def _period(self) -> int:
    return math.lcm(*(link.period or 1 for link in self._chain.links))

  def __call__(
    self, location: str, target: str, start: float | None = None, end: float | None = None
  ) -> Restored:
    """Writes the answer to a video.

    Args:
      location: The video.
      target: Path of what is written, without an extension.
      start, end: Seconds of the video; None for its beginning and end.

    Raises:
      DecodeError, LimitError: It cannot be read.
    """
    for clock in decoding.CLOCKS:
      try:
        return self._restored(location, target, clock, start, end)
      except decoding.ClockError:
        continue
    raise AssertionError("the clock of indices does not fail")

  def _restored(
    self, location: str, target: str, clock: str, start: float | None, end: float | None
  ) -> Restored:
    rate = frame_rate(location)
    timed = decoding.frames(location, clock=clock, start=start, limits=_LIMITS)
    on_grid = decoding.on_grid(timed, rate, start=start, end=end)
    images = _of_one_size(map(decoding.upright_rgb, on_grid))
    if self._manner.clean:
      images, truths = itertools.tee(_cropped(images, self._chain.scale))
      seen, shown = itertools.tee(degraded(images, self._chain))
      compared: Iterator[Any] = zip(shown, truths)
    else:
      seen = images if self._period == 1 else between(images)
      rate, compared = rate * self._period, itertools.repeat(None)
    sums = _Sums(self._chain.scale)
    with frame_files.FrameFile(target, rate=rate, codec=self._manner.codec) as file:
      for answer, pair in zip(tiling.answers(seen, self._ask, self._tiling), compared):
        file.write(answer)
        sums.add(answer, pair)
      if not sums.frames:
        raise decoding.DecodeError(f"the video has no frame between {start or 0:g} s and its end")
    return sums.restored(file.path)

  def _ask(self, tiles: np.ndarray) -> np.ndarray:
    return self._predict(frames=tiles)["frames"].numpy()


def frame_rate(location: str) -> Fraction:
  """Returns the average frames a second of a file, 25 where it says nothing."""
  with video_file.VideoFile(location, _LIMITS) as video:
    return Fraction(video.stream.average_rate or 25)


def degraded(images: Iterable[np.ndarray], chain: degradation.Chain) -> Iterator[np.ndarray]:
  """Yields the frames of a clip made worse, like `chain.apply` of all of them at once.

  They go through in pairs with the frame after, which is all that a missing frame is made of.
  """
  images = iter(images)
  pair = list(itertools.islice(images, 2))
  while pair:
    following = list(itertools.islice(images, 2))
    yield from chain.apply(np.stack(pair + following[:1]))[: len(pair)]
    pair = following


def between(images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
  """Yields the frames with the mean of each two that are neighbours between them."""
  last = None
  for image in images:
    if last is not None:
      yield ((last.astype(np.uint16) + image + 1) // 2).astype(np.uint8)
    yield image
    last = image


def psnr(squared_error: float, count: int) -> float:
  """Returns decibels, given the sum of the squared errors of so many grey levels."""
  mean = squared_error / count
  return min(_PERFECT, 10 * math.log10(255**2 / mean)) if mean else _PERFECT


class _Sums:
  """The squared errors of a video, frame by frame."""

  def __init__(self, scale: int):
    self._scale, self.frames, self._size = scale, 0, (0, 0)
    self._errors, self._count = [0.0, 0.0], 0

  def add(self, answer: np.ndarray, pair: tuple[np.ndarray, np.ndarray] | None) -> None:
    self.frames += 1
    self._size = answer.shape[:2]
    if pair is None:
      return
    shown, truth = pair
    self._count += truth.size
    for index, one in enumerate((answer, _enlarged(shown, self._scale))):
      self._errors[index] += float(np.square(one.astype(np.float64) - truth).sum())

  def restored(self, path: str) -> Restored:
    found: Mapping[str, float] = {}
    if self._count:
      after, before = (psnr(error, self._count) for error in self._errors)
      found = {"psnr": after, "input_psnr": before}
    height, width = self._size
    return Restored(path=path, frames=self.frames, height=height, width=width, **found)


def _enlarged(image: np.ndarray, scale: int) -> np.ndarray:
  if scale == 1:
    return image
  import tensorflow as tf

  size = [side * scale for side in image.shape[:2]]
  large = tf.image.resize(image.astype(np.float32), size, method="bicubic").numpy()
  return np.clip(np.rint(large), 0, 255)


def _of_one_size(images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
  first = None
  for image in images:
    first = image.shape if first is None else first
    yield stored_images.resized(image, first[1], first[0])


def _cropped(images: Iterable[np.ndarray], scale: int) -> Iterator[np.ndarray]:
  for image in images:
    height, width = (side // scale * scale for side in image.shape[:2])
    yield image[:height, :width]

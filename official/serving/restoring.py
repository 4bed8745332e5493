"""Whole videos through a network that restores frames: decoded, cut, asked, written, compared.

Every frame of a video is taken, at the average rate of its file. Where the network was taught to
find missing frames (`drop:2`), a video has only those that are there: between two of them comes
their mean, as in training, and the answer has twice the rate.

A *clean* video is the truth itself. It is made worse as in training first, and the answer compared
with it; rows and columns that the scale leaves over are cut off.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
import dataclasses
from fractions import Fraction
import itertools
import math
import sys

import numpy as np

from data_prep.common import cli
from data_prep.dataset import decoding
from data_prep.dataset import degradation
from data_prep.dataset import limits
from data_prep.dataset import stored_images
from data_prep.dataset import video_file
from official.serving import frame_files
from official.serving import quality
from official.serving import saved_model
from official.serving import side_by_side
from official.serving import tiling

_LIMITS = dataclasses.replace(limits.DEFAULT, max_frames=sys.maxsize)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manner:
  """How videos are restored.

  Attributes:
    clean: Whether videos are the truth, to be made worse first.
    overlap: Share of a window that overlaps the next.
    codec: Name of the encoder; None for PNGs.
    compare: Whether a frame of each video is kept for a picture.
  """

  clean: bool = False
  overlap: float = 0.5
  codec: str | None = frame_files.LOSSLESS
  compare: bool = False


COLUMNS = ("psnr", "input_psnr", "psnr_gain", "ssim", "input_ssim")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Restored:
  """What came of a video.

  Attributes:
    path: What was written.
    frames, height, width: Its size.
    psnr, input_psnr: Decibels of the answer and of the enlarged input; None without a truth.
    ssim, input_ssim: Their structural similarities; None also where frames are too small for one.
    example: A frame for a picture, if one was to be kept.
  """

  path: str
  frames: int
  height: int
  width: int
  psnr: float | None = None
  input_psnr: float | None = None
  ssim: float | None = None
  input_ssim: float | None = None
  example: side_by_side.Example | None = None

  def cells(self) -> dict[str, str]:
    """Returns what a table says of the quality, by column."""
    if self.psnr is None or self.input_psnr is None:
      return {}
    found = {"psnr": f"{self.psnr:.4f}", "input_psnr": f"{self.input_psnr:.4f}"}
    found["psnr_gain"] = f"{self.psnr - self.input_psnr:.4f}"
    if self.ssim is not None and self.input_ssim is not None:
      found |= {"ssim": f"{self.ssim:.5f}", "input_ssim": f"{self.input_ssim:.5f}"}
    return found

  def told(self) -> str:
    """Returns what a console says of it."""
    text = f"{self.frames} frames of {self.width}x{self.height}"
    if self.psnr is not None and self.input_psnr is not None:
      text += f", PSNR {self.psnr:.2f} dB, {self.psnr - self.input_psnr:+.2f} dB over the input"
    return text


def summary(made: Sequence[Restored]) -> list[str]:
  """Returns what a console says of the quality of several videos; nothing without a truth."""
  known = [one for one in made if one.psnr is not None]
  if not known:
    return []
  means = {
    name: float(np.mean([getattr(one, name) for one in known])) for name in ("psnr", "input_psnr")
  }
  text = (
    f"mean over {len(known)} video{'s' * (len(known) > 1)}: input {means['input_psnr']:.2f} dB, "
    f"output {means['psnr']:.2f} dB ({means['psnr'] - means['input_psnr']:+.2f} dB)"
  )
  similar = [(one.input_ssim, one.ssim) for one in known if one.ssim is not None]
  if similar:
    before, after = np.mean(similar, axis=0)
    text += f"; SSIM {before:.4f}, {after:.4f}"
  return [text]


class Restorer:
  """A loaded SavedModel that returns frames."""

  def __init__(self, path: str, manner: Manner):
    """Loads it; raises UserError if it is damaged or does not take plain frames."""
    version = saved_model.Version(path)
    version.check_assets()
    self._loaded = saved_model.load_for_frames(version)  # The signature alone does not keep it.
    self._predict = self._loaded.signatures["serving_default"]
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
    return decoding.by_first_clock(
      lambda clock: self._restored(location, target, clock, start, end)
    )

  def frames(self, location: str) -> np.ndarray:
    """Returns the answer to a video, uint8 [time, height, width, 3], as values."""

    def read(clock: str) -> list[np.ndarray]:
      _, answered = self._answers(location, clock, None, None)
      return [answer for answer, _ in answered]

    found = decoding.by_first_clock(read)
    if not found:
      raise decoding.DecodeError("the video has no frame")
    return np.stack(found)

  def _restored(
    self, location: str, target: str, clock: str, start: float | None, end: float | None
  ) -> Restored:
    rate, answered = self._answers(location, clock, start, end)
    sums = _Sums(self._chain.scale, keep=self._manner.compare)
    with frame_files.FrameFile(target, rate=rate, codec=self._manner.codec) as file:
      for answer, pair in answered:
        file.write(answer)
        sums.add(answer, *pair)
      if not sums.frames:
        raise decoding.DecodeError(f"the video has no frame between {start or 0:g} s and its end")
    return sums.restored(file.path, side_by_side.title_of(location))

  def _answers(
    self, location: str, clock: str, start: float | None, end: float | None
  ) -> tuple[Fraction, Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray | None]]]]:
    """Returns the rate of an answer, and its frames, each with the input and the truth."""
    rate = frame_rate(location)
    timed = decoding.frames(location, clock=clock, start=start, limits=_LIMITS)
    on_grid = decoding.on_grid(timed, rate, start=start, end=end)
    images = _of_one_size(map(decoding.upright_rgb, on_grid))
    truths: Iterator[np.ndarray | None] = itertools.repeat(None)
    if self._manner.clean:
      images, truths = itertools.tee(_cropped(images, self._chain.scale))
      seen, shown = itertools.tee(degraded(images, self._chain))
    else:
      seen, shown = itertools.tee(images if self._period == 1 else between(images))
      rate *= self._period
    answered = tiling.answers(seen, self._ask, self._tiling)
    return rate, zip(answered, zip(shown, truths))

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


class _Sums:
  """The quality of a video, frame by frame, and a frame to be shown."""

  def __init__(self, scale: int, *, keep: bool):
    self._scale, self.frames, self._size = scale, 0, (0, 0)
    self._errors, self._similar, self._count = [0.0, 0.0], [0.0, 0.0], 0
    self._middle = side_by_side.Middle() if keep else None

  def add(self, answer: np.ndarray, seen: np.ndarray, truth: np.ndarray | None) -> None:
    self.frames += 1
    self._size = answer.shape[:2]
    if self._middle is not None:
      self._middle.add((answer, seen, truth))
    if truth is None:
      return
    self._count += truth.size
    for index, one in enumerate((answer, _enlarged(seen, self._scale))):
      self._errors[index] += quality.squared_error(one, truth)
      self._similar[index] += quality.ssim(one, truth)

  def restored(self, path: str, name: str) -> Restored:
    found: dict[str, float] = {}
    if self._count:
      after, before = (quality.psnr(error, self._count) for error in self._errors)
      found = {"psnr": after, "input_psnr": before}
      if not math.isnan(self._similar[0]):
        after, before = (total / self.frames for total in self._similar)
        found |= {"ssim": after, "input_ssim": before}
    (height, width), example = self._size, self._example(name, found)
    return Restored(
      path=path, frames=self.frames, height=height, width=width, example=example, **found
    )

  def _example(self, name: str, found: Mapping[str, float]) -> side_by_side.Example | None:
    if self._middle is None:
      return None
    number, (answer, seen, truth) = self._middle.found()
    before = _enlarged(seen, self._scale).astype(np.uint8)
    captions = ("input", "output")
    if truth is not None:
      captions = tuple(
        f"{caption} {found[key]:.2f} dB"
        for caption, key in zip(captions, ("input_psnr", "psnr"), strict=True)
      )
    panels = dict(zip(captions, (before, answer), strict=True))
    return side_by_side.Example(
      title=f"{name}, frame {number}",
      panels=panels if truth is None else {**panels, "truth": truth},
      detail=side_by_side.worst_place(before, answer if truth is None else truth),
    )


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

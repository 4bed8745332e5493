"""Whole videos through a network that tells the class of every pixel: masks, an overlay, a table.

A video is taken at the frame rate of the network's dataset, and at the scale at which the network
saw its frames, but whole (mask_windows.py). Masks have the size of the video's frames: a
pixel has the class of the nearest one at the network's scale.

Where the truth is known, it is that of the same moments, as data preparation would store it.
"""

from collections.abc import Iterable, Iterator, Sequence
import contextlib
import dataclasses
from fractions import Fraction
import math
import sys

import numpy as np

from data_prep.dataset import decoding
from data_prep.dataset import limits
from data_prep.dataset import mask_files
from data_prep.dataset import rows
from data_prep.dataset import stored_images
from data_prep.dataset import stream_clips
from data_prep.dataset import stream_files
from data_prep.dataset.stream_kinds import mask as mask_kind
from official.serving import frame_files
from official.serving import mask_windows
from official.serving import overlaps
from official.serving import saved_model
from official.serving import side_by_side
from official.serving import tiling

_LIMITS = dataclasses.replace(limits.DEFAULT, max_frames=sys.maxsize)
_OPAQUE = 0.5  # Of the colours of an overlay.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manner:
  """How videos are segmented.

  Attributes:
    overlap: Share of a window that overlaps the next.
    overlay: Whether a video is written that shows the classes over the frames.
    codec: Name of its encoder.
    every: Folders of true masks have one for every so many frames of their video.
    compare: Whether a frame of each video is kept for a picture.
  """

  overlap: float = 0.5
  overlay: bool = False
  codec: str | None = frame_files.LOSSLESS
  every: int = 1
  compare: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Segmented:
  """What came of a video.

  Attributes:
    path: The folder of masks.
    frames, height, width: Their number and size.
    classes: Names in the order of their numbers.
    confusion: Pixels by [class, answer]; None where the truth is not known.
    example: A frame for a picture, if one was to be kept.
  """

  path: str
  frames: int
  height: int
  width: int
  classes: tuple[str, ...]
  confusion: np.ndarray | None = None
  example: side_by_side.Example | None = None

  def cells(self) -> dict[str, str]:
    """Returns what a table says of the quality, by column."""
    if self.confusion is None:
      return {}
    shares = (overlaps.mean(self.confusion), overlaps.accuracy(self.confusion))
    found = [*shares, *overlaps.of_classes(self.confusion)]
    return {
      name: "" if math.isnan(value) else f"{value:.5f}"
      for name, value in zip(columns(self.classes), found, strict=True)
    }

  def told(self) -> str:
    """Returns what a console says of it."""
    text = f"{self.frames} masks of {self.width}x{self.height}"
    if self.confusion is not None:
      text += f", mean IoU {overlaps.mean(self.confusion):.3f}"
    return text


def columns(classes: Sequence[str]) -> list[str]:
  """Returns the names of the cells of a table."""
  return ["mean_iou", "pixel_accuracy", *(f"iou_{name}" for name in classes)]


def summary(made: Sequence[Segmented]) -> list[str]:
  """Returns what a console says of several videos, all pixels together; nothing without a truth."""
  known = [one for one in made if one.confusion is not None]
  if not known:
    return []
  counts = sum(one.confusion for one in known)
  shares = zip(known[0].classes, overlaps.of_classes(counts), strict=True)
  each = ", ".join(f"{name} {share:.3f}" for name, share in shares if not math.isnan(share))
  several = f"{len(known)} video{'s' * (len(known) > 1)}"
  return [f"all pixels of {several}: mean IoU {overlaps.mean(counts):.3f} ({each})"]


class Segmenter:
  """A loaded SavedModel that returns masks."""

  def __init__(self, path: str, manner: Manner):
    """Loads it; raises UserError if it is damaged or does not take plain frames."""
    version = saved_model.Version(path)
    version.check_assets()
    self._loaded = saved_model.load_for_frames(version)
    from official.serving import frames  # imports TensorFlow

    self._predict = self._loaded.signatures["streams"]
    self._manner, self._classes = manner, tuple(version.labels)
    clip = frames.ClipFormat(**{**version.clip, "streams": version.streams})
    self._to_streams, self._fps = frames.whole_streams(clip), decoding.exact(clip.fps)
    self._tiling = tiling.Tiling(
      num_frames=clip.num_frames, side=clip.image_size, overlap=manner.overlap
    )

  def __call__(
    self,
    location: str,
    target: str,
    start: float | None = None,
    end: float | None = None,
    truth: str = "",
  ) -> Segmented:
    """Writes the masks of a video.

    Args:
      location: The video.
      target: Folder that is written; with an overlay, `target` + `-overlay` is a video beside it.
      start, end: Seconds of the video; None for its beginning and end.
      truth: True masks, as the manifest's column mask has them; empty where they are not known.

    Raises:
      DecodeError, LimitError: It cannot be read.
      StreamError: The true masks are no use.
    """
    return decoding.by_first_clock(
      lambda clock: self._segmented(_Video(location, clock, start, end, self._fps), target, truth)
    )

  def masks(self, location: str) -> np.ndarray:
    """Returns the masks of a video, uint8 [time, height, width], as values."""

    def read(clock: str) -> list[np.ndarray]:
      video = _Video(location, clock, None, None, self._fps)
      return [ids for _, ids in self._answers(video.images())]

    found = decoding.by_first_clock(read)
    if not found:
      raise decoding.DecodeError("the video has no frame")
    return np.stack(found)

  def _segmented(self, video: "_Video", target: str, truth: str) -> Segmented:
    manner = self._manner
    true = video.masks(truth, manner.every) if truth else None
    sums = _Sums(self._classes, keep=manner.compare)
    with contextlib.ExitStack() as stack:
      written = frame_files.FrameFile(target, rate=self._fps, codec=None)
      files = [stack.enter_context(written)]
      if manner.overlay:
        shown = frame_files.FrameFile(f"{target}-overlay", rate=self._fps, codec=manner.codec)
        files.append(stack.enter_context(shown))
      for image, ids in self._answers(video.images()):
        files[0].write(ids)
        if manner.overlay:
          files[1].write(overlay(image, ids))
        sums.add(image, ids, None if true is None else next(true))
      if not sums.frames:
        raise decoding.DecodeError("the video has no frame between its start and its end")
    return sums.segmented(written.path, side_by_side.title_of(video.location))

  def _answers(self, images: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields frames, with the class of every pixel of them."""
    waiting: list[np.ndarray] = []

    def passing() -> Iterator[np.ndarray]:
      for image in images:
        waiting.append(image)
        yield image

    for ids in mask_windows.answers(passing(), self._to_streams, self._ask, self._tiling):
      image = waiting.pop(0)
      yield image, mask_kind.KIND.fitted(ids, None, *image.shape[1::-1])

  def _ask(self, tiles: mask_windows.Streams) -> np.ndarray:
    return self._predict(**tiles)["masks"].numpy()


@dataclasses.dataclass(frozen=True)
class _Video:
  """A video on the grid of a frame rate, by one way to tell the time of its frames."""

  location: str
  clock: str
  start: float | None
  end: float | None
  fps: Fraction

  def images(self) -> Iterator[np.ndarray]:
    """Yields its frames, uint8 [height, width, 3], all of the size of the first one."""
    first = None
    for frame in self._on_grid([]):
      image = decoding.upright_rgb(frame)
      first = image.shape if first is None else first
      yield stored_images.resized(image, first[1], first[0])

  def masks(self, truth: str, every: int) -> Iterator[np.ndarray]:
    """Yields the true mask of each frame, uint8 [height, width]."""
    seen: list[Fraction] = []
    count = sum(1 for _ in self._on_grid(seen))
    begin = decoding.exact(self.start) if self.start is not None else (seen or [Fraction(0)])[0]
    given = mask_files.MaskInput(every=every)
    row = rows.Row(
      clip_id="",
      path=self.location,
      location=self.location,
      labels=(),
      split="test",
      stream_locations={mask_files.NAME: truth},
    )
    times = stream_clips.times_of(begin, count, float(self.fps))
    try:
      for one in given.frames(row, times, float(self.fps), _LIMITS):
        yield one[..., 0]
    except (stream_files.StreamError, OSError) as error:
      raise stream_files.StreamError(f"its true mask {truth} is no use: {error}") from error

  def _on_grid(self, seen: list[Fraction]) -> Iterator:
    """Yields its frames; the seconds of the first one that is read are added to `seen`."""

    def timed() -> Iterator:
      for seconds, frame in decoding.frames(
        self.location, clock=self.clock, start=self.start, limits=_LIMITS
      ):
        if not seen:
          seen.append(seconds)
        yield seconds, frame

    return decoding.on_grid(timed(), self.fps, start=self.start, end=self.end)


class _Sums:
  """The confusion of a video, frame by frame, and a frame to be shown."""

  def __init__(self, classes: tuple[str, ...], *, keep: bool):
    self._classes, self.frames, self._size = classes, 0, (0, 0)
    self._confusion: np.ndarray | None = None
    self._middle = side_by_side.Middle() if keep else None

  def add(self, image: np.ndarray, ids: np.ndarray, truth: np.ndarray | None) -> None:
    self.frames += 1
    self._size = ids.shape
    if self._middle is not None:
      self._middle.add((image, ids, truth))
    if truth is None:
      return
    if truth.shape != ids.shape:
      (height, width), (rows_, columns_) = truth.shape, ids.shape
      raise stream_files.StreamError(
        f"the true mask has {width}x{height} pixels, and frames of the video {columns_}x{rows_}"
      )
    counts = overlaps.confusion(truth, ids, len(self._classes))
    self._confusion = counts if self._confusion is None else self._confusion + counts

  def segmented(self, path: str, name: str) -> Segmented:
    height, width = self._size
    return Segmented(
      path=path,
      frames=self.frames,
      height=height,
      width=width,
      classes=self._classes,
      confusion=self._confusion,
      example=self._example(name),
    )

  def _example(self, name: str) -> side_by_side.Example | None:
    if self._middle is None:
      return None
    number, (image, ids, truth) = self._middle.found()
    shown = overlay(image, ids)
    if truth is None:
      panels, other = {"input": image, "output": shown}, image
    else:
      caption = f"output, mean IoU {overlaps.mean(self._confusion):.3f}"
      other = overlay(image, truth)
      panels = {"input": image, caption: shown, "truth": other}
    detail = side_by_side.worst_place(shown, other)
    return side_by_side.Example(title=f"{name}, frame {number}", panels=panels, detail=detail)


def overlay(image: np.ndarray, ids: np.ndarray) -> np.ndarray:
  """Returns a frame in the colours of its classes, uint8 [height, width, 3]; class 0 as it is."""
  mixed = (1 - _OPAQUE) * image + _OPAQUE * mask_kind.colours()[ids]
  return np.where(ids[..., np.newaxis] == 0, image, np.rint(mixed).astype(np.uint8))

"""The conversion of a clip of a manifest to a SequenceExample.

    file -> upright RGB frames on the grid of `fps` -> shorter side to `short_side` -> JPEG
                                       grey -> flow to the next frame  -> 8 bits -> PNG (x, y, 0)

Frames pass through one at a time: in memory are two of them and the compressed clip.

A still image is a clip of one frame. Nothing moves in it: it has one flow, which is zero.

Keys are those of MediaPipe's MediaSequence (`image/encoded`, `FORWARD_FLOW/image/encoded`,
`clip/label/index`, ...; further streams, from files of their own, have `NAME/image/encoded`,
stream_clips.py); `clip/label/text` says the same as `clip/label/string`, for DMVR's
readers. Timestamps are microseconds into the video. `clip/notes`, where it is there, tells what is
odd about the frames.
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import dataclasses
from fractions import Fraction
import itertools
import math
from typing import Any

import cv2
import numpy as np

from data_prep.common import listing
from data_prep.common import progress
from data_prep.dataset import coded_frames
from data_prep.dataset import decoding
from data_prep.dataset import flow_methods
from data_prep.dataset import records
from data_prep.dataset import rows
from data_prep.dataset import stored_images
from data_prep.dataset import stream_clips
from data_prep.dataset import stream_kinds
from data_prep.dataset import tvl1
from data_prep.dataset.limits import DEFAULT as DEFAULT_LIMITS
from data_prep.dataset.limits import LimitError
from data_prep.dataset.limits import Limits
from data_prep.dataset.stream_inputs import StreamInput
from data_prep.dataset.streams import FLOW
from data_prep.dataset.streams import FRAMES
from data_prep.dataset.streams import StreamInfo

RGB_FEATURE = "image/encoded"
FLOW_FEATURE = "FORWARD_FLOW/image/encoded"
NOTES_FEATURE = "clip/notes"
_DOUBT = 1.0  # Seconds by which a length that was not counted may be wrong.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """The settings that affect a clip's bytes.

  Attributes:
    fps: Dataset frames a second.
    short_side: Pixels of the shorter side.
    flow: One of `flow_methods.NAMES`, or "none".
    flow_profile: One of `tvl1.PROFILES`; only of TV-L1.
    flow_format: "png", which is exact, or "jpeg".
    flow_bound: Pixels; larger motion is clipped.
    limits: What a clip may cost; a clip beyond fails.
    inputs: Further streams, which come from files of their own, by name.
    degrade: How frames are coded for the stream of `coded_frames`; "" for no such stream.
  """

  fps: float
  short_side: int
  flow: str = tvl1.ALGORITHM
  flow_profile: str = tvl1.FAST
  flow_format: str = "png"
  flow_bound: float = 20.0
  limits: Limits = DEFAULT_LIMITS
  inputs: tuple[StreamInput, ...] = ()
  degrade: str = ""

  @property
  def with_flow(self) -> bool:
    """Whether clips have a flow stream."""
    return self.flow != flow_methods.NONE

  @property
  def streams(self) -> dict[str, StreamInfo]:
    """The streams of a dataset made with these settings."""
    streams = {FRAMES: StreamInfo(kind="image", channels=3, feature=RGB_FEATURE, format="jpeg")}
    if self.with_flow:
      streams[FLOW] = StreamInfo(
        kind="flow",
        channels=2,
        feature=FLOW_FEATURE,
        format=self.flow_format,
        bound=self.flow_bound,
        algorithm=self.flow,
        profile=self.flow_profile if flow_methods.has_profiles(self.flow) else None,
      )
    if self.degrade:
      streams[coded_frames.NAME] = coded_frames.INFO
    return streams | {one.name: one.info for one in self.inputs}

  @property
  def identity(self) -> dict[str, Any]:
    """The flags that shape the bytes, by name; those of the flow only where there is flow."""
    fields = dataclasses.asdict(self)
    fields |= fields.pop("limits")
    if inputs := fields.pop("inputs"):
      fields["stream"] = list(inputs)
    if not self.degrade:  # Most datasets; they keep their settings.
      del fields["degrade"]
    if self.with_flow and not flow_methods.has_profiles(self.flow):
      del fields["flow_profile"]
    return {
      key: value for key, value in fields.items() if self.with_flow or not key.startswith("flow_")
    }


class ClipError(Exception):
  """The clip cannot be used.

  Attributes:
    stage: Where it failed: "decode", "flow", "stream", "encode", "limit" or, where it took its
      process with it, "crash".
  """

  def __init__(self, stage: str, reason: str):
    super().__init__(reason)
    self.stage = stage


class ClipMaker:
  """Makes clips; holds the flow's buffers, so that one object serves one thread."""

  def __init__(self, settings: Settings, classes: Sequence[str]):
    self._settings = settings
    self._streams = settings.streams
    self._fps = decoding.exact(settings.fps)
    self._index_of = {name: index for index, name in enumerate(classes)}
    cv2.setNumThreads(1)  # One process a core; more threads would only get in each other's way.
    self._compute_flow: flow_methods.Compute | None = None
    if settings.with_flow:
      self._compute_flow = flow_methods.computer(settings.flow, settings.flow_profile)

  def make(self, row: rows.Row, on_frame: Callable[[], None] = lambda: None) -> tuple[bytes, int]:
    """Returns the clip's SequenceExample, serialized, and its number of frames.

    Args:
      row: The clip.
      on_frame: Called after every frame.

    Raises:
      ClipError: The clip cannot be used.
    """
    self._check_length(row)

    def read(clock: str) -> tuple[bytes, int]:
      pictures = self._pictures(row, clock, on_frame)
      self._add_inputs(row, pictures)
      return self._serialize(row, pictures), len(pictures.images)

    return decoding.by_first_clock(read)

  def _check_length(self, row: rows.Row) -> None:
    """Raises ClipError for a clip that is far too long before minutes of it have been decoded."""
    most = self._settings.limits.max_clip_seconds
    if row.end is not None and row.end - (row.start or 0.0) <= most:
      return
    with _stage("decode"):
      begin, end = decoding.span(row.location)
      seconds = min(end, row.end or math.inf) - (begin if row.start is None else row.start)
      if seconds > most + _DOUBT:
        self._settings.limits.check_clip(seconds, 0)

  def _pictures(self, row: rows.Row, clock: str, on_frame: Callable[[], None]) -> "_Pictures":
    made = _Pictures()
    if self._settings.degrade:
      made.coder = coded_frames.Coder(coded_frames.parse(self._settings.degrade), self._fps)
    source = grey = None
    encoded_bytes = 0
    with _stage("decode"):
      timed = decoding.frames(
        row.location,
        clock=clock,
        start=row.start,
        limits=self._settings.limits,
        on_note=made.notes.setdefault,
      )
      first = next(timed)
      made.begin = first[0] if row.start is None else decoding.exact(row.start)
      on_grid = decoding.on_grid(
        itertools.chain([first], timed), self._fps, start=row.start, end=row.end
      )
    while True:
      with _stage("decode"):
        frame = next(on_grid, None)
      if frame is None:
        break
      repeated, previous = frame is source, grey
      if not repeated:
        with _stage("decode"):
          rgb = decoding.upright_rgb(frame)
          made.size = made.size or stored_images.short_side_size(
            rgb.shape[1], rgb.shape[0], self._settings.short_side
          )
          rgb = stored_images.resized(rgb, *made.size)
          grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        with _stage("encode"):
          image = self._encode(FRAMES, rgb)
        source = frame
      made.images.append(image)
      encoded_bytes += len(image)
      if self._compute_flow and previous is not None:
        with _stage("flow"):
          vectors = self._compute_flow(previous, grey)
        with _stage("encode"):
          made.flows.append(self._encode(FLOW, vectors))
        encoded_bytes += len(made.flows[-1])
      if made.coder:
        with _stage("encode"):
          encoded_bytes += made.coder.add(rgb)
      with _stage("limit"):
        self._settings.limits.check_clip(float(len(made.images) / self._fps), encoded_bytes)
      on_frame()
    self._finish(row, made, first[0], encoded_bytes)
    return made

  def _finish(self, row: rows.Row, made: "_Pictures", first: Fraction, encoded_bytes: int) -> None:
    """Adds what comes after the last frame, or raises ClipError where there are too few frames.

    Args:
      row: The clip.
      made: What has been made.
      first: Seconds of the first frame that was decoded.
      encoded_bytes: How much has been made.
    """
    if not made.images:
      later = f"; its first is at {float(first):g} s" if first > made.begin else ""
      raise ClipError(
        "decode", f"the video has no frame between start {row.start or 0:g} s and its end{later}"
      )
    if self._compute_flow and not made.flows and listing.is_image_name(row.location):
      made.flows.append(self._encode(FLOW, np.zeros((*made.size[::-1], 2), np.float32)))
    if self._compute_flow and not made.flows:
      raise ClipError(
        "flow",
        f"the clip has only one frame at {self._settings.fps:g} frames a second; flow needs two",
      )
    if made.coder:
      with _stage("encode"):
        encoded_bytes += made.coder.finish()
      with _stage("limit"):
        self._settings.limits.check_clip(float(len(made.images) / self._fps), encoded_bytes)

  def _add_inputs(self, row: rows.Row, made: "_Pictures") -> None:
    """Adds the streams that have files of their own."""
    times = stream_clips.times_of(made.begin, len(made.images), self._settings.fps)
    for one in self._settings.inputs:
      with _stage("stream", f"the stream {one.name} "):
        context, lists = stream_clips.features(
          one,
          row,
          times,
          made.size,
          fps=self._settings.fps,
          short_side=self._settings.short_side,
          limits=self._settings.limits,
        )
      made.context |= context
      made.lists |= lists

  def _encode(self, name: str, values: np.ndarray) -> bytes:
    stream = self._streams[name]
    return stream_kinds.get(stream.kind).encode(values, stream)

  def _serialize(self, row: rows.Row, made: "_Pictures") -> bytes:
    clip_id = row.clip_id.encode()
    timestamps = [
      [round((made.begin + k / self._fps) * 1_000_000)] for k in range(len(made.images))
    ]
    context = {
      "example/id": [clip_id],
      "clip/media_id": [clip_id],
      "clip/data_path": [row.path.encode()],
    } | self._image_context("image/", b"JPEG", made.size)
    if row.labels:
      labels = [label.encode() for label in row.labels]
      context["clip/label/index"] = [self._index_of[label] for label in row.labels]
      context |= {"clip/label/string": labels, "clip/label/text": labels}
    if row.start is not None:
      context["clip/start/timestamp"] = [round(row.start * 1_000_000)]
    if row.end is not None:
      context["clip/end/timestamp"] = [round(row.end * 1_000_000)]
    if made.notes:
      context[NOTES_FEATURE] = [note.encode() for note in made.notes]
    lists = {RGB_FEATURE: [[image] for image in made.images], "image/timestamp": timestamps}
    if self._compute_flow:
      flow_format = self._settings.flow_format.upper().encode()
      context |= self._image_context("FORWARD_FLOW/image/", flow_format, made.size)
      context["FORWARD_FLOW/image/saturation"] = [float(self._settings.flow_bound)]
      lists[FLOW_FEATURE] = [[image] for image in made.flows]
      lists["FORWARD_FLOW/image/timestamp"] = timestamps[: len(made.flows)]
    if made.coder:
      coded_context, coded_lists = made.coder.features(timestamps)
      context, lists = context | coded_context, lists | coded_lists
    return records.sequence_example(context | made.context, lists | made.lists)

  def _image_context(
    self, prefix: str, image_format: bytes, size: tuple[int, int]
  ) -> dict[str, records.Values]:
    return {
      prefix + "format": [image_format],
      prefix + "channels": [3],
      prefix + "colorspace": [b"RGB"],
      prefix + "width": [size[0]],
      prefix + "height": [size[1]],
      prefix + "frame_rate": [float(self._settings.fps)],
    }


@dataclasses.dataclass(kw_only=True)
class _Pictures:
  """What becomes of a clip's frames.

  Attributes:
    images: Encoded frames.
    flows: Encoded flows.
    begin: Seconds of the first frame.
    size: (width, height).
    notes: What is odd about the frames, as keys.
    context, lists: What a record has of further streams.
    coder: Codes the frames, if there is a stream of coded ones.
  """

  images: list[bytes] = dataclasses.field(default_factory=list)
  flows: list[bytes] = dataclasses.field(default_factory=list)
  begin: Fraction = Fraction(0)
  size: tuple[int, int] | None = None
  notes: dict[str, None] = dataclasses.field(default_factory=dict)
  context: dict[str, records.Values] = dataclasses.field(default_factory=dict)
  lists: dict[str, list] = dataclasses.field(default_factory=dict)
  coder: coded_frames.Coder | None = None


class CountingMaker:
  """Makes clips and counts them, for one thread."""

  def __init__(self, settings: Settings, classes: Sequence[str], counts_directory: str | None):
    """Counts in that folder; nowhere when it is None."""
    self._maker = ClipMaker(settings, classes)
    self._counter = progress.Counter(counts_directory)

  def make(self, row: rows.Row) -> tuple[bytes, int]:
    """As `ClipMaker.make`."""
    try:
      record, length = self._maker.make(row, self._counter.frame)
    except ClipError:
      self._counter.clip(None)
      raise
    self._counter.clip(length)
    return record, length

  def close(self) -> None:
    """Ends counting."""
    self._counter.close()


def notes_of(record: bytes) -> list[str]:
  """Returns the notes in a clip's SequenceExample."""
  if NOTES_FEATURE.encode() not in record:  # Parsing copies every frame.
    return []
  return [note.decode() for note in records.parse(record)[0].get(NOTES_FEATURE, [])]


@contextlib.contextmanager
def _stage(name: str, what: str = "") -> Iterator[None]:
  """Turns whatever goes wrong with a clip inside the block into a ClipError of that stage, whose
  reason begins with `what`."""
  try:
    yield
  except decoding.ClockError:
    raise
  except LimitError as error:
    raise ClipError("limit", str(error)) from error
  except Exception as error:
    # The whole text of an OpenCV error names its sources; `err` is what went wrong.
    reason = getattr(error, "err", None) or str(error) or type(error).__name__
    raise ClipError(name, what + " ".join(str(reason).split())) from error

"""Streams of a dataset that come from files of their own, as --stream describes them.

    NAME:KIND[:SCALE][@RATE]      spectrum:array:1   lidar:array   thermal:image:0.5@12.5

The manifest's column `stream:NAME` has the file of each clip (stream_files.py). With a SCALE, the
stream shows what the frames show, at SCALE times their size, and is cut as they are; without one it
has a size of its own, the same in every clip, and a network sees all of it. RATE is its frames a
second. Without it, a video and a `.npz` with timestamps say when their frames are due, and other
files have one frame for each of the dataset's, `fps` a second.

What can be wrong with the files is found before any clip is made, as far as their headers, the
values of arrays, and the lengths of videos tell.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import concurrent.futures
import dataclasses
from fractions import Fraction
import os
import re
from typing import Any

import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import decoding
from data_prep.dataset import rows
from data_prep.dataset import stream_files
from data_prep.dataset import stream_kinds
from data_prep.dataset.limits import Limits
from data_prep.dataset.stream_kinds.kind import Source
from data_prep.dataset.streams import FLOW
from data_prep.dataset.streams import FRAMES
from data_prep.dataset.streams import StreamInfo

_GIVEN = re.compile(
  r"(?P<name>[a-z][a-z0-9_]*):(?P<kind>[^:@]+)(:(?P<scale>[^:@]+))?(@(?P<rate>[^:@]+))?"
)
_MASK = "mask"  # The column and the stream of mask_files.py.
_FILES_AT_A_TIME = 8
_PERIODS = 1.5  # By which a stream may be longer or shorter than its video.


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamInput:
  """One --stream.

  Attributes:
    name: Name of the stream.
    kind: Its kind (stream_kinds).
    scale: Size of its frames relative to the dataset's; None for a size of its own.
    rate: Frames a second; None for what its files say, or else those of the dataset.
    facts: Further fields of StreamInfo, which are known when its files have been looked at.
  """

  name: str
  kind: str
  scale: float | None = None
  rate: float | None = None
  facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)

  @property
  def column(self) -> str:
    """Column of the manifest that holds its files."""
    return rows.STREAM_PREFIX + self.name

  @property
  def feature(self) -> str:
    """Feature list that holds its frames."""
    return f"{self.name}/image/encoded"

  @property
  def info(self) -> StreamInfo:
    """The stream, without what only its values tell."""
    scale = None if self.scale == 1 else self.scale
    return StreamInfo(kind=self.kind, feature=self.feature, scale=scale, **self.facts)

  def frames(
    self, row: rows.Row, times: Sequence[Fraction], fps: float, limits: Limits
  ) -> Iterator[np.ndarray]:
    """Yields the frame nearest to each of a clip's moments, [height, width, channels]."""
    rate = 1 / self.period(fps)
    return stream_files.nearest(row.stream_locations[self.name], times, rate, limits)

  def period(self, fps: float) -> Fraction:
    """Returns the seconds from one of its frames to the next, where its files do not tell."""
    return 1 / decoding.exact(self.rate or fps)


def parse(given: str) -> StreamInput:
  """Returns what one --stream says; raises UserError where it cannot be."""
  match = _GIVEN.fullmatch(given)
  if not match:
    raise cli.UserError(
      f"`stream`={given} is not NAME:KIND[:SCALE][@RATE], such as spectrum:array:1@12.5; a name "
      "has small letters, digits and _"
    )
  name, kind = match["name"], match["kind"]
  if name in (FRAMES, FLOW, _MASK):
    raise cli.UserError(
      f"`stream`={given}: {name} comes from the video or the column {_MASK}; choose another name"
    )
  try:
    stream_kinds.get(kind)
  except ValueError as error:
    raise cli.UserError(f"`stream`={given}: {error}") from error
  return StreamInput(
    name=name, kind=kind, scale=_above_0(given, match, "scale"), rate=_above_0(given, match, "rate")
  )


def parse_all(given: Iterable[str]) -> tuple[StreamInput, ...]:
  """Returns the streams that are given, by name; raises UserError where one cannot be."""
  found = sorted((parse(one) for one in given), key=lambda one: one.name)
  for one, other in zip(found, found[1:]):
    if one.name == other.name:
      raise cli.UserError(f"`stream` names {one.name} twice; leave one")
  return tuple(found)


def columns(inputs: Sequence[StreamInput]) -> dict[str, str]:
  """Returns the columns of the manifest that hold files of streams, by stream."""
  return {one.name: one.column for one in inputs}


def looked_at(
  inputs: Sequence[StreamInput],
  all_rows: Sequence[rows.Row],
  manifest: str,
  *,
  fps: float,
  bound: float,
) -> tuple[StreamInput, ...]:
  """Returns the streams with what the first row's files say of them.

  Args:
    inputs: As given.
    all_rows: The manifest's, with their files.
    manifest: Its path, for messages.
    fps: Dataset frames a second.
    bound: Pixels that stored flow reaches.

  Raises:
    UserError: A file is missing, is no stream of its kind, is not as the first one is, has a value
      that is no number, or is longer or shorter than its video.
  """
  in_order = sorted(all_rows, key=lambda row: row.number)
  ends = _ends(in_order) if inputs else {}
  return tuple(_looked_at(one, in_order, manifest, fps, bound, ends) for one in inputs)


def _looked_at(
  given: StreamInput,
  in_order: Sequence[rows.Row],
  manifest: str,
  fps: float,
  bound: float,
  ends: Mapping[str, float],
) -> StreamInput:
  def fault(row: rows.Row, text: str) -> cli.UserError:
    return cli.UserError(
      f"{manifest}, row {row.number}: the stream {given.name}, {row.streams[given.name]}, {text}"
    )

  first, begun = None, None
  for row, facts in _facts(given, in_order, fault):
    if first is None:
      first, begun = facts, row
      source = Source(
        dtype=facts.dtype, channels=facts.channels, is_video=facts.is_video, bound=bound
      )
      try:
        known = stream_kinds.get(given.kind).prepared(source)
      except ValueError as error:
        raise fault(row, str(error)) from error
      if given.scale is None:
        known |= {"height": facts.height, "width": facts.width}
    there, wanted = _compared(given, facts), _compared(given, first)
    if there != wanted:
      raise fault(row, f"has {there}; that of row {begun.number} has {wanted}")
    end = ends.get(row.location)
    if end is not None and (text := _other_length(given, facts, end, fps)):
      raise fault(row, text)
  return dataclasses.replace(given, facts=known)


def _facts(
  given: StreamInput,
  in_order: Sequence[rows.Row],
  fault: Callable[[rows.Row, str], cli.UserError],
) -> Iterable[tuple[rows.Row, stream_files.Facts]]:
  """Yields every row with the facts about its file, whose values have been looked at."""

  def look(row: rows.Row) -> stream_files.Facts:
    location = row.stream_locations[given.name]
    try:
      facts = stream_files.look(location)
      if not files.is_url(location) and not stream_files.has_only_numbers(location):
        raise fault(row, "has a value that is no finite number (NaN or infinite); replace it")
    except stream_files.StreamError as error:
      raise fault(row, str(error)) from error
    return facts

  with concurrent.futures.ThreadPoolExecutor(_FILES_AT_A_TIME) as threads:
    yield from zip(in_order, threads.map(look, in_order))


def _compared(given: StreamInput, facts: stream_files.Facts) -> str:
  """Returns what has to be the same in all clips, in words."""
  size = "" if given.scale is not None else f"{facts.height}x{facts.width} pixels of "
  return f"{size}{facts.channels} channels of {facts.dtype}"


def _other_length(
  given: StreamInput, facts: stream_files.Facts, end: float, fps: float
) -> str | None:
  """Returns in words that a stream is longer or shorter than its video; None if it is not."""
  period = float(given.period(fps))
  seconds = facts.frames * period if facts.seconds is None else facts.seconds
  if abs(seconds - end) <= _PERIODS * max(period, 1 / fps):
    return None
  count = "" if facts.frames is None else f"{facts.frames} frames, "
  return (
    f"has another length than its video: {count}{seconds:.6g} s of {end:.6g} s; give it as many "
    "frames, or its frames a second as @RATE in `stream`"
  )


def _ends(in_order: Sequence[rows.Row]) -> dict[str, float]:
  """Returns where videos end, by location; those that cannot be read are told as failed clips."""

  def end(location: str) -> float | None:
    try:
      return decoding.length(location)
    except Exception:
      return None

  local = sorted({row.location for row in in_order if os.path.isfile(row.location)})
  with concurrent.futures.ThreadPoolExecutor(_FILES_AT_A_TIME) as threads:
    found = dict(zip(local, threads.map(end, local)))
  return {location: seconds for location, seconds in found.items() if seconds is not None}


def _above_0(given: str, match: re.Match[str], name: str) -> float | None:
  if match[name] is None:
    return None
  try:
    number = float(match[name])
  except ValueError:
    number = 0.0
  if not 0 < number < float("inf"):
    raise cli.UserError(f"`stream`={given}: its {name} is {match[name]}, not a number above 0")
  return number

"""Windows: long videos cut into clips of equal length.

With `--window_seconds=W` and `--stride_seconds=S`, a row of the manifest stands for the clips

    [b + k S, b + k S + W)    k = 0, 1, ... while they end within the row's start..end or the video

where b is the row's start, or where the video begins (clocks.py). What remains at the end, shorter
than W, is left out; a video shorter than W is one clip as it is. A window has the labels and the
split of its row, and the clip id `<row's id>@<its start>`.

The lengths of the videos must be known before the clips can be assigned to files. So the job has a
first pass, in which workers look up the lengths, for 64 videos at a time, and leave them in
`.unfinished/lengths-*.json`; a killed job does not look them up again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
import dataclasses
import hashlib
import json

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import decoding
from data_prep.dataset import rows
from data_prep.job import shards

Length = float | Sequence[float] | None  # Seconds, or where it begins and ends, or not known.

PREFIX = "lengths-"
_VIDEOS_AT_A_TIME = 64
_TOLERANCE = 0.001  # Seconds by which a container may have rounded the length.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Windows:
  """The cutting of videos, in seconds; none if `window_seconds` is 0."""

  window_seconds: float = 0.0
  stride_seconds: float = 0.0

  @property
  def stride(self) -> float:
    """Seconds from one window's start to the next one's; windows touch where none is given."""
    return self.stride_seconds or self.window_seconds


NONE = Windows()


def cut(
  all_rows: Sequence[rows.Row], lengths: Mapping[str, Length], windows: Windows
) -> tuple[rows.Row, ...]:
  """Returns a row for each window, in order of clip id.

  Args:
    all_rows: Rows of the manifest.
    lengths: Length of each video, by location. A row with None, a video that cannot be read, stays
      as it is, to turn up among the failures.
    windows: How to cut.
  """
  found = sorted(
    (window for row in all_rows for window in _windows_of(row, lengths[row.location], windows)),
    key=lambda row: row.clip_id,
  )
  for one, other in zip(found, found[1:]):
    if one.clip_id == other.clip_id:
      raise cli.UserError(
        f"two windows would have the clip id {one.clip_id!r}: give rows ids "
        "without @ in the column clip_id"
      )
  return tuple(found)


def _windows_of(row: rows.Row, length: Length, windows: Windows) -> list[rows.Row]:
  if length is None:
    return [row]
  opening, closing = (0, length) if isinstance(length, (int, float)) else length
  begin = decoding.exact(opening if row.start is None else row.start)
  end = closing if row.end is None else min(row.end, closing)
  window, stride = decoding.exact(windows.window_seconds), decoding.exact(windows.stride)
  found = []
  while begin + window <= end + _TOLERANCE:
    if begin + window > opening:  # Nothing is shown before.
      found.append(
        dataclasses.replace(
          row,
          clip_id=f"{row.clip_id}@{float(begin):.10g}",
          start=float(begin),
          end=float(begin + window),
        )
      )
    begin += stride
  return found or [row]


def write_videos(all_rows: Iterable[rows.Row], directory: str) -> int:
  """Writes down which videos' lengths are not known yet, in chunks, and returns the number of
  chunks."""
  locations = sorted({row.location for row in all_rows} - read_lengths(directory).keys())
  chunks = [
    locations[begin : begin + _VIDEOS_AT_A_TIME]
    for begin in range(0, len(locations), _VIDEOS_AT_A_TIME)
  ]
  files.write_bytes(_path(directory, "videos.json"), json.dumps(chunks).encode())
  return len(chunks)


def read_videos(directory: str) -> list[list[str]]:
  """Returns the chunks that `write_videos` wrote."""
  return json.loads(files.read_bytes(_path(directory, "videos.json")))


def length_of(location: str) -> Length:
  """Returns the seconds of a video, with where it begins if that is later than second 0; None where
  it cannot be read."""
  try:
    begin, end = decoding.span(location)
    return [begin, end] if begin else end
  except Exception:  # Whatever it is, one video must not stop the job; decoding will tell.
    return None


def write_lengths(
  locations: Sequence[str], directory: str, measure: Callable[[str], Length]
) -> None:
  """Looks up the lengths of a chunk's videos and leaves them in `directory`."""
  lengths = {location: measure(location) for location in locations}
  name = hashlib.sha256(locations[0].encode()).hexdigest()[:16]
  files.write_bytes(_path(directory, f"{PREFIX}{name}.json"), json.dumps(lengths).encode())


def read_lengths(directory: str) -> dict[str, Length]:
  """Returns the lengths that were looked up so far, by location."""
  names = files.names(shards.unfinished_directory(directory))
  found = [
    json.loads(files.read_bytes(_path(directory, name)))
    for name in names
    if name.startswith(PREFIX) and name.endswith(".json")
  ]
  return {location: length for lengths in found for location, length in lengths.items()}


def _path(directory: str, name: str) -> str:
  return files.join(shards.unfinished_directory(directory), name)

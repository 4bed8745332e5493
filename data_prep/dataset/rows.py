"""The rows of a manifest: which video, which labels, which split.

A manifest is a CSV with a header. Columns, in any order (others are ignored):

    path      relative to the CSV's own folder, absolute, or a URL that Beam's filesystems read (gs://...)
    label     a class name, or several: `run;jump`; a manifest without this column makes a dataset
              without classes, for tasks that learn no labels
    split     train, validation or test
    clip_id   optional; unique; from path, start and end where it is missing
    start     optional, seconds: the clip begins here
    end       optional, seconds: the clip ends before this
    stream:X  where it is asked for: the file or folder of the clip's stream X (stream_files.py),
              for the whole video as `path` is

A row that cannot be understood is the caller's mistake and stops the job before any work. A video
that cannot be read is not: it turns up in failures.jsonl.
"""

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
import csv
import dataclasses
import hashlib
import io
import itertools
import json
import math
import os
import types

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import listing
from data_prep.dataset import metadata

REQUIRED_COLUMNS = ("path", "split")
LABEL = "label"
USUAL_COLUMNS = ("path", LABEL, "split")
STREAM_PREFIX = "stream:"
COLUMNS = (*USUAL_COLUMNS, "clip_id", "start", "end")
_PAIRS_TOLD = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
  """One clip of a manifest.

  Attributes:
    path: As written.
    location: Where the video is: `path` made absolute from the manifest's folder, or a URL.
    labels: Class names, at least one; none where the manifest has no labels.
    start: Seconds into the video, None for its beginning.
    end: Seconds into the video, None for its end.
    number: Number of the row in the manifest, where the header is 1; not part of its content.
    streams: By name, files of streams that are not made of the video; as written.
    stream_locations: The same, made absolute as `location` is.
  """

  clip_id: str
  path: str
  location: str
  labels: tuple[str, ...]
  split: str
  start: float | None = None
  end: float | None = None
  number: int = dataclasses.field(default=0, compare=False)
  streams: Mapping[str, str] = dataclasses.field(default_factory=dict)
  stream_locations: Mapping[str, str] = dataclasses.field(default_factory=dict)


def read(manifest: str, streams: Mapping[str, str] = types.MappingProxyType({})) -> tuple[Row, ...]:
  """Returns the rows of a manifest in order of clip id; raises UserError with the row number and
  the reason.

  Args:
    manifest: Path or URL of the CSV.
    streams: Names of further streams that are wanted, with the columns that hold their files.
  """
  try:
    text = files.read_bytes(manifest).decode("utf-8-sig")
  except FileNotFoundError as error:
    raise cli.UserError(
      f"there is no manifest {manifest}; `manifest` names a CSV with the columns "
      f"{','.join(USUAL_COLUMNS)} (python -m data_prep.manifest makes one)"
    ) from error
  except (OSError, UnicodeDecodeError) as error:
    what = " as UTF-8 text" if isinstance(error, UnicodeDecodeError) else ""
    raise cli.UserError(f"the manifest {manifest} cannot be read{what}: {error}") from error
  numbered = _numbered(text, manifest)
  columns = [name.strip() for name in next(numbered, (1, []))[1]]
  for column in REQUIRED_COLUMNS:
    if column not in columns:
      raise cli.UserError(
        f"the manifest {manifest} has no column {column!r}; its first line names the columns: "
        f"{','.join(columns) or '(nothing)'}; {','.join(REQUIRED_COLUMNS)} are needed, separated "
        f"by commas, and {LABEL} where labels are learned"
      )
  for name, column in streams.items():
    if column not in columns:
      raise cli.UserError(
        f"the manifest {manifest} has no column {column!r}, which holds the files of the stream "
        f"{name}; its columns are {','.join(columns)}"
      )
  twice = [column for column in (*COLUMNS, *streams.values()) if columns.count(column) > 1]
  if twice:
    raise cli.UserError(f"the manifest {manifest} has the column {twice[0]!r} twice; leave one")
  folder = os.path.dirname(manifest)
  number_of: dict[str, int] = {}
  rows = []
  for number, fields in numbered:
    try:
      value = _by_column(columns, fields)
      row = _with_streams(_row(value, folder, number), value, folder, streams)
    except ValueError as error:
      raise cli.UserError(f"{manifest}, row {number}: {error}") from error
    if row.clip_id in number_of:
      raise cli.UserError(
        f"{manifest}, row {number}: clip id {row.clip_id!r} is already that of row "
        f"{number_of[row.clip_id]}; give each clip its own in the column clip_id"
      )
    number_of[row.clip_id] = number
    rows.append(row)
  if not rows:
    raise cli.UserError(f"the manifest {manifest} has a header but no rows")
  return tuple(sorted(rows, key=lambda row: row.clip_id))


def to_csv(paths: Sequence[str], labels: Sequence[str], splits: Sequence[str]) -> bytes:
  """Returns a manifest with labels."""
  return "".join(map(csv_line, [USUAL_COLUMNS, *zip(paths, labels, splits)])).encode()


def csv_line(fields: Iterable[str]) -> str:
  """Returns a line of a CSV; unlike `csv.writer`, it quotes a carriage return in a field, too."""
  return (
    ",".join(
      '"' + field.replace('"', '""') + '"' if set(field) & set(',"\r\n') else field
      for field in fields
    )
    + "\n"
  )


def classes(rows: Iterable[Row]) -> tuple[str, ...]:
  """Returns the class names in index order: sorted."""
  return tuple(sorted({label for row in rows for label in row.labels}))


def digest(rows: Iterable[Row]) -> str:
  """SHA-256, in hex, over what the rows say; the order of rows and the folder of the manifest do
  not matter."""
  said = [
    [row.clip_id, row.path, row.labels, row.split, row.start, row.end]
    + ([sorted(row.streams.items())] if row.streams else [])
    for row in rows
  ]
  return hashlib.sha256(json.dumps(sorted(said, key=lambda row: row[0])).encode()).hexdigest()


def leaks(rows: Iterable[Row]) -> list[str]:
  """Returns warnings about videos with clips in more than one split, named by their rows.

  Two paths that lead to one file are one video. A network that was trained on what it is tested on
  looks better than it is; parts of one recording that do not overlap are told apart from that.
  """
  by_video = collections.defaultdict(list)
  for row in rows:
    by_video[listing.identity(row.location)].append(row)
  pairs = [_pair(found) for found in by_video.values() if len({row.split for row in found}) > 1]
  told = []
  for overlap, what in ((True, "the same frames of"), (False, "parts, which do not overlap, of")):
    of_kind = [(one, other) for one, other, overlaps in pairs if overlaps == overlap]
    if of_kind:
      examples = "; ".join(
        f"row {one.number} ({one.split}) and row {other.number} ({other.split}):"
        f" {cli.printable(one.path)}"
        for one, other in of_kind[:_PAIRS_TOLD]
      )
      videos = "1 video" if len(of_kind) == 1 else f"{len(of_kind)} videos"
      told.append(
        f"{what} {videos} are in more than one split, so that networks are judged by "
        f"what they were trained on: {examples}"
        f"{'; ...' if len(of_kind) > _PAIRS_TOLD else ''}"
      )
  return told


def contradictions(rows: Iterable[Row]) -> list[str]:
  """Returns a warning where rows give the same frames of a video different labels."""
  by_clip = collections.defaultdict(list)
  for row in sorted(rows, key=lambda row: row.number):
    by_clip[listing.identity(row.location), row.start or 0.0, row.end].append(row)
  torn = [found for found in by_clip.values() if len({frozenset(row.labels) for row in found}) > 1]
  if not torn:
    return []
  examples = "; ".join(
    f"row {found[0].number} ({';'.join(found[0].labels)}) and row {other.number} "
    f"({';'.join(other.labels)}): {cli.printable(found[0].path)}"
    for found in torn[:_PAIRS_TOLD]
    for other in [next(row for row in found if set(row.labels) != set(found[0].labels))]
  )
  clips = "1 clip has" if len(torn) == 1 else f"{len(torn)} clips have"
  return [
    f"{clips} other labels in another row; several labels of one clip are written a;b in one "
    f"row: {examples}{'; ...' if len(torn) > _PAIRS_TOLD else ''}"
  ]


def _pair(found: Sequence[Row]) -> tuple[Row, Row, bool]:
  """Returns two rows of one video in different splits, and whether they overlap; overlapping ones
  where there are any."""
  latest: dict[str, Row] = {}  # Of each split, the row so far that ends last.
  apart = None
  for row in sorted(found, key=lambda row: (row.start or 0.0, row.number)):
    for split, other in latest.items():
      if split != row.split:
        apart = apart or (other, row)
        if _end(other) > (row.start or 0.0):
          return *sorted((other, row), key=lambda row: row.number), True
    if row.split not in latest or _end(row) > _end(latest[row.split]):
      latest[row.split] = row
  return *sorted(apart, key=lambda row: row.number), False


def _end(row: Row) -> float:
  return math.inf if row.end is None else row.end


def _numbered(text: str, manifest: str) -> Iterator[tuple[int, list[str]]]:
  """Yields the rows with their numbers, the header's is 1; rows without any content only count."""
  reader = csv.reader(io.StringIO(text, newline=""), strict=True)
  try:
    for number, fields in enumerate(reader, start=1):
      if number == 1 or any(field.strip() for field in fields):
        yield number, fields
  except csv.Error as error:
    raise cli.UserError(
      f"the manifest {manifest} is no CSV near line {reader.line_num}: {error}"
    ) from error


def _by_column(columns: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
  """Returns a row's values by column, blanks around them removed, empty ones where it is short."""
  if len(fields) > len(columns):
    raise ValueError(
      f"more fields than columns: {list(fields[len(columns) :])}; quote a value that "
      "contains a comma"
    )
  return dict(itertools.zip_longest(columns, map(str.strip, fields), fillvalue=""))


def _row(value: Mapping[str, str], folder: str, number: int) -> Row:
  path, split = value["path"], value["split"]
  if not path:
    raise ValueError("the path is missing")
  labels = _labels(value[LABEL], path) if LABEL in value else ()
  if split not in metadata.SPLITS:
    raise ValueError(f"unknown split {split!r}; a split is one of {', '.join(metadata.SPLITS)}")
  start, end = _seconds(value.get("start", ""), "start"), _seconds(value.get("end", ""), "end")
  if end is not None and end <= (start or 0.0):
    raise ValueError(
      f"end {end:g} is not after start {start or 0:g}; both are seconds into the video"
    )
  default_id = path
  if start is not None or end is not None:
    default_id += f"_{value.get('start', '')}_{value.get('end', '')}"
  return Row(
    clip_id=value.get("clip_id") or default_id,
    path=path,
    labels=labels,
    split=split,
    start=start,
    end=end,
    number=number,
    location=path if files.is_url(path) else _absolute(path, folder),
  )


def _labels(text: str, path: str) -> tuple[str, ...]:
  """Returns the class names in a field; raises ValueError where one is missing or broken."""
  labels = tuple(dict.fromkeys(label.strip() for label in text.split(";")))
  if not all(labels):
    if labels == ("",):
      raise ValueError(f"the label is missing for {path}")
    raise ValueError(f"an empty label in {text!r}; several labels are written a;b")
  broken = [label for label in labels if len(label.splitlines()) > 1]
  if broken:
    raise ValueError(f"the label {broken[0]!r} has a line break")
  return labels


def _with_streams(
  row: Row, value: Mapping[str, str], folder: str, streams: Mapping[str, str]
) -> Row:
  """Returns a row with the files of its further streams; raises ValueError if one is missing."""
  found = {name: value.get(column, "") for name, column in streams.items()}
  missing = [name for name, path in found.items() if not path]
  if missing:
    raise ValueError(f"{streams[missing[0]]} is empty: the file of the stream is missing")
  where = {
    name: path if files.is_url(path) else _absolute(path, folder) for name, path in found.items()
  }
  return dataclasses.replace(row, streams=found, stream_locations=where) if found else row


def _absolute(path: str, folder: str) -> str:
  return (
    files.join(folder, path)
    if files.is_url(folder)
    else os.path.normpath(os.path.join(folder, path))
  )


def _seconds(text: str, column: str) -> float | None:
  if not text:
    return None
  try:
    seconds = float(text)
  except ValueError:
    seconds = math.nan
  if not math.isfinite(seconds) or seconds < 0:
    raise ValueError(f"{column} {text!r} is not a number of seconds")
  return seconds

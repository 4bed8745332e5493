"""The dataset folder: what `data_prep.extract` writes and everything else reads.

    dataset.json                   what is in the folder; written last
    train-00000-of-00064.tfrecord  SequenceExamples, one a clip; likewise validation and test
    failures.jsonl                 one line a clip that could not be used: id, path, stage, error

`DatasetInfo.streams` lists the streams (streams.py): the feature that holds the encoded images of
each, their format, their channels, and their kind, which says what they mean (stream_kinds).
"""

from collections.abc import Mapping, Sequence
import dataclasses
import functools
import hashlib
import json
from typing import Any

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import shapes
from data_prep.dataset import stream_kinds
from data_prep.dataset.streams import StreamInfo

SCHEMA_VERSION = 1
FILE_NAME = "dataset.json"
FAILURES_NAME = "failures.jsonl"
SPLITS = ("train", "validation", "test")
_SPLIT = {"clips?": int, "frames?": int, "shards?": int}
_SHAPE = {  # dataset.json
  "classes": [str],
  "fps": float,
  "short_side": int,
  "failures": int,
  "multi_label": bool,
  "streams": {
    str: {
      "kind": str,
      "channels": int,
      "feature": str,
      "format": str,
      "bound?": float,
      "dtype?": str,
      "scale?": float,
      "height?": int,
      "width?": int,
      "classes?": [str],
      "mean?": [float],
      "spread?": [float],
    }
  },
  "splits": dict.fromkeys(SPLITS, _SPLIT),
  "settings": {str: object},
  "versions": {str: object},
  "manifest_sha256": str,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitInfo:
  """The size of a split: clips, their rgb frames altogether, and files."""

  clips: int = 0
  frames: int = 0
  shards: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetInfo:
  """The content of dataset.json.

  Attributes:
    classes: Class names; a clip's `clip/label/index` counts in this order. Empty where clips have
      no labels.
    streams: By name.
    fps: Dataset frames a second.
    short_side: Pixels of the shorter side of every frame.
    splits: By name; all three are present, one without usable clips has zeros.
    failures: Lines of failures.jsonl.
    multi_label: Whether some clip has several labels.
    manifest_sha256: Hash over the rows that the dataset was made from.
    settings: The flags that shape the bytes.
    versions: Library versions that shape the bytes.
    class_clips: By split, how many of its clips are of each class, in the order of `classes`; None
      in a dataset that was made before this was counted.
    notes: By clip id, what is odd about its frames and was dealt with; empty in most datasets.
  """

  classes: tuple[str, ...]
  streams: Mapping[str, StreamInfo]
  fps: float
  short_side: int
  splits: Mapping[str, SplitInfo]
  failures: int
  multi_label: bool
  manifest_sha256: str
  settings: Mapping[str, Any]
  versions: Mapping[str, str]
  class_clips: Mapping[str, Sequence[int]] | None = None
  notes: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
  schema_version: int = SCHEMA_VERSION

  @functools.cached_property
  def fingerprint(self) -> str:
    """Identity of the data: SHA-256, in hex, over the canonical JSON."""
    canonical = json.dumps(to_json(self), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def to_json(info: DatasetInfo) -> dict[str, Any]:
  """Returns the content of dataset.json as plain data."""
  fields = {field.name: getattr(info, field.name) for field in dataclasses.fields(info)}
  fields["classes"] = list(info.classes)
  fields["streams"] = {
    name: {key: value for key, value in dataclasses.asdict(stream).items() if value is not None}
    for name, stream in info.streams.items()
  }
  fields["splits"] = {name: dataclasses.asdict(split) for name, split in info.splits.items()}
  if fields["class_clips"] is None:
    del fields["class_clips"]
  else:
    fields["class_clips"] = {split: list(counts) for split, counts in info.class_clips.items()}
  fields["notes"] = {clip_id: list(texts) for clip_id, texts in info.notes.items()}
  if not info.notes:  # Most datasets; they keep their fingerprint.
    del fields["notes"]
  return {"schema_version": fields.pop("schema_version")} | fields


def from_json(data: Mapping[str, Any]) -> DatasetInfo:
  """Inverse of `to_json`; raises KeyError or TypeError where something is missing or unknown."""
  fields = dict(data)
  fields["classes"] = tuple(fields["classes"])
  fields["streams"] = {name: StreamInfo(**stream) for name, stream in fields["streams"].items()}
  fields["splits"] = {name: SplitInfo(**split) for name, split in fields["splits"].items()}
  fields["notes"] = {clip_id: tuple(texts) for clip_id, texts in fields.get("notes", {}).items()}
  return DatasetInfo(**fields)


def load(directory: str) -> DatasetInfo:
  """Reads dataset.json; raises UserError when `directory` holds no finished dataset of this
  version."""
  path = files.join(directory, FILE_NAME)
  remedy = "make one with python -m data_prep.extract --manifest=CSV --output_dir=DIR"
  if not files.exists(path):
    raise cli.UserError(f"{directory} is no finished dataset: it has no {FILE_NAME}; {remedy}")
  try:
    content = files.read_bytes(path)
  except OSError as error:
    raise cli.UserError(f"{path} cannot be read ({error.strerror or error}); {remedy}") from error
  data = shapes.parse(content, {"schema_version": int}, path, remedy)
  version = data["schema_version"]
  if version != SCHEMA_VERSION:
    raise cli.UserError(
      f"{path} has schema version {version!r}, this program reads {SCHEMA_VERSION}; {remedy}"
    )
  try:
    info = from_json(data)
  except (KeyError, TypeError, AttributeError) as error:
    raise cli.UserError(
      f"{path} lacks a field or has an unknown one ({error}); {remedy}"
    ) from error
  shapes.check(data, _SHAPE, path, remedy)
  _check_streams(info.streams, path, remedy)
  return info


def _check_streams(streams: Mapping[str, StreamInfo], path: str, remedy: str) -> None:
  """Raises UserError for a stream of a kind that nobody knows, or that is none of its kind."""
  for name, stream in streams.items():
    try:
      fault = stream_kinds.get(stream.kind).fault(stream)
    except ValueError as error:
      fault = f"has an {error}" if str(error).startswith("unknown") else f"cannot be read: {error}"
    if fault:
      raise cli.UserError(f"{path}: the stream {name!r} {fault}; {remedy}")


def save(info: DatasetInfo, directory: str) -> None:
  """Writes dataset.json whole; the last step of making a dataset."""
  text = json.dumps(to_json(info), indent=2, sort_keys=False) + "\n"
  files.write_bytes(files.join(directory, FILE_NAME), text.encode())


def shard_name(split: str, index: int, count: int) -> str:
  """Returns the name of a split's file number `index` of `count`."""
  return f"{split}-{index:05d}-of-{count:05d}.tfrecord"


def shard_paths(directory: str, split: str) -> tuple[str, ...]:
  """Returns, in order, the TFRecord files of a split; raises UserError when one is missing."""
  if split not in SPLITS:
    raise cli.UserError(f"unknown split {split!r}; there are {', '.join(SPLITS)}")
  count = load(directory).splits[split].shards
  paths = tuple(files.join(directory, shard_name(split, index, count)) for index in range(count))
  for path in paths:
    if not files.exists(path):
      raise cli.UserError(
        f"{path} is missing, though {FILE_NAME} counts it; prepare the dataset "
        "again, into another folder"
      )
  return paths

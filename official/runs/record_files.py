"""The base of all records of a run: how they are read from their JSON files."""

from collections.abc import Iterable
from typing import Any, ClassVar, Protocol, Self, TypeVar

from data_prep.common import cli
from data_prep.common import shapes
from official.runs import json_files
from official.runs.json_files import Json

FORMAT_VERSION = 1
_VERSIONED = {"format_version?": int}


class Record(Protocol):
  """A record that can be read from a JSON file."""

  REMEDY: ClassVar[str]  # What a user can do about a damaged file.

  @classmethod
  def from_json(cls, data: object, path: str) -> Self:
    """Returns the record; UserError if `data`, from the file of that path, is none."""


_Record = TypeVar("_Record", bound=Record)


def read(path: str, record: type[_Record]) -> _Record | None:
  """Returns the record in a file, None where there is no such file; UserError if damaged."""
  content = json_files.read_json(path, {}, record.REMEDY)
  return None if content is None else record.from_json(content, path)


def checked(data: object, shape: object, path: str, remedy: str) -> dict[str, Any]:
  """Returns `data`, which has a shape; UserError if it has another."""
  shapes.check(data, shape, path, remedy)
  assert isinstance(data, dict)
  return data


def check_version(data: object, path: str, remedy: str) -> None:
  """Raises UserError unless `data` is of the format version that this program reads."""
  content = checked(data, _VERSIONED, path, remedy)
  version = content.get("format_version", FORMAT_VERSION)
  if version != FORMAT_VERSION:
    raise cli.UserError(
      f"{path} has format version {version!r}, "
      f"this program reads {FORMAT_VERSION}; give another --model_dir"
    )


def others(content: Json, shape: Iterable[str]) -> dict[str, object]:
  """Returns the fields that a shape does not name."""
  names = {"format_version", *(name.removesuffix("?") for name in shape)}
  return {name: value for name, value in content.items() if name not in names}


def known(**fields: object) -> dict[str, object]:
  """Returns the fields that are not None."""
  return {name: value for name, value in fields.items() if value is not None}

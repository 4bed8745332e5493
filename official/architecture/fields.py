"""Reading JSON objects field by field, with errors that name the field.

    fields = Fields(data, "levels[2]")
    blocks = fields.integer("blocks", least=1)
    fields.close()      # refuses what was not read, a misspelt name among it

    levels[2].blocks is "two"; it is an integer of at least 1
"""

from collections.abc import Iterator
import json
from typing import Any

from data_prep.cli import UserError

REQUIRED = object()


class Fields:
  """The fields of one JSON object; each is read once, then `close` finds what is left."""

  def __init__(self, data: Any, path: str = ""):
    self._path = path
    if not isinstance(data, dict):
      raise UserError(f"{path or 'the file'} is {_show(data)}; it is an object")
    self._left = dict(data)
    self._known: list[str] = []

  def error(self, name: str, text: str) -> UserError:
    """Returns an error about a field: `text` follows its name."""
    return UserError(f"{self.name(name)} {text}")

  def name(self, name: str) -> str:
    """The full name of a field."""
    return f"{self._path}.{name}" if self._path else name

  def close(self) -> None:
    """Refuses fields that nobody asked for."""
    if self._left:
      unknown = sorted(self._left)[0]
      raise self.error(unknown, f"is no field; the fields are {', '.join(self._known)}")

  def text(self, name: str, default: Any = REQUIRED) -> str:
    """Reads a string."""
    value = self._take(name, default)
    if value is not default and not isinstance(value, str):
      raise self._wrong(name, value, "a string")
    return value

  def integer(self, name: str, default: Any = REQUIRED, *, least: int = 0) -> Any:
    """Reads an integer of at least `least`; with default None, null counts as absent."""
    value = self._take(name, default)
    if value is not default and not _is_integer(value, least):
      raise self._wrong(name, value, f"an integer of at least {least}")
    return value

  def number(self, name: str, default: Any = REQUIRED, *, least: float, most: float) -> float:
    """Reads a number within bounds."""
    value = self._take(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
      raise self._wrong(name, value, f"a number from {least} to {most}")
    return float(value)

  def integers(self, name: str, default: Any = REQUIRED, *, least: int = 1) -> Any:
    """Reads a list of different integers, returned sorted."""
    value = self._take(name, default)
    if value is default:
      return value
    if not isinstance(value, list) or not value or not all(
        _is_integer(item, least) for item in value) or len(set(value)) < len(value):
      raise self._wrong(name, value, f"a list of different integers of at least {least}")
    return tuple(sorted(value))

  def bounds(self, name: str, default: Any = REQUIRED) -> tuple[int, int]:
    """Reads `[least, most]`."""
    value = self._take(name, default)
    if value is default:
      return value
    if (not isinstance(value, list) or len(value) != 2
        or not all(_is_integer(item, 0) for item in value) or value[0] > value[1]):
      raise self._wrong(name, value, "two integers, [least, most]")
    return tuple(value)

  def texts(self, name: str, default: Any = REQUIRED) -> tuple[str, ...]:
    """Reads a list of different strings, in their order."""
    value = self._take(name, default)
    if not isinstance(value, list) or not value or not all(
        isinstance(item, str) for item in value) or len(set(value)) < len(value):
      raise self._wrong(name, value, "a list of different strings")
    return tuple(value)

  def items(self, name: str) -> Iterator[tuple[str, Any]]:
    """Reads a list, item by item, each with its full name."""
    value = self._take(name, REQUIRED)
    if not isinstance(value, list) or not value:
      raise self._wrong(name, value, "a list that is not empty")
    for index, item in enumerate(value):
      yield f"{self.name(name)}[{index}]", item

  def _take(self, name: str, default: Any) -> Any:
    self._known.append(name)
    value = self._left.pop(name, default)
    if value is REQUIRED:
      raise self.error(name, "is missing")
    return value

  def _wrong(self, name: str, value: Any, expected: str) -> UserError:
    return self.error(name, f"is {_show(value)}; it is {expected}")


def _is_integer(value: Any, least: int) -> bool:
  return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _show(value: Any) -> str:
  text = json.dumps(value)
  return text if len(text) <= 60 else text[:57] + "..."

"""Reading JSON objects field by field, with errors that name the field.

fields = Fields(data, "levels[2]")
blocks = fields.integer("blocks", least=1)
fields.close()      # refuses what was not read, a misspelt name among it

levels[2].blocks is "two"; it is an integer of at least 1
"""

from collections.abc import Iterator
import json
from typing import Any

from data_prep.common.cli import UserError

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
    """Refuses unknown fields."""
    if self._left:
      unknown = sorted(self._left)[0]
      raise self.error(unknown, f"is no field; the fields are {', '.join(self._known)}")

  def text(self, name: str, default: Any = REQUIRED) -> str:
    """Reads a string."""
    value = self._take(name, default)
    if value is not default and not isinstance(value, str):
      raise self._wrong(name, value, "a string")
    return value

  def is_text(self, name: str, text: str) -> bool:
    """Reads a field, if it is this very string; returns whether it is."""
    if self._left.get(name) != text:
      return False
    self._take(name, REQUIRED)
    return True

  def boolean(self, name: str, default: Any = REQUIRED) -> bool | None:
    """Reads true or false."""
    value = self._take(name, default)
    if value is not default and not isinstance(value, bool):
      raise self._wrong(name, value, "true or false")
    return value

  def integer(self, name: str, default: Any = REQUIRED, *, least: int = 0, most: int) -> Any:
    """Reads an integer from `least` to `most`; with default None, null counts as absent."""
    value = self._take(name, default)
    if value is not default and not _is_integer(value, least, most):
      raise self._wrong(name, value, f"an integer of at least {least} and at most {most}")
    return value

  def number(self, name: str, default: Any = REQUIRED, *, least: float, most: float) -> float:
    """Reads a number within bounds."""
    value = self._take(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
      raise self._wrong(name, value, f"a number from {least} to {most}")
    return float(value)

  def integers(
    self, name: str, default: Any = REQUIRED, *, least: int = 1, most: int, longest: int
  ) -> Any:
    """Reads a list of at most `longest` different integers, returned sorted."""
    value = self._take(name, default)
    if value is default:
      return value
    if (
      not isinstance(value, list)
      or not 0 < len(value) <= longest
      or not all(_is_integer(item, least, most) for item in value)
      or len(set(value)) < len(value)
    ):
      raise self._wrong(
        name,
        value,
        f"a list of different integers of at least {least} and at "
        f"most {most}, from 1 to {longest} of them",
      )
    return tuple(sorted(value))

  def bounds(self, name: str, default: Any = REQUIRED, *, most: int) -> tuple[int, int]:
    """Reads `[least, most]`, each at most `most`."""
    value = self._take(name, default)
    if value is default:
      return value
    if (
      not isinstance(value, list)
      or len(value) != 2
      or not all(_is_integer(item, 0, most) for item in value)
      or value[0] > value[1]
    ):
      raise self._wrong(name, value, f"two integers, [least, most], of at most {most}")
    return tuple(value)

  def texts(self, name: str, default: Any = REQUIRED, *, longest: int) -> tuple[str, ...]:
    """Reads a list of at most `longest` different strings, in their order."""
    value = self._take(name, default)
    if (
      not isinstance(value, list)
      or not 0 < len(value) <= longest
      or not all(isinstance(item, str) for item in value)
      or len(set(value)) < len(value)
    ):
      raise self._wrong(name, value, f"a list of different strings, from 1 to {longest} of them")
    return tuple(value)

  def items(self, name: str, *, longest: int) -> Iterator[tuple[str, Any]]:
    """Reads a list of at most `longest` items, item by item, each with its full name."""
    value = self._take(name, REQUIRED)
    if not isinstance(value, list) or not 0 < len(value) <= longest:
      raise self._wrong(name, value, f"a list that is not empty, of at most {longest}")
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


def _is_integer(value: Any, least: int, most: int) -> bool:
  return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _show(value: Any) -> str:
  text = json.dumps(value)  # NaN and Infinity included.
  return text if len(text) <= 60 else text[:57] + "..."

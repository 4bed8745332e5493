"""Descriptions of our JSON files, and one way to check them.

A *shape* says what a value has to be:

    str, int, float, bool    of that type; an int is a float, too, and a bool is no int
    (int, None)              one of several
    frozenset({"a", "b"})    one of these values
    [shape]                  a list of such values
    {str: shape}             an object whose values are such
    {"name": shape, ...}     an object with these fields and any others; "name?" may be missing or
                             null
    object                   anything

    parse(text, {"number": int, "reason?": str}, "result.json", "delete it")
    UserError: result.json is damaged: number is "7", not an integer; delete it
"""

import json
from typing import Any

from data_prep.common import cli

_NAMES = {
  str: "a text",
  int: "an integer",
  float: "a number",
  bool: "true or false",
  type(None): "null",
  None: "null",
}
_SHOWN_CHARACTERS = 40


def parse(content: str | bytes, shape: Any, path: str, remedy: str) -> Any:
  """Returns the value in a JSON text.

  Args:
    content: The text; bytes are UTF-8.
    shape: What the value has to be.
    path: Where it was read, for the message.
    remedy: What the user can do about it, for the message.

  Raises:
    UserError: It is no JSON, or of another shape; the line names the path and the field.
  """
  try:
    value = json.loads(content)
  except (ValueError, RecursionError) as error:
    told = "it is empty" if not content.strip() else f"it is no JSON ({error})"
    raise cli.UserError(f"{path} cannot be read: {told}; {remedy}") from error
  check(value, shape, path, remedy)
  return value


def check(value: Any, shape: Any, path: str, remedy: str) -> None:
  """Raises UserError, as `parse` does, unless a value has the shape."""
  if not _fits(value, shape):
    raise cli.UserError(f"{path} is damaged: {_wrong(value, shape, '')}; {remedy}")


def _fits(value: Any, shape: Any) -> bool:
  """Returns whether `_wrong` finds nothing wrong, in a fifth of its time: it makes up no names."""
  if isinstance(shape, list):
    one = shape[0]
    return isinstance(value, list) and all([_fits(item, one) for item in value])
  if isinstance(shape, dict):
    if not isinstance(value, dict):
      return False
    if str in shape:
      one = shape[str]
      return all([_fits(item, one) for item in value.values()])
    for name, one in shape.items():
      if name[-1] == "?":
        if (item := value.get(name[:-1])) is not None and not _fits(item, one):
          return False
      elif name not in value or not _fits(value[name], one):
        return False
    return True
  if isinstance(shape, tuple):
    return any([_fits(value, one) for one in shape])
  if isinstance(shape, frozenset):
    return isinstance(value, str) and value in shape
  return shape is object or type(value) is shape or _is(value, shape)


def _wrong(value: Any, shape: Any, where: str) -> str | None:
  """Returns what is wrong with a value, or None if nothing is; `where` is the name of the value."""
  if shape is object:
    return None
  if isinstance(shape, tuple):
    found = [_wrong(value, one, where) for one in shape]
    return None if None in found else found[0]
  if isinstance(shape, frozenset):
    known = isinstance(value, str) and value in shape
    return None if known else _says(value, where, f"one of {', '.join(sorted(shape))}")
  if isinstance(shape, list):
    if not isinstance(value, list):
      return _says(value, where, "a list")
    items = ((f"{where}[{index}]", item, shape[0]) for index, item in enumerate(value))
  elif isinstance(shape, dict):
    if not isinstance(value, dict):
      return _says(value, where, "an object")
    if str in shape:
      items = ((_field(where, name), item, shape[str]) for name, item in value.items())
    else:
      if (missing := _missing(value, shape, where)) is not None:
        return missing
      items = (
        (_field(where, name), value[name], one)
        for name, one in ((name.removesuffix("?"), one) for name, one in shape.items())
        if value.get(name) is not None
      )
  else:
    return None if _is(value, shape) else _says(value, where, _NAMES[shape])
  return next(
    (wrong for name, item, one in items if (wrong := _wrong(item, one, name)) is not None), None
  )


def _missing(value: dict, shape: dict, where: str) -> str | None:
  for name, one in shape.items():
    if name.endswith("?") or (name in value and value[name] is not None):
      continue
    if name not in value:
      return f"{_field(where, name)} is missing"
    if (wrong := _wrong(None, one, _field(where, name))) is not None:
      return wrong
  return None


def _is(value: Any, kind: Any) -> bool:
  if kind is None:
    return value is None
  if isinstance(value, bool):
    return kind is bool
  return isinstance(value, (int, float) if kind is float else kind)


def _says(value: Any, where: str, expected: str) -> str:
  try:
    shown = json.dumps(value)
  except (TypeError, ValueError):
    shown = repr(value)
  if len(shown) > _SHOWN_CHARACTERS:
    shown = shown[: _SHOWN_CHARACTERS - 3] + "..."
  return f"{where or 'it'} is {shown}, not {expected}"


def _field(where: str, name: str) -> str:
  return f"{where}.{name}" if where else str(name)

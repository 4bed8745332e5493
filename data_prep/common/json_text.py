"""JSON that people can read: a line for each field, and for each object in a list.

    {
     "seed": 3,
     "architecture": {
      "blocks": [
       {"id": "rgb_0", "level": 0, "channels": 4},
       {"id": "level1_0", "level": 1, "channels": 8}
      ],
      "connections": [
       {"source": "rgb_0", "target": "level1_0"}
      ]
     }
    }

`indent` of json gives every number a line, and it is so slow that the driver of a thousand workers
spends a third of its time in it.
"""

from collections.abc import Iterable
import json

_ENCODE = json.JSONEncoder(allow_nan=False).encode
_CHARACTERS = 100  # An object is on one line if it is no longer, and has no list of objects.


def encode(content: object) -> str:
  """Returns JSON with a line for each field, and for each object in a list.

  Args:
    content: JSON's own types, with tuples as lists.

  Raises:
    TypeError: There is something else in it.
    ValueError: There is a number in it that is none.
  """
  lines = _fields(content, 1) if isinstance(content, dict) else _opened(content, 1)
  return f"{lines}\n"


def _fields(content: dict[object, object], depth: int) -> str:
  """Returns an object with a line for each of its fields."""
  fields = (f"{_ENCODE(str(name))}: {_opened(item, depth + 1)}" for name, item in content.items())
  return _joined("{", fields, "}", depth)


def _opened(value: object, depth: int) -> str:
  """Returns a value in lines: one for each object in a list, and one for each field of an object
  that has such lists or is long."""
  if isinstance(value, dict) and value:
    if any(map(_has_objects, value.values())):
      return _fields(value, depth)
    text = _ENCODE(value)
    return text if len(text) <= _CHARACTERS else _fields(value, depth)
  if isinstance(value, (list, tuple)) and _has_objects(value):
    items = (_opened(item, depth + 1) if _is_deep(item) else _ENCODE(item) for item in value)
    return _joined("[", items, "]", depth)
  return _ENCODE(value)


def _is_deep(value: object) -> bool:
  """Whether there is an object, or a list of objects, in a value."""
  if isinstance(value, dict):
    return any(isinstance(item, dict) for item in value.values()) or _has_objects(value)
  return _has_objects(value)


def _has_objects(value: object) -> bool:
  """Whether there is a list with an object in a value."""
  if isinstance(value, dict):
    return any(map(_has_objects, value.values()))
  if isinstance(value, (list, tuple)):
    return any(isinstance(item, dict) or _has_objects(item) for item in value)
  return False


def _joined(begin: str, lines: Iterable[str], end: str, depth: int) -> str:
  between = ",\n" + depth * " "
  body = between.join(lines)
  return f"{begin}\n{depth * ' '}{body}\n{(depth - 1) * ' '}{end}" if body else begin + end

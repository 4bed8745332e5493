"""JSON files that are read and written whole, on a local disk or behind a URL.

A local file is flushed to its disk and appears under its name by one atomic rename, so that a
process killed at any moment, or a power loss, leaves the old content or the new. Paths with a
scheme (`gs://...`) go through `tf.io.gfile`; only then is TensorFlow imported.
"""

from collections.abc import Iterable, Mapping
import json
import math
import os
import shutil
from typing import Any

import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import shapes

_ENCODE = json.JSONEncoder(allow_nan=False).encode
_CHARACTERS = 100  # An object is on one line if it is no longer, and has no list of objects.

Json = Mapping[str, object]  # A JSON object whose fields are not looked at.


def is_url(path: str) -> bool:
  """Whether `path` has a scheme, so that it is not the local disk's."""
  return "://" in path


def join(directory: str, *names: str) -> str:
  """Returns the path of something below `directory`."""
  return (
    "/".join([directory.rstrip("/"), *names])
    if is_url(directory)
    else os.path.join(directory, *names)
  )


def exists(path: str) -> bool:
  """Whether there is a file or folder at `path`."""
  return _gfile().exists(path) if is_url(path) else os.path.exists(path)


def make_directory(path: str) -> None:
  """Makes a folder, with its parents, unless it is there."""
  _gfile().makedirs(path) if is_url(path) else os.makedirs(path, exist_ok=True)


def names(directory: str) -> list[str]:
  """Returns, sorted, the names in a folder; none where there is no such folder."""
  if is_url(directory):
    found = _gfile().listdir(directory) if _gfile().isdir(directory) else []
    return sorted(name.rstrip("/") for name in found)
  return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def read_json(
  path: str, shape: Any = object, remedy: str = "restore it, or give another folder"
) -> Any | None:
  """Returns the content of a JSON file, None where there is no such file.

  Args:
    path: The file.
    shape: What its content has to be, see data_prep.common.shapes.
    remedy: What the user can do about a damaged file, for the message.

  Raises:
    UserError: It cannot be read, is no JSON, or is of another shape.
  """
  try:
    if is_url(path):
      if not _gfile().exists(path):
        return None
      with _gfile().GFile(path, "rb") as file:
        content = file.read()
    else:
      with open(path, "rb") as file:
        content = file.read()
  except FileNotFoundError:
    return None
  except OSError as error:
    raise cli.UserError(f"{path} cannot be read ({error.strerror or error}); {remedy}") from error
  return shapes.parse(content, shape, path, remedy)


def write_json(path: str, content: Any) -> None:
  """Writes a JSON file whole, as `plain` data; equal content gives equal bytes.

  People read these files: there is a line for each field, and for each object in a list, such as a
  connection or a block of an architecture. (`indent` of json gives every number a line, and is so
  slow that a driver of a thousand workers spends a third of its time in it.)
  """
  try:
    text = _encoded(content)
  except (TypeError, ValueError):  # Arrays, or a number that is none.
    text = _encoded(plain(content))
  if not is_url(path):
    files.write_bytes(path, text.encode())
    return
  temporary = path + files.TEMPORARY_SUFFIX
  with _gfile().GFile(temporary, "w") as file:
    file.write(text)
  _gfile().rename(temporary, path, overwrite=True)


def _encoded(content: object) -> str:
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


def remove_tree(directory: str) -> None:
  """Deletes a folder and what is in it; no folder is no error."""
  if is_url(directory):
    if _gfile().exists(directory):
      _gfile().rmtree(directory)
  elif os.path.isdir(directory):
    shutil.rmtree(directory)


def remove(path: str) -> None:
  """Deletes a file."""
  _gfile().remove(path) if is_url(path) else os.unlink(path)


def plain(value: Any) -> Any:
  """Returns `value` as JSON's own types; NumPy scalars and arrays become numbers and lists, NaN and
  infinity None.

  Raises:
    TypeError: There is something in it that JSON has no form for.
  """
  if isinstance(value, (np.ndarray, np.generic)):
    return plain(value.tolist())
  if isinstance(value, dict):
    return {str(key): plain(item) for key, item in value.items()}
  if isinstance(value, (list, tuple)):
    return [plain(item) for item in value]
  if isinstance(value, float):
    return value if math.isfinite(value) else None
  if value is None or isinstance(value, (bool, int, str)):
    return value
  raise TypeError(f"{type(value).__name__} {value!r} is no plain data")


def _gfile():
  from tensorflow.io import gfile

  return gfile

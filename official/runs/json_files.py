"""JSON files that are read and written whole, on a local disk or behind a URL.

A local file is flushed to its disk and appears under its name by one atomic rename, so that a
process killed at any moment, or a power loss, leaves the old content or the new. Paths with a
scheme (`gs://...`) go through `tf.io.gfile`; only then is TensorFlow imported.
"""

from collections.abc import Mapping
import math
import os
import shutil
from typing import Any

import numpy as np

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import json_text
from data_prep.common import shapes

Json = Mapping[str, object]  # A JSON object whose fields are not looked at.


def is_url(path: str) -> bool:
  """Returns whether `path` has a scheme, so that it is not the local disk's."""
  return "://" in path


def join(directory: str, *names: str) -> str:
  """Returns the path of something below `directory`."""
  return (
    "/".join([directory.rstrip("/"), *names])
    if is_url(directory)
    else os.path.join(directory, *names)
  )


def exists(path: str) -> bool:
  """Returns whether there is a file or folder at `path`."""
  return _gfile().exists(path) if is_url(path) else os.path.exists(path)


def make_directory(path: str) -> None:
  """Creates a folder, with its parents, unless it exists."""
  if is_url(path):
    _gfile().makedirs(path)
    return
  try:
    os.mkdir(path)  # Mostly the parents are there: on a network file system that is one call.
  except OSError:
    os.makedirs(path, exist_ok=True)


def names(directory: str) -> list[str]:
  """Returns, sorted, the names in a folder; none where there is no such folder."""
  if is_url(directory):
    found = _gfile().listdir(directory) if _gfile().isdir(directory) else []
    return sorted(name.rstrip("/") for name in found)
  try:
    return sorted(os.listdir(directory))
  except (FileNotFoundError, NotADirectoryError):
    return []


def read_json(
  path: str, shape: object = object, remedy: str = "restore it, or give another folder"
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


def write_json(path: str, content: object, *, flush_name: bool = True) -> None:
  """Writes a JSON file whole, as `plain` data; equal content gives equal bytes.

  It is laid out for people (data_prep.common.json_text).

  Args:
    path: The file.
    content: What it says.
    flush_name: Whether its name outlasts a power loss at once, or with the next in its folder.
  """
  try:
    text = json_text.encode(content)
  except (TypeError, ValueError):  # Arrays, or a number that is none.
    text = json_text.encode(plain(content))
  if not is_url(path):
    files.write_bytes(path, text.encode(), flush_name=flush_name)
    return
  temporary = path + files.TEMPORARY_SUFFIX
  with _gfile().GFile(temporary, "w") as file:
    file.write(text)
  _gfile().rename(temporary, path, overwrite=True)


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


def plain(value: object) -> Any:
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


def _gfile() -> Any:
  from tensorflow.io import gfile

  return gfile

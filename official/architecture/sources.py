"""Where an architecture may come from, for whoever names one on a command line.

    a file    architecture JSON (serialization.py), such as `assets/architecture.json` of an export;
              or a `candidate.json` of a search, whose field `architecture` is one
    {...}     the JSON itself
"""

from collections.abc import Callable
import json
import os
from typing import Any

from data_prep import cli
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError


def load(text: str) -> Architecture:
  """Returns the architecture that `text` names.

  Raises:
    UserError: There is none of that name, or it is invalid.
  """
  if text.startswith("{"):
    return _decoded("{...}", lambda: json.loads(text))
  path = cli.resolve_path(text)
  if not os.path.isfile(path):
    raise cli.UserError(
        f"--architecture={text} is no file; give an architecture JSON or a search's candidate.json")
  return _decoded(text, lambda: _read(path))


def _decoded(name: str, read: Callable[[], Any]) -> Architecture:
  try:
    return serialization.from_json(read())
  except (ArchitectureError, ValueError) as error:
    raise cli.UserError(f"--architecture={name}: {error}") from error


def _read(path: str) -> Any:
  with open(path, encoding="utf-8") as file:
    data = json.load(file)
  return data["architecture"] if isinstance(data, dict) and "architecture" in data else data

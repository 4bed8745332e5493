"""The sources of an architecture that a command line may name.

a name    of a published network (presets.py), with the connection weights that it begins with
a file    architecture JSON (serialization.py), such as `assets/architecture.json` of an export;
          a `candidate.json` of a search, whose field `architecture` is one; or a structure list
          of the Model Garden (structure_list.py)
{...}     the JSON itself
hand-made:PATTERN:PARAMETERS
          a network that a person would draw first, of that many parameters (hand_made.py)
"""

from collections.abc import Mapping
import json
import os
from typing import Any

from data_prep.common import cli
from official.architecture import hand_made
from official.architecture import presets
from official.architecture import serialization
from official.architecture import structure_list
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.architecture.structure_list import WeightedArchitecture


def load(text: str) -> WeightedArchitecture:
  """Returns the architecture that `text` names; only names and structure lists have weights.

  Raises:
    UserError: There is none of that name, or it is invalid.
  """
  if text in presets.names():
    return presets.load(text)
  if text.startswith(hand_made.PREFIX):
    try:
      return WeightedArchitecture(architecture=hand_made.from_text(text), connection_weights={})
    except cli.UserError as error:
      raise cli.UserError(f"--architecture={text}: {error}") from error
  try:
    return _decoded(json.loads(text) if text.startswith("{") else _read(text))
  except (ArchitectureError, OSError, ValueError, TypeError, RecursionError) as error:
    name = "{...}" if text.startswith("{") else text
    raise cli.UserError(f"--architecture={name}: {error}") from error


def check_frozen(architecture: Architecture, weights: Mapping[Connection, float]) -> None:
  """Raises UserError unless the connection weights of a network can be frozen: each is given, or is
  that of a block's only input, which is then passed on."""
  missing = [
    connection
    for connection in architecture.connections
    if connection not in weights and len(architecture.inputs(connection.target)) > 1
  ]
  if missing:
    raise cli.UserError(
      "connection weights cannot be frozen: the architecture comes without weights of "
      f"{len(missing)} of its connections (of {missing[0]}, for one), which would stay at one "
      "half; give a network by name or a structure list that has them, or --init_checkpoint"
    )


def _decoded(data: Any) -> WeightedArchitecture:
  if isinstance(data, dict) and "architecture" in data:
    data = data["architecture"]
  if structure_list.is_structure_list(data):
    return structure_list.from_json(data)
  return WeightedArchitecture(architecture=serialization.from_json(data), connection_weights={})


def _read(name: str) -> Any:
  path = cli.resolve_path(name)
  if not os.path.isfile(path):
    raise cli.UserError(
      f"--architecture={name} is no file, and no network has that name; the names are "
      f"{', '.join(presets.names())} and {hand_made.PREFIX}PATTERN:PARAMETERS; a file holds an "
      "architecture, a structure list, or is a search's candidate.json"
    )
  with open(path, encoding="utf-8") as file:
    return json.load(file)

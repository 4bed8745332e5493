"""Networks by name: those that were found by evolution, and those made by hand for comparison.

| name | what it is |
|---|---|
| assemblenet-50 | found on Moments in Time, with its connection weights |
| assemblenet-101 | the same, deeper and narrower at the top |
| two-stream-late | rgb and flow apart, averaged in the head |
| two-stream-fused-at-4 | rgb and flow apart up to level 3, one block on level 4 |
| two-stream-flow-to-rgb | as before, and flow feeds the rgb blocks of every level |
| two-stream-fully-connected | every block feeds every block of the next level |
| four-stream-fully-connected | two rgb and two flow stems, four blocks a level, all connected |

(AssembleNet, ICLR 2020: tables 5 and 6, figure 7.) They are the files in presets/, structure lists
of the Model Garden (structure_list.py). Connection weights are there where they were published;
they are where training begins, and are trained like any other.
"""

import json
import os

from data_prep.cli import UserError
from data_prep.cli import resolve_path
from official.architecture import serialization
from official.architecture import structure_list
from official.architecture.architecture import ArchitectureError

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "presets")


def names() -> tuple[str, ...]:
  """The names of the networks, sorted."""
  return tuple(sorted(file[:-5] for file in os.listdir(_FOLDER) if file.endswith(".json")))


def load(name_or_file: str) -> structure_list.WeightedArchitecture:
  """Returns a network by its name, or from a JSON file.

  A file holds an architecture (serialization.py) or a structure list (structure_list.py). An
  architecture has no initial connection weights of its own.

  Raises:
    UserError: No such name or file, or a file that describes no network.
  """
  if name_or_file in names():
    return _read(os.path.join(_FOLDER, name_or_file + ".json"))
  path = resolve_path(name_or_file)
  if not os.path.isfile(path):
    raise UserError(f"no network {name_or_file!r}: the names are {', '.join(names())}, "
                    f"and there is no file {path!r}")
  return _read(path)


def _read(path: str) -> structure_list.WeightedArchitecture:
  try:
    with open(path, encoding="utf-8") as file:
      data = json.load(file)
  except (OSError, ValueError) as error:
    raise UserError(f"network {path}: cannot read it as JSON: {error}") from error
  try:
    if structure_list.is_structure_list(data):
      return structure_list.from_json(data)
    return structure_list.WeightedArchitecture(
        architecture=serialization.from_json(data), connection_weights={})
  except ArchitectureError as error:
    raise UserError(f"network {path}: {error}") from error

"""Published networks by name: some found by evolution, some made by hand for comparison.

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

from official.architecture import structure_list

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "presets")


def names() -> tuple[str, ...]:
  """The names of the networks, sorted."""
  return tuple(sorted(file[:-5] for file in os.listdir(_FOLDER) if file.endswith(".json")))


def load(name: str) -> structure_list.WeightedArchitecture:
  """Returns the network of a name."""
  with open(os.path.join(_FOLDER, name + ".json"), encoding="utf-8") as file:
    return structure_list.from_json(json.load(file))

"""Pictures of the networks in a SavedModel, with their learned connection weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from official import network
from official.architecture import serialization
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.reports import drawn_network
from official.reports import network_picture


def svgs(
  members: Sequence[tf.keras.Model],
  architectures: Sequence[Mapping],
  search: Mapping[str, Any] | None = None,
) -> dict[str, str]:
  """Returns SVG files by name: `net.svg`, of several networks `net_1.svg` and on.

  There is none of what is no architecture of ours.

  Args:
    members: The networks.
    architectures: Their JSON, in the same order.
    search: Settings of the search that found them, by name, if one did.
  """
  found = {}
  for place, (member, architecture) in enumerate(zip(members, architectures), start=1):
    try:
      drawn = drawn_network.make(
        serialization.from_json(architecture),
        {Connection(*ends): w for ends, w in network.connection_weights(member).items()},
        network.head_weights(member),
        identity=search,
      )
    except ArchitectureError:
      continue
    name = "net.svg" if len(architectures) == 1 else f"net_{place}.svg"
    found[name] = network_picture.draw(drawn).svg_file(
      "The network", network_picture.description(drawn)
    )
  return found

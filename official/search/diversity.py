"""How different two architectures are: the share of their connections that they do not share.

The distance is that of Jaccard between the two sets of connections, each with the temporal dilation
of its target: 0 if they are alike, 1 if they have none in common.
"""

from official.architecture.architecture import Architecture

Connections = frozenset[tuple[str, str, int | None]]


def connections(architecture: Architecture) -> Connections:
  """Returns the connections of an architecture as (source, target, dilation of the target)."""
  dilations = {block.id: block.temporal_dilation for block in architecture.blocks}
  return frozenset(
    (each.source, each.target, dilations.get(each.target)) for each in architecture.connections
  )


def distance(one: Connections, other: Connections) -> float:
  """Returns the distance, from 0 to 1."""
  return 1 - len(one & other) / len(one | other)

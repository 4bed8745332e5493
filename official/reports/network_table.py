"""The numbers of a network: which blocks each block reads from, with the connection weights."""

from collections.abc import Iterator

from official.architecture import cost
from official.architecture.architecture import Connection
from official.reports import drawn_network
from official.reports.drawn_network import DrawnNetwork

WEAK_MARK = "*"


def reads_from(network: DrawnNetwork) -> dict[str, str]:
  """Returns, by block, `rgb_0 0.92, level1_0 0.31*`: the strongest first, a mark at the dashed.

  A stem reads its streams; connections of unknown weight are names alone. The head is there, too,
  as HEAD, where it has strengths.
  """
  found = {
    block.id: " + ".join(block.streams) or ", ".join(_inputs(network, block.id))
    for block in network.architecture.blocks
  }
  if network.head_weights:
    strongest = sorted(network.head_weights.items(), key=lambda item: (-item[1], item[0]))
    found[cost.HEAD] = ", ".join(f"{name} {strength:.2f}" for name, strength in strongest)
  return found


def legend(network: DrawnNetwork) -> str:
  """Returns what the mark means, or nothing where none is set."""
  return f"{WEAK_MARK} {network.weak_means}" if network.weak else ""


def header(network: DrawnNetwork) -> list[str]:
  """Returns the names of the columns of `rows`."""
  dense = ["strength in the head"] if network.head_weights else []
  return [
    *("block", "kind", "C", "dilation", "stride", "modules"),
    *("reads from (weight)", "streams that reach it"),
    *dense,
  ]


def rows(network: DrawnNetwork) -> list[list[str | int | float | None]]:
  """Returns a row for every block, in order."""
  reads, shares = reads_from(network), drawn_network.shares(network)
  return [
    [
      *(block.id, block.kind, block.channels, block.temporal_dilation),
      *(block.spatial_stride, block.modules, reads[block.id]),
      ", ".join(f"{name} {share:.0%}" for name, share in shares[block.id].items()),
      *([network.head_weights.get(block.id)] if network.head_weights else []),
    ]
    for block in network.architecture.blocks
  ]


def _inputs(network: DrawnNetwork, block_id: str) -> Iterator[str]:
  connections = [Connection(one, block_id) for one in network.architecture.inputs(block_id)]
  for connection in sorted(connections, key=lambda one: (-network.weights.get(one, -1.0), one)):
    weight = network.weights.get(connection)
    mark = WEAK_MARK if connection in network.weak else ""
    yield connection.source if weight is None else f"{connection.source} {weight:.2f}{mark}"

"""Structure lists: the notation of TF Model Garden for AssembleNets.

    {"depth": 50,
     "structure": [[-1, 4], [-2, 1], [0, [0, 1], 32, 1, 1, 0], [1, [0, 2], 64, 2, 2, 0], ...],
     "weights": [[], [], [[0.13, 0.84]], [[0.58, 0.60]], ...]}

A row of `structure` is a node. A stem is [stream, r]: -1 is rgb, -2 flow, both with spatial stride
4 and 128 channels over all stems together. Any other node is [level, inputs, C, r, spatial stride,
0], an `interleaved_bottleneck`: its levels 0 to 3 are ours 1 to 4, its inputs are rows above it, D
is 64, 128, 256, 512 by level, and the last number has no meaning and may be missing. Level 3 feeds
the head. `weights`, which may be missing too, has a row for every node: [] or, in one more list,
the weight of each of its inputs *after* the sigmoid, above 0 and at most 1.

`depth` is the `model_id` of the Model Garden, and says how many modules a block has:

    26: 2 2 2 2    38: 2 4 4 2    50: 3 4 6 3    68: 3 4 12 3    77: 3 4 15 3    101: 3 4 23 3

(official/projects/assemblenet; AssembleNet, ICLR 2020, table 5.) Both directions lose nothing:
node n is the block `node_n`, so that the order of the rows is kept as well. Where a node has one
input, the Model Garden passes it on as it is; our networks give it a weight like any other, unless
connection weights are frozen.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import re
from typing import Any

from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

MODULES = {
  26: (2, 2, 2, 2),
  38: (2, 4, 4, 2),
  50: (3, 4, 6, 3),
  68: (3, 4, 12, 3),
  77: (3, 4, 15, 3),
  101: (3, 4, 23, 3),
}

_STEMS = {-1: ("stem_2plus1d", "rgb"), -2: ("stem_2d", "flow")}
_STEM_STRIDE = 4
_STEM_CHANNELS = 128
_KIND = "interleaved_bottleneck"
_NODE = re.compile(r"node_(\d+)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeightedArchitecture:
  """An architecture and the connection weights that its network starts with.

  Attributes:
    architecture: What to build.
    connection_weights: After the sigmoid, above 0 and at most 1; connections that are not there
      start near one half, as in any network.
  """

  architecture: Architecture
  connection_weights: Mapping[Connection, float]


def is_structure_list(data: Any) -> bool:
  """Returns whether JSON data look like a structure list rather than like an architecture."""
  return isinstance(data, Mapping) and "structure" in data


def from_json(data: Mapping[str, Any]) -> WeightedArchitecture:
  """Returns what a structure list describes; ArchitectureError says what is wrong with it."""
  if not is_structure_list(data) or set(data) - {"depth", "structure", "weights"}:
    raise ArchitectureError(
      "a structure list is an object with depth, structure and, if known, "
      f"weights; got {data!r:.60}"
    )
  depth, rows, weights = data.get("depth"), data["structure"], data.get("weights")
  if isinstance(depth, bool) or depth not in MODULES:
    raise ArchitectureError(f"depth is {depth!r}; the depths are {', '.join(map(str, MODULES))}")
  if not _is_list(rows) or not all(_is_list(row) and row for row in rows):
    raise ArchitectureError(f"structure is {rows!r:.60}; it is a list of lists, one a node")
  if weights is None:
    weights = [[]] * len(rows)
  if not _is_list(weights) or len(weights) != len(rows):
    raise ArchitectureError(
      f"weights is {weights!r:.60}; it has one list for each of the {len(rows)} rows of structure"
    )
  stems = sum(len(row) == 2 for row in rows)
  blocks: list[Block] = []
  connections: list[Connection] = []
  strengths: dict[Connection, float] = {}
  for number, row in enumerate(rows):
    if len(row) == 2:
      blocks.append(_stem(number, row, _STEM_CHANNELS // stems, len(rows)))
      inputs: Sequence[int] = []
    else:
      block, inputs = _block(number, row, MODULES[depth], len(rows))
      blocks.append(block)
    above = [Connection(_id(source, len(rows)), blocks[-1].id) for source in inputs]
    connections += above
    strengths |= _strengths(number, above, weights[number])
  if blocks and max(block.level for block in blocks) != 4:
    raise ArchitectureError("structure has no node on level 3; its nodes feed the head")
  return WeightedArchitecture(
    architecture=Architecture(tuple(blocks), tuple(connections)), connection_weights=strengths
  )


def to_json(weighted: WeightedArchitecture) -> dict[str, Any]:
  """Returns the structure list of an architecture.

  Raises:
    ArchitectureError: The Model Garden cannot build that architecture; the text names the block.
  """
  architecture = weighted.architecture
  blocks = _in_order(architecture)
  numbers = {block.id: number for number, block in enumerate(blocks)}
  depth = _depth(architecture)
  structure, weights = [], []
  for block in blocks:
    sources = sorted(architecture.inputs(block.id), key=numbers.__getitem__)
    structure.append(_row(block, [numbers[source] for source in sources], depth, architecture))
    weights.append(_weights(block, sources, weighted.connection_weights))
  return {"depth": depth, "structure": structure, "weights": weights}


def weights_to_text(weights: Mapping[Connection, float]) -> str:
  """Returns weights as a JSON list of [source, target, weight]; empty where there are none."""
  entries = [
    [connection.source, connection.target, weight] for connection, weight in sorted(weights.items())
  ]
  return json.dumps(entries) if entries else ""


def weights_from_text(text: str) -> dict[Connection, float]:
  """Returns the weights that `weights_to_text` wrote."""
  return {
    Connection(source, target): weight
    for source, target, weight in (json.loads(text) if text else ())
  }


def _is_list(value: Any) -> bool:
  return isinstance(value, list | tuple)


def _id(number: int, count: int) -> str:
  return f"node_{number:0{len(str(count - 1))}d}"


def _stem(number: int, row: Sequence[Any], channels: int, count: int) -> Block:
  stream, dilation = row
  if stream not in _STEMS:
    raise ArchitectureError(
      f"row {number} of structure is {row!r}: a stem reads -1 (rgb) or "
      "-2 (flow); object stems (-3) have no kind here"
    )
  kind, name = _STEMS[stream]
  return Block(
    id=_id(number, count),
    level=0,
    kind=kind,
    streams=(name,),
    channels=channels,
    temporal_dilation=dilation,
    spatial_stride=_STEM_STRIDE,
  )


def _block(
  number: int, row: Sequence[Any], modules: Sequence[int], count: int
) -> tuple[Block, list[int]]:
  if len(row) not in (5, 6) or row[0] not in (0, 1, 2, 3) or not _is_list(row[1]):
    raise ArchitectureError(
      f"row {number} of structure is {row!r}: it is a stem, [stream, r], or "
      "[level 0 to 3, [inputs], C, r, spatial stride, 0]"
    )
  level, inputs, channels, dilation, stride = row[:5]
  for source in inputs:
    if isinstance(source, bool) or not isinstance(source, int) or not 0 <= source < number:
      raise ArchitectureError(
        f"row {number} of structure has the input {source!r}; inputs are "
        f"rows above it, 0 to {number - 1}"
      )
  block = Block(
    id=_id(number, count),
    level=level + 1,
    kind=_KIND,
    channels=channels,
    modules=modules[level],
    temporal_dilation=dilation,
    spatial_stride=stride,
    intermediate_channels=64 << level,
  )
  return block, list(inputs)


def _strengths(number: int, above: Sequence[Connection], row: Any) -> dict[Connection, float]:
  if _is_list(row) and not row:
    return {}
  if (
    not _is_list(row)
    or len(row) != 1
    or not _is_list(row[0])
    or len(row[0]) != len(above)
    or not all(_is_strength(weight) for weight in row[0])
  ):
    raise ArchitectureError(
      f"row {number} of weights is {row!r}: it is [], or [[...]] with a "
      f"number between 0 and 1 for each of {len(above)} inputs"
    )
  return dict(zip(above, map(float, row[0]), strict=True))


def _is_strength(weight: Any) -> bool:
  return isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= 1


def _in_order(architecture: Architecture) -> list[Block]:
  """Blocks in the order of their numbers, if all have one from 0 up; else by (level, id)."""
  found = [_NODE.fullmatch(block.id) for block in architecture.blocks]
  numbers = [int(match[1]) for match in found if match]
  if sorted(numbers) != list(range(len(found))):
    return list(architecture.blocks)
  return [
    block
    for _, block in sorted(zip(numbers, architecture.blocks, strict=True), key=lambda pair: pair[0])
  ]


def _depth(architecture: Architecture) -> int:
  modules = {block.level: block.modules for block in architecture.blocks if block.level}
  for depth, each in MODULES.items():
    if modules == dict(enumerate(each, start=1)):
      return depth
  raise ArchitectureError(
    f"modules by level are {modules}; a structure list has levels 1 to 4 with "
    f"{', '.join('-'.join(map(str, each)) for each in MODULES.values())} modules"
  )


def _row(block: Block, inputs: list[int], depth: int, architecture: Architecture) -> list[Any]:
  if block.level == 0:
    for stream, (kind, name) in _STEMS.items():
      expected = dataclasses.replace(
        block,
        kind=kind,
        streams=(name,),
        spatial_stride=_STEM_STRIDE,
        channels=_STEM_CHANNELS // len(architecture.stems),
      )
      if block == expected:
        return [stream, block.temporal_dilation]
    raise ArchitectureError(
      f"block {block.id!r}: a stem of a structure list is stem_2plus1d on rgb or stem_2d on "
      f"flow, with spatial stride 4 and, of {len(architecture.stems)} stems, "
      f"{_STEM_CHANNELS // len(architecture.stems)} channels; this one is {block}"
    )
  middle = 64 << block.level - 1
  expected = dataclasses.replace(
    block, kind=_KIND, intermediate_channels=middle, modules=MODULES[depth][block.level - 1]
  )
  if block != expected:
    raise ArchitectureError(
      f"block {block.id!r}: a block of a structure list on level {block.level} is {_KIND} with "
      f"intermediate_channels {middle} and, at depth {depth}, {expected.modules} modules; this "
      f"one is {block}"
    )
  if block.level == 4 and block.channels != architecture.level(4)[0].channels:
    raise ArchitectureError(
      f"block {block.id!r}: the blocks on level 4 of a structure list have "
      f"the same channels; this one is {block}"
    )
  return [block.level - 1, inputs, block.channels, block.temporal_dilation, block.spatial_stride, 0]


def _weights(
  block: Block, sources: Sequence[str], strengths: Mapping[Connection, float]
) -> list[list[float]]:
  known = {source: strengths.get(Connection(source, block.id)) for source in sources}
  given = [weight for weight in known.values() if weight is not None]
  if not given:
    return []
  if len(given) < len(known):
    raise ArchitectureError(
      f"block {block.id!r}: some of its inputs have a connection weight, some have none: {known}"
    )
  return [given]

"""Operators on blocks: split, merge, new temporal dilation.

split               a block of C becomes two of C/2 with the same inputs, outputs and dilation
merge               two blocks of a level become one with the sum of their C, all their inputs and
                    outputs, and the dilation of one of them
temporal_dilation   a block gets another dilation of the space's set

Stems are never split or merged. A split stops at the least channels of the space; blocks merge only
if all but channels and dilation is equal, and, in a space with `merges_across_kinds`, the kind: the
merged block then has the kind of one of them. (AssembleNet, ICLR 2020, section 3.2; WO2020237168A1,
claim 14.)

An `Operator` is data: `draw` picks one, `apply` carries it out, and what candidate.json records of
it suffices to do so again. The first block concerned keeps its id, a new one gets the smallest free
number of its level.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import itertools
import math
from typing import Any

import numpy as np

from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.space import SearchSpace

NAMES = ("merge", "split", "temporal_dilation")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Operator:
  """One operator on one architecture.

  Attributes:
    name: One of NAMES.
    blocks: Ids of the blocks it takes: two to merge, otherwise one.
    results: Ids of the blocks that are there instead: two after a split, otherwise one.
    temporal_dilation: r of the results.
    kind: Kind of the result of a merge across kinds; None where all blocks have the same.
  """

  name: str
  blocks: tuple[str, ...]
  results: tuple[str, ...]
  temporal_dilation: int
  kind: str | None = None

  def to_json(self) -> dict[str, Any]:
    """Returns `{"operator", "blocks", "results", "temporal_dilation"}`, and `kind` if it is set."""
    return {
      "operator": self.name,
      "blocks": list(self.blocks),
      "results": list(self.results),
      "temporal_dilation": self.temporal_dilation,
      **({} if self.kind is None else {"kind": self.kind}),
    }

  @classmethod
  def from_json(cls, data: Mapping[str, Any]) -> "Operator":
    """Returns the operator that `to_json` wrote."""
    return cls(
      name=data["operator"],
      blocks=tuple(data["blocks"]),
      results=tuple(data["results"]),
      temporal_dilation=data["temporal_dilation"],
      kind=data.get("kind"),
    )


def draw(
  architecture: Architecture,
  space: SearchSpace,
  rng: np.random.Generator,
  names: Sequence[str] = NAMES,
) -> Operator | None:
  """Draws an operator.

  The name is drawn among those of `names` for which a block qualifies, then the block or pair, then
  the dilation where it is open.

  Returns:
    The operator, or None if no block qualifies for any.
  """
  choices = {name: choices for name in names if (choices := _CHOICES[name](architecture, space))}
  if not choices:
    return None
  name = _pick(sorted(choices), rng)
  blocks = _pick(choices[name], rng)
  first = blocks[0]
  results: tuple[str, ...] = (first.id,)
  dilation, kind = first.temporal_dilation, None
  if name == "split":
    taken = [block.id for block in architecture.blocks]
    results = (first.id, free_id(f"level{first.level}", taken))
  elif name == "merge":
    dilation = _pick(blocks, rng).temporal_dilation
    if len({block.kind for block in blocks}) > 1:
      kind = _pick(blocks, rng).kind
  else:
    dilation = _pick([r for r in space.temporal_dilations if r != dilation], rng)
  return Operator(
    name=name,
    blocks=tuple(block.id for block in blocks),
    results=results,
    temporal_dilation=dilation,
    kind=kind,
  )


def apply(operator: Operator, architecture: Architecture) -> Architecture:
  """Returns the architecture after the operator."""
  if operator.name not in NAMES:
    raise ArchitectureError(f"unknown operator {operator.name!r}; there are {', '.join(NAMES)}")
  taken = [architecture.block(block_id) for block_id in operator.blocks]
  model = next(block for block in taken if operator.kind in (None, block.kind))
  channels = sum(block.channels for block in taken) // len(operator.results)
  made = tuple(
    dataclasses.replace(
      model, id=block_id, channels=channels, temporal_dilation=operator.temporal_dilation
    )
    for block_id in operator.results
  )
  kept = tuple(block for block in architecture.blocks if block not in taken)
  becomes = {block.id: operator.results for block in taken}
  connections = {
    Connection(source, target)
    for connection in architecture.connections
    for source in becomes.get(connection.source, (connection.source,))
    for target in becomes.get(connection.target, (connection.target,))
  }
  return Architecture(kept + made, tuple(sorted(connections)))


def free_id(prefix: str, taken: Sequence[str]) -> str:
  """Returns `prefix_n` with the smallest n that is not taken."""
  return next(name for n in itertools.count() if (name := f"{prefix}_{n}") not in taken)


def _splits(architecture: Architecture, space: SearchSpace) -> list[tuple[Block]]:
  return [
    (block,)
    for level in range(1, architecture.last_level + 1)
    if len(architecture.level(level)) < (space.level(level).max_blocks or math.inf)
    for block in architecture.level(level)
    if block.channels % 2 == 0 and space.level(level).allows(block.channels // 2)
  ]


def _merges(architecture: Architecture, space: SearchSpace) -> list[tuple[Block, Block]]:
  return [
    (first, second)
    for first, second in itertools.combinations(architecture.blocks, 2)
    if first.level == second.level > 0
    and (_likeness(first) == _likeness(second) or _fits(first, second, space))
    and space.level(first.level).allows(first.channels + second.channels)
  ]


def _dilations(architecture: Architecture, space: SearchSpace) -> list[tuple[Block]]:
  return [
    (block,)
    for block in architecture.blocks
    if kinds.has_temporal(block)
    and any(r != block.temporal_dilation for r in space.temporal_dilations)
  ]


def _likeness(block: Block) -> tuple[Any, ...]:
  return block.kind, block.modules, block.spatial_stride, block.intermediate_channels


def _fits(first: Block, second: Block, space: SearchSpace) -> bool:
  """Whether two blocks of different kinds merge."""
  return bool(
    space.merges_across_kinds
    and first.kind != second.kind
    and (first.modules, first.spatial_stride) == (second.modules, second.spatial_stride)
    and kinds.has_temporal(first) == kinds.has_temporal(second)
  )


def _pick(items: Sequence[Any], rng: np.random.Generator) -> Any:
  return items[int(rng.integers(len(items)))]


# Operator name -> the blocks, or pairs of blocks, that qualify.
_CHOICES: Mapping[str, Callable[[Architecture, SearchSpace], Sequence[tuple[Block, ...]]]] = {
  "merge": _merges,
  "split": _splits,
  "temporal_dilation": _dilations,
}

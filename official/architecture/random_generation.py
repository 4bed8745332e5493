"""Random architectures: the first candidates of a search.

One set of stems and the space's number of blocks on each level are drawn, then as many splits and
merges as the space wants at the start, in any order. Every block with a convolution over time gets
a temporal dilation from the set. Then each possible connection is there with the space's
probability (0.5: over-connected, so that training can tell which connections matter), and a block
left without input, or without output, gets a random one; as many others go, so that the
architecture is no denser for it. Too shallow, over budget, or known already: all of it is drawn
again. In a space whose depth is rarely met by chance, the connections that the least depth still
lacks are then drawn along a random path.
"""

import collections
from collections.abc import Callable, Collection, Sequence
import dataclasses
import itertools
import math
import re
from typing import Any

import numpy as np

from data_prep.common.cli import UserError
from official.architecture import cost
from official.architecture import feasibility
from official.architecture import kinds
from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.architecture import depth
from official.architecture.architecture import possible_connections
from official.architecture.operators import Operator
from official.architecture.space import SearchSpace


@dataclasses.dataclass(frozen=True, kw_only=True)
class Founder:
  """A random architecture and the record of how it was drawn.

  Attributes:
    architecture: The architecture.
    operators: Splits and merges that made its blocks from those of the space.
    attempts: Draws it took, this one included.
  """

  architecture: Architecture
  operators: tuple[Operator, ...]
  attempts: int

  def to_json(self) -> dict[str, Any]:
    """Returns plain data for candidate.json."""
    return {
      "architecture": serialization.to_json(self.architecture),
      "operators": [operator.to_json() for operator in self.operators],
      "attempts": self.attempts,
    }


def random_architecture(
  space: SearchSpace, rng: np.random.Generator, *, clip: cost.Clip | None = None
) -> Architecture:
  """Draws an architecture; `found` also returns the record of how it was drawn."""
  return found(space, rng, clip=clip).architecture


def found(
  space: SearchSpace,
  rng: np.random.Generator,
  *,
  clip: cost.Clip | None = None,
  is_new: Callable[[Architecture], bool] | None = None,
) -> Founder:
  """Draws an architecture.

  Args:
    space: What to draw from.
    rng: The only source of randomness.
    clip: What the network is built for; needed if the space bounds parameters or FLOPs.
    is_new: Whether an architecture may be taken; all may if None.

  Raises:
    feasibility.NothingFeasible: if the space's bounds leave no architecture, as far as tried.
  """
  architecture, applied, attempts = feasibility.first_feasible(
    lambda shallow: _draw(space, rng, construct=shallow >= feasibility.PATIENCE),
    space,
    clip,
    is_new,
  )
  return Founder(architecture=architecture, operators=applied, attempts=attempts)


def _draw(
  space: SearchSpace, rng: np.random.Generator, *, construct: bool
) -> tuple[Architecture, tuple[Operator, ...]]:
  """Draws blocks and connections; `construct` makes them as deep as the space demands."""
  stems = _draw_stems(space, rng)
  blocks = stems + _draw_blocks(space, max(stem.spatial_stride for stem in stems), rng)
  # Operators work on valid architectures: with all connections, which a split or merge preserves.
  complete = Architecture(blocks, possible_connections(blocks))
  names = ["split"] * int(rng.integers(space.initial_splits[0], space.initial_splits[1] + 1))
  names += ["merge"] * int(rng.integers(space.initial_merges[0], space.initial_merges[1] + 1))
  applied = []
  for index in rng.permutation(len(names)):
    operator = operators.draw(complete, space, rng, names=(names[index],))
    if operator is not None:
      applied.append(operator)
      complete = operators.apply(operator, complete)
  blocks = tuple(_with_dilation(block, space, rng) for block in complete.blocks)
  connections = _draw_connections(blocks, space, rng)
  if construct and depth(blocks, connections) < space.min_depth:
    connections = _deepened(blocks, connections, space.min_depth, rng)
  return Architecture(blocks, connections), tuple(applied)


def _draw_stems(space: SearchSpace, rng: np.random.Generator) -> tuple[Block, ...]:
  if not space.stems:
    raise UserError(
      f"search space {space.name!r} has a stem for each stream of a dataset, and none is given"
    )
  taken: list[str] = []
  stems = []
  for stem in space.stems[int(rng.integers(len(space.stems)))]:
    prefix = re.sub(r"[^A-Za-z0-9]+", "_", "_".join(stem.streams))
    taken.append(operators.free_id(prefix if prefix[:1].isalpha() else "stem_" + prefix, taken))
    stems.append(stem.block(taken[-1]))
  return tuple(stems)


def _draw_blocks(
  space: SearchSpace, stem_stride: int, rng: np.random.Generator
) -> tuple[Block, ...]:
  blocks = []
  for level, strides in enumerate(_draw_strides(space, stem_stride, rng), start=1):
    spec = space.level(level)
    for number, stride in enumerate(strides):
      kind = spec.kinds[int(rng.integers(len(spec.kinds)))]
      channels = spec.channels[int(rng.integers(len(spec.channels)))]
      blocks.append(spec.block(f"level{level}_{number}", level, kind, channels, stride))
  return tuple(blocks)


def _draw_strides(
  space: SearchSpace, stem_stride: int, rng: np.random.Generator
) -> list[list[int]]:
  """Draws the spatial strides of each level's blocks, such that no path can exceed `max_stride`.

  Levels draw in random order, each from the strides that leave the least for the rest.
  """
  widest = [level.spatial_strides[0] for level in space.levels]
  drawn: list[list[int]] = [[] for _ in space.levels]
  for index in rng.permutation(len(space.levels)).tolist():
    level = space.levels[index]
    rest = stem_stride * math.prod(widest) // widest[index]
    choices = [
      stride
      for stride in level.spatial_strides
      if space.max_stride is None or rest * stride <= space.max_stride
    ]
    drawn[index] = [choices[int(rng.integers(len(choices)))] for _ in range(level.blocks)]
    widest[index] = max(drawn[index])
  return drawn


def _with_dilation(block: Block, space: SearchSpace, rng: np.random.Generator) -> Block:
  """Draws r. It is the smallest if it has no effect, so that equal networks look alike."""
  choices = space.temporal_dilations if kinds.has_temporal(block) else space.temporal_dilations[:1]
  return dataclasses.replace(block, temporal_dilation=choices[int(rng.integers(len(choices)))])


def _draw_connections(
  blocks: tuple[Block, ...], space: SearchSpace, rng: np.random.Generator
) -> tuple[Connection, ...]:
  possible = possible_connections(blocks)
  drawn = rng.random(len(possible)) < space.connection_probability
  connections = {connection for connection, there in zip(possible, drawn) if there}
  repairs = _repairs(blocks, possible, connections, rng)
  connections |= set(repairs)
  return tuple(sorted(connections - _in_exchange(blocks, connections, repairs, rng)))


def _repairs(
  blocks: Sequence[Block],
  possible: Sequence[Connection],
  connections: Collection[Connection],
  rng: np.random.Generator,
) -> list[Connection]:
  """Returns a random input for each block without one, then a random output."""
  repairs = []
  last = blocks[-1].level
  fed = {connection.target for connection in connections}
  heard = {connection.source for connection in connections}
  for block in blocks:
    if block.level > 0 and block.id not in fed:
      choices = [c for c in possible if c.target == block.id]
      repairs.append(choices[int(rng.integers(len(choices)))])
      heard.add(repairs[-1].source)
  for block in blocks:
    if block.level < last and block.id not in heard:
      choices = [c for c in possible if c.source == block.id]
      repairs.append(choices[int(rng.integers(len(choices)))])
  return repairs


def _in_exchange(
  blocks: Sequence[Block],
  connections: Collection[Connection],
  repairs: Sequence[Connection],
  rng: np.random.Generator,
) -> set[Connection]:
  """Returns as many connections as there are repairs, at random, that no block needs; fewer where
  there are no more."""
  inputs = collections.Counter(connection.target for connection in connections)
  outputs = collections.Counter(connection.source for connection in connections)
  drawn = sorted(set(connections) - set(repairs))
  gone: set[Connection] = set()
  for index in rng.permutation(len(drawn)) if repairs else ():
    connection = drawn[index]
    if inputs[connection.target] > 1 and outputs[connection.source] > 1:
      gone.add(connection)
      inputs[connection.target] -= 1
      outputs[connection.source] -= 1
      if len(gone) == len(repairs):
        break
  return gone


def _deepened(
  blocks: Sequence[Block],
  connections: Collection[Connection],
  min_depth: int,
  rng: np.random.Generator,
) -> tuple[Connection, ...]:
  """Returns the connections with those of a path of `min_depth` that lacks the fewest.

  Of several such paths one is drawn.
  """
  there = set(connections)
  last = blocks[-1].level
  # The cheapest path of each length that ends in a block, as (cost, path): an absent connection
  # costs one, and a bit more at random.
  cheapest: dict[str, dict[int, tuple[float, tuple[str, ...]]]] = {
    block.id: {0: (0.0, (block.id,))} for block in blocks if block.level == 0
  }
  for block in blocks:
    if block.level == 0:
      continue
    found = cheapest[block.id] = {}
    for source in (other for other in blocks if other.level < block.level):
      step = 0.0 if Connection(source.id, block.id) in there else 1 + 1e-3 * rng.random()
      for length, (price, path) in cheapest[source.id].items():
        offer = price + step, (*path, block.id)
        if length < min_depth and (length + 1 not in found or offer < found[length + 1]):
          found[length + 1] = offer
  _, path = min(
    cheapest[block.id][min_depth]
    for block in blocks
    if block.level == last and min_depth in cheapest[block.id]
  )
  return tuple(sorted(there | {Connection(*ends) for ends in itertools.pairwise(path)}))

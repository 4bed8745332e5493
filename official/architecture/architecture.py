"""Architectures: graphs of space-time blocks on levels.

Level 0 holds the stems, which read streams of the dataset (`rgb`, `flow`, ...). Connections run
from lower to strictly higher levels, over any number of levels; whatever leaves the last level goes
to the head. An `Architecture` that exists is valid: the rules below are checked when it is made,
and `ArchitectureError` names the block and the rule.

* ids are unique; stems and only stems are on level 0;
* connections join known blocks, run upwards, and are there once each;
* every block above level 0 has an input, every block below the last level an output;
* the spatial strides that meet in a block divide each other.

    stem = Block(id="rgb_0", level=0, kind="stem_2d", streams=("rgb",), channels=8,
                 spatial_stride=2)
    block = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, temporal_dilation=2)
    architecture = Architecture((stem, block), (Connection("rgb_0", "level1_0"),))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
import dataclasses
import functools
import re

from official.architecture import kinds

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class ArchitectureError(ValueError):
  """An architecture that breaks a rule; the text names the block, the rule and the values."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
  """A group of space-time convolution layers.

  Attributes:
    id: Name of the block, unique within its architecture: letters, digits and underscores.
    level: 0 for a stem; a block receives only from lower levels.
    kind: What it consists of, see kinds.py.
    channels: Channels C of the block; its output has `expansion * C` (kinds.py).
    streams: Streams of the dataset that a stem reads, concatenated on channels in this order.
    modules: Residual modules of the block.
    temporal_dilation: Frames between taps of the temporal convolutions, r.
    spatial_stride: Pixels of its input to one pixel of its output, along each side.
    intermediate_channels: Channels D of the 3x3 convolutions of bottleneck kinds.
  """

  id: str
  level: int
  kind: str
  channels: int
  streams: tuple[str, ...] = ()
  modules: int = 1
  temporal_dilation: int = 1
  spatial_stride: int = 1
  intermediate_channels: int | None = None

  def __post_init__(self) -> None:
    if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
      raise ArchitectureError(
        f"block id {self.id!r}: an id is a letter followed by letters, digits and underscores"
      )
    if isinstance(self.streams, str):
      raise self._error(f"streams is {self.streams!r}; it is a sequence of names")
    object.__setattr__(self, "streams", tuple(self.streams))
    self._check_integer("level", least=0)
    for field in ("channels", "modules", "temporal_dilation", "spatial_stride"):
      self._check_integer(field, least=1)
    self._check_kind()

  def _error(self, text: str) -> ArchitectureError:
    return ArchitectureError(f"block {self.id!r}: {text}")

  def _check_integer(self, field: str, least: int) -> None:
    value = getattr(self, field)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
      raise self._error(f"{field} is {value!r}; it is an integer of at least {least}")

  def _check_kind(self) -> None:
    try:
      kind = kinds.get(self.kind)
    except ValueError as error:
      raise self._error(str(error)) from None
    if kind.is_stem != (self.level == 0):
      raise self._error(
        f"kind {self.kind!r} on level {self.level}; stems and only stems are on level 0"
      )
    if kind.needs_intermediate_channels:
      self._check_integer("intermediate_channels", least=1)
    elif self.intermediate_channels is not None:
      raise self._error(
        f"intermediate_channels is {self.intermediate_channels!r}; {self.kind} has none"
      )
    if kind.spatial_strides and self.spatial_stride not in kind.spatial_strides:
      raise self._error(
        f"spatial_stride is {self.spatial_stride}; {self.kind} can have {kind.spatial_strides}"
      )
    if kind.is_stem and (
      not self.streams
      or len(set(self.streams)) < len(self.streams)
      or not all(isinstance(name, str) and name for name in self.streams)
    ):
      raise self._error(
        f"streams is {self.streams!r}; a stem reads one or more different streams, by name"
      )
    if kind.is_stem and self.modules != 1:
      raise self._error(f"modules is {self.modules}; a stem has 1")
    if not kind.is_stem and self.streams:
      raise self._error(f"streams is {self.streams!r}; only stems read streams")


@dataclasses.dataclass(frozen=True, order=True)
class Connection:
  """An edge: the output of block `source` is one of the inputs of block `target`."""

  source: str
  target: str

  def __str__(self) -> str:
    return f"{self.source}->{self.target}"


@dataclasses.dataclass(frozen=True)
class Architecture:
  """Blocks and connections, valid.

  Attributes:
    blocks: By (level, id), whatever the order they were given in.
    connections: Sorted.
  """

  blocks: tuple[Block, ...]
  connections: tuple[Connection, ...]

  def __post_init__(self) -> None:
    object.__setattr__(self, "blocks", tuple(sorted(self.blocks, key=lambda b: (b.level, b.id))))
    object.__setattr__(
      self, "connections", tuple(sorted(self.connections, key=lambda c: (c.source, c.target)))
    )
    self._check_blocks()
    self._check_connections()
    self._check_strides()

  def block(self, block_id: str) -> Block:
    """The block of that id."""
    if block_id not in self._by_id:
      raise ArchitectureError(
        f"there is no block {block_id!r}; the blocks are {', '.join(self._by_id)}"
      )
    return self._by_id[block_id]

  def inputs(self, block_id: str) -> tuple[str, ...]:
    """Ids of the blocks that a block receives from, by (level, id)."""
    return self._inputs[self.block(block_id).id]

  def outputs(self, block_id: str) -> tuple[str, ...]:
    """Ids of the blocks that receive from a block, by (level, id)."""
    return self._outputs[self.block(block_id).id]

  def level(self, level: int) -> tuple[Block, ...]:
    """The blocks of a level."""
    return tuple(block for block in self.blocks if block.level == level)

  @property
  def stems(self) -> tuple[Block, ...]:
    """The blocks that read streams."""
    return self.level(0)

  @property
  def last_level(self) -> int:
    """The highest level; its blocks feed the head."""
    return self.blocks[-1].level

  @property
  def streams(self) -> tuple[str, ...]:
    """The streams that the stems read, sorted."""
    return tuple(sorted({name for stem in self.stems for name in stem.streams}))

  @functools.cached_property
  def depth(self) -> int:
    """Connections on the longest path from a stem to the last level."""
    return depth(self.blocks, self.connections)

  def stride(self, block_id: str) -> int:
    """Cumulative spatial stride: pixels of the clip to one of the block's output, along a side."""
    return self._strides[self.block(block_id).id]

  def input_stride(self, block_id: str) -> int:
    """Cumulative stride at which a block combines its inputs: their largest (1 for a stem)."""
    return max((self._strides[source] for source in self.inputs(block_id)), default=1)

  def possible_connections(self) -> tuple[Connection, ...]:
    """All connections from lower to higher levels, present or not, sorted."""
    return possible_connections(self.blocks)

  @functools.cached_property
  def _by_id(self) -> dict[str, Block]:
    return {block.id: block for block in self.blocks}

  @functools.cached_property
  def _inputs(self) -> dict[str, tuple[str, ...]]:
    return self._neighbours(lambda connection: (connection.target, connection.source))

  @functools.cached_property
  def _outputs(self) -> dict[str, tuple[str, ...]]:
    return self._neighbours(lambda connection: (connection.source, connection.target))

  def _neighbours(
    self, ends: Callable[[Connection], tuple[str, str]]
  ) -> dict[str, tuple[str, ...]]:
    neighbours: dict[str, list[str]] = {block.id: [] for block in self.blocks}
    for connection in self.connections:
      here, there = ends(connection)
      neighbours[here].append(there)
    order = {block.id: index for index, block in enumerate(self.blocks)}
    return {
      block_id: tuple(sorted(found, key=order.__getitem__))
      for block_id, found in neighbours.items()
    }

  @functools.cached_property
  def _strides(self) -> dict[str, int]:
    strides: dict[str, int] = {}
    for block in self.blocks:
      largest = max((strides[source] for source in self._inputs[block.id]), default=1)
      strides[block.id] = largest * block.spatial_stride
    return strides

  def _check_blocks(self) -> None:
    for first, second in zip(ids := sorted(block.id for block in self.blocks), ids[1:]):
      if first == second:
        raise ArchitectureError(f"there are two blocks {first!r}; ids are unique")
    if not self.blocks or not self.stems:
      raise ArchitectureError("there is no block on level 0; an architecture needs a stem")
    if self.last_level == 0:
      raise ArchitectureError(
        "there is no block above level 0; an architecture needs one besides its stems"
      )

  def _check_connections(self) -> None:
    previous = None
    for connection in self.connections:
      for end in (connection.source, connection.target):
        if end not in self._by_id:
          raise ArchitectureError(f"connection {connection}: there is no block {end!r}")
      source, target = self._by_id[connection.source], self._by_id[connection.target]
      if source.level >= target.level:
        raise ArchitectureError(
          f"block {target.id!r} on level {target.level} receives from {source.id!r} on level "
          f"{source.level}; connections run from lower to higher levels only"
        )
      if connection == previous:
        raise ArchitectureError(
          f"block {target.id!r} receives from {source.id!r} twice; once is the most"
        )
      previous = connection
    for block in self.blocks:
      if block.level > 0 and not self._inputs[block.id]:
        raise ArchitectureError(
          f"block {block.id!r} on level {block.level} has no input; "
          "every block above level 0 needs one"
        )
      if block.level < self.last_level and not self._outputs[block.id]:
        raise ArchitectureError(
          f"block {block.id!r} on level {block.level} has no output; "
          f"every block below the last level, {self.last_level}, needs one"
        )

  def _check_strides(self) -> None:
    for block in self.blocks:
      largest = self.input_stride(block.id)
      for source in self._inputs[block.id]:
        if largest % self._strides[source]:
          raise ArchitectureError(
            f"block {block.id!r} receives spatial strides {self._strides[source]} (from "
            f"{source!r}) and {largest}; the strides that meet in a block divide each other"
          )


def depth(blocks: Sequence[Block], connections: Iterable[Connection]) -> int:
  """Connections on the longest path from level 0 to the last level; 0 if there is none.

  Args:
    blocks: By level.
    connections: From lower to higher levels; blocks may lack inputs or outputs.
  """
  sources: dict[str, list[str]] = {block.id: [] for block in blocks}
  for connection in connections:
    sources[connection.target].append(connection.source)
  longest: dict[str, int] = {}  # Only blocks that a path from level 0 reaches.
  for block in blocks:
    reached = [longest[source] + 1 for source in sources[block.id] if source in longest]
    if block.level == 0 or reached:
      longest[block.id] = max(reached, default=0)
  last = blocks[-1].level
  return max((longest.get(block.id, 0) for block in blocks if block.level == last), default=0)


def possible_connections(blocks: Iterable[Block]) -> tuple[Connection, ...]:
  """All connections from lower to higher levels that could join the blocks, sorted."""
  blocks = sorted(blocks, key=lambda block: block.id)
  return tuple(
    Connection(source.id, target.id)
    for source in blocks
    for target in blocks
    if source.level < target.level
  )

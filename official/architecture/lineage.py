"""What a child's network can take over from its parent's: which channels of which blocks.

Operators (operators.py) keep blocks, halve them and join them, so that every block of a child is
made of parts of its parent's blocks:

    split    x of 16 channels -> x, y       x: (x, 0 to 8)    y: (x, 8 to 16)
    merge    x of 8, y of 8 -> x            x: (x, 0 to 8), (y, 0 to 8)

A merge across kinds is made of nothing: layers of two kinds do not fit into one block.

`parts` says so for every block. `groups` says what the *inputs* of a block were to the parent. A
block sums its inputs by their number of channels; each sum but the largest is then projected to the
largest (layers/combine.py). So a parent's block applies one linear map to each of its inputs: the
identity, or the projection of that many channels; and the maps of a child's inputs consist of rows
of those. Two inputs of equal channels must have one map. Where they had two, as the halves of a
block that was split do, no child can compute what the parent did; the mean of the two is closest to
it in the mean square, for inputs of equal variance.

The head (layers/head.py) averages blocks of equal channels and has one map, the rows of its kernel,
for each such mean. It is told here by the name None.
"""

from collections.abc import Iterable, Mapping, Sequence
import dataclasses

from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.operators import Operator


@dataclasses.dataclass(frozen=True)
class Part:
  """Channels `start` to `stop` of the C channels of a parent's block."""

  block: str
  start: int
  stop: int

  @property
  def channels(self) -> int:
    """Number of channels of the part."""
    return self.stop - self.start


Parts = tuple[Part, ...]


@dataclasses.dataclass(frozen=True)
class Rows:
  """Rows `start` to `stop` of the map that a parent's block has for inputs of `channels` channels.

  Without `channels`, of inputs that the parent's block does not have: zeros.
  """

  channels: int | None
  start: int
  stop: int


@dataclasses.dataclass(frozen=True)
class Group:
  """The inputs of a block that have equally many channels.

  Attributes:
    channels: Channels of each.
    count: Number of inputs.
    maps: The different maps that they had in the parent, each a list of rows, of which the child's
      is the mean; empty if the parent had none of them.
  """

  channels: int
  count: int
  maps: tuple[tuple[Rows, ...], ...]


def parts(parent: Architecture, operators: Iterable[Operator]) -> dict[str, Parts]:
  """Returns, by block of the child, the parts of the parent's blocks that it is made of, in order.

  Args:
    parent: The parent.
    operators: Those that made the child, in order.
  """
  made: dict[str, Parts] = {
    block.id: (Part(block.id, 0, block.channels),) for block in parent.blocks
  }
  for operator in operators:
    known = operator.kind is None and all(made[block] for block in operator.blocks)
    joined = _joined([part for block in operator.blocks for part in made[block] if known])
    for block in operator.blocks:
      del made[block]
    each = sum(part.channels for part in joined) // len(operator.results)
    for index, block in enumerate(operator.results):
      made[block] = _between(joined, index * each, (index + 1) * each)
  return made


def groups(
  parent: Architecture,
  child: Architecture,
  made: Mapping[str, Parts],
  heir: str | None,
  ancestor: str | None,
) -> tuple[Group, ...]:
  """Returns the inputs of a child's block as the parent's block saw them, fewest channels first.

  Args:
    parent: The parent.
    child: The child.
    made: What `parts` says.
    heir: Id of a block of the child above level 0, None for the head.
    ancestor: Id of a block of the parent that it has a part of, None for the head.
  """
  before = frozenset(sources(parent, ancestor))
  by_channels: dict[int, list[tuple[Rows, ...]]] = {}
  for source in sources(child, heir):
    by_channels.setdefault(width(child, source), []).append(_rows(parent, made[source], before))
  return tuple(
    Group(channels, len(found), _different(found, channels))
    for channels, found in sorted(by_channels.items())
  )


def sources(architecture: Architecture, block: str | None) -> tuple[str, ...]:
  """Returns the ids of the blocks that a block, or the head, None, receives from."""
  if block is not None:
    return architecture.inputs(block)
  return tuple(last.id for last in architecture.level(architecture.last_level))


def width(architecture: Architecture, block: str) -> int:
  """Returns the channels of a block's output."""
  return expansion(architecture, block) * architecture.block(block).channels


def expansion(architecture: Architecture, block: str) -> int:
  """Returns the channels of a block's output to one of the block's C."""
  return kinds.get(architecture.block(block).kind).expansion


def widths(architecture: Architecture, block: str | None) -> dict[int, int]:
  """Returns the number of inputs of a block, or of the head, None, by their channels, sorted."""
  counts: dict[int, int] = {}
  for source in sources(architecture, block):
    channels = width(architecture, source)
    counts[channels] = counts.get(channels, 0) + 1
  return dict(sorted(counts.items()))


def _rows(parent: Architecture, made: Parts, before: frozenset[str]) -> tuple[Rows, ...]:
  """Returns the map of an input made of some parts; `before`: the inputs that the parent had."""
  rows = []
  for part in made:
    factor = expansion(parent, part.block)
    if part.block in before:
      channels = width(parent, part.block)
      rows.append(Rows(channels, factor * part.start, factor * part.stop))
    else:
      rows.append(Rows(None, 0, factor * part.channels))
  return tuple(rows)


def _different(found: Sequence[tuple[Rows, ...]], channels: int) -> tuple[tuple[Rows, ...], ...]:
  """Returns the different maps of some inputs, without those of which nothing is known.

  Where one of the inputs, whole, was among the parent's of as many channels, its map alone: what
  stayed as it was must not suffer from what came to it.
  """
  own = (Rows(channels, 0, channels),)
  known = [rows for rows in found if any(row.channels is not None for row in rows)]
  return (own,) if own in known else tuple(dict.fromkeys(known))


def _joined(found: Sequence[Part]) -> Parts:
  """Returns parts with neighbouring channels of one block made one."""
  joined: list[Part] = []
  for part in found:
    if joined and joined[-1].block == part.block and joined[-1].stop == part.start:
      joined[-1] = Part(part.block, joined[-1].start, part.stop)
    else:
      joined.append(part)
  return tuple(joined)


def _between(found: Parts, start: int, stop: int) -> Parts:
  """Returns what lies between two channels of the channels of all parts."""
  cut, position = [], 0
  for part in found:
    low, high = max(start - position, 0), min(stop - position, part.channels)
    if low < high:
      cut.append(Part(part.block, part.start + low, part.start + high))
    position += part.channels
  return tuple(cut)

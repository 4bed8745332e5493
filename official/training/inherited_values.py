"""The values with which a child's network begins, from those of its parent's: plain arrays.

Variables have the names of network.py (`block_<id>/...`, `combine_<id>/...`, `head/...`);
lineage.py says which parts of the parent's blocks a block is made of, and what its inputs were.

    inside a block   Channels of a part are those of the parent. Between two blocks that were merged
                     all weights begin at zero, so that together they do what each did. Where layers
                     in the middle do not grow with the block (D of bottlenecks), each of several
                     parts gives an equal share of its own.
    its first layer  The kernel reads the sum of the inputs. While the largest input keeps its
                     channels, so does the kernel. Otherwise its rows are those that the parent's
                     map had for the inputs which are the largest now, or, where these are new to
                     the block, the parent's rows, then random ones.
    projections      Map inputs of fewer channels as the parent did, or begin at random.
    head             As a first layer, by groups; the bias stays.

Connection weights are left out: they start near one half in every network.
"""

from collections.abc import Collection, Mapping
import dataclasses
import functools

import numpy as np

from official.architecture import lineage
from official.architecture.architecture import Architecture
from official.architecture.lineage import Group
from official.architecture.lineage import Part

Values = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Inherited:
  """The first value of a variable.

  Attributes:
    value: An array of the variable's shape.
    known: Whether each entry follows from the parent; the others are random, as in any network.
  """

  value: np.ndarray
  known: np.ndarray


@dataclasses.dataclass(frozen=True)
class _Entry:
  """The input of a child's block, in terms of the one of its parent's.

  Attributes:
    matrix: [channels of the child's input, channels of the parent's].
    known: Rows of it that follow from the parent.
    offset: Where the channels of the parent's input lie in the child's, one by one; or None.
  """

  matrix: np.ndarray
  known: np.ndarray
  offset: int | None


class Heritage:
  """Works out the first values of a child's variables."""

  def __init__(
    self,
    parent: Architecture,
    child: Architecture,
    made: Mapping[str, lineage.Parts],
    before: Values,
  ):
    """Makes it.

    Args:
      parent: The parent.
      child: The child.
      made: The parts that the child's blocks are made of (lineage.parts).
      before: The parent's variables, after its training, by name.
    """
    self._parent = parent
    self._child = child
    self._made = made
    self._before = before
    self._entry = functools.cache(self._find_entry)

  def of_block(
    self, block: str, name: str, fresh: np.ndarray, *, reads_input: bool
  ) -> Inherited | None:
    """Returns the first value of a variable of a convolution or a normalization.

    Args:
      block: Id of the child's block.
      name: Name of the variable within the block: [..., channels in, channels out] or [channels].
      fresh: Its random value.
      reads_input: Whether its channels in are those of the block's input.

    Returns:
      None where it has to begin at random.
    """
    found = [self._before.get(f"block_{part.block}/{name}") for part in self._made[block]]
    if not found or any(value is None or value.shape[:-2] != fresh.shape[:-2] for value in found):
      return None
    earlier = [value for value in found if value is not None]
    out = self._spread(block, fresh.shape[-1], [value.shape[-1] for value in earlier])
    if out is None:
      return None
    if fresh.ndim > 1 and reads_input and not self._child.block(block).streams:
      return self._first_kernel(block, earlier, fresh, out)
    value = np.zeros_like(fresh)
    if fresh.ndim == 1:
      for (there, here), whole in zip(out, earlier, strict=True):
        value[here] = whole[there]
      return Inherited(value, np.ones(fresh.shape, bool))
    into = self._spread(block, fresh.shape[-2], [each.shape[-2] for each in earlier])
    if into is None:
      return None
    for (there, here), (rows_there, rows_here), whole in zip(out, into, earlier, strict=True):
      value[..., rows_here, here] = whole[..., rows_there, there]
    return Inherited(value, np.ones(fresh.shape, bool))

  def of_unknown(self, block: str, name: str, fresh: np.ndarray) -> Inherited | None:
    """Returns the first value of a variable of which only the shape is known; see `of_block`."""
    made = self._made[block]
    if not made:
      return None
    earlier = self._before.get(f"block_{made[0].block}/{name}")
    whole = made == (Part(made[0].block, 0, self._parent.block(made[0].block).channels),)
    if not whole or earlier is None or earlier.shape != fresh.shape:
      return None
    return Inherited(earlier, np.ones(fresh.shape, bool))

  def of_projection(self, block: str, channels: int, fresh: np.ndarray) -> Inherited | None:
    """Returns the first kernel of the projection of inputs of so many channels; see `of_block`.

    Args:
      block: Id of the child's block.
      channels: Channels of the inputs.
      fresh: The kernel's random value, [1, 1, channels, channels of the largest input].
    """
    for part in self._made[block]:
      entry = self._entry(block, part.block)
      groups = lineage.groups(self._parent, self._child, self._made, block, part.block)
      group = next(each for each in groups if each.channels == channels)
      if entry is not None and entry.offset is not None and group.maps:
        matrix = _mean(group, self._maps(part.block))
        value = np.zeros_like(fresh)
        value[0, 0, :, entry.offset : entry.offset + matrix.shape[1]] = matrix
        return Inherited(value, np.ones(fresh.shape, bool))
    return None

  def of_head(self, kernel: np.ndarray) -> Inherited | None:
    """Returns the first kernel of the head; see `of_block`.

    Args:
      kernel: Its random value, [channels, classes].
    """
    earlier = self._before.get("head/dense/kernel")
    if earlier is None or earlier.shape[1] != kernel.shape[1]:
      return None
    counts, maps, start = lineage.widths(self._parent, None), {}, 0
    for channels, count in counts.items():
      maps[channels] = earlier[start : start + channels] / np.float32(count)
      start += channels
    groups = lineage.groups(self._parent, self._child, self._made, None, None)
    rows: list[np.ndarray] = []
    known = np.ones(kernel.shape, bool)
    for group in groups:
      first = sum(map(len, rows))
      if not group.maps:
        rows.append(kernel[first : first + group.channels])
        known[first : first + group.channels] = False
        continue
      # Of as many blocks as before, the very numbers: x / 3 * 3 need not be x.
      own = group.maps == ((lineage.Rows(group.channels, 0, group.channels),),)
      if own and counts[group.channels] == group.count:
        start = sum(channels for channels in counts if channels < group.channels)
        rows.append(earlier[start : start + group.channels])
      else:
        rows.append(_mean(group, maps) * np.float32(group.count))
    return Inherited(np.concatenate(rows), known)

  def of_head_bias(self, bias: np.ndarray) -> Inherited | None:
    """Returns the first bias of the head, whose random value is [classes]; see `of_block`."""
    earlier = self._before.get("head/dense/bias")
    if earlier is None or earlier.shape != bias.shape:
      return None
    return Inherited(earlier, np.ones(bias.shape, bool))

  def _first_kernel(
    self, block: str, earlier: list[np.ndarray], fresh: np.ndarray, out: "_Ranges"
  ) -> Inherited | None:
    value, known = fresh.copy(), np.zeros(fresh.shape, bool)
    for part, whole, (there, here) in zip(self._made[block], earlier, out, strict=True):
      entry = self._entry(block, part.block)
      if entry is not None:
        columns = np.einsum("ij,...jk->...ik", entry.matrix, whole[..., there])
        value[..., entry.known, here] = columns[..., entry.known, :]
        known[..., entry.known, here] = True
    return Inherited(value, known) if known.any() else None

  def _spread(self, block: str, size: int, sizes: list[int]) -> "_Ranges | None":
    """Returns which channels of each part's layer become which of the child's layer.

    Args:
      block: Id of the child's block.
      size: Channels of the child's layer.
      sizes: Channels of the same layer in the block of each part.

    Returns:
      (There, here) for each part; None where the layers do not fit.
    """
    made, channels = self._made[block], self._child.block(block).channels
    whole = [self._parent.block(part.block).channels for part in made]
    if size % channels == 0 and all(
      size * each == there * channels for there, each in zip(sizes, whole, strict=True)
    ):
      factor, ranges, start = size // channels, [], 0
      for part in made:
        stop = start + factor * part.channels
        ranges.append((slice(factor * part.start, factor * part.stop), slice(start, stop)))
        start = stop
      return ranges
    if any(there != size for there in sizes):
      return None
    ends = [size * index // len(made) for index in range(len(made) + 1)]
    shares = [slice(start, stop) for start, stop in zip(ends, ends[1:])]
    return [(share, share) for share in shares]

  def _find_entry(self, heir: str, ancestor: str) -> _Entry | None:
    """Returns what the input of a child's block is to the parent's; None where nothing is known."""
    groups = lineage.groups(self._parent, self._child, self._made, heir, ancestor)
    here, there = groups[-1].channels, max(lineage.widths(self._parent, ancestor))
    if not groups[-1].maps:
      if here < there:
        return None
      return _Entry(np.eye(here, there, dtype=np.float32), np.arange(here) < there, 0)
    matrix = _mean(groups[-1], self._maps(ancestor))
    return _Entry(matrix, np.ones(here, bool), _offset(groups[-1], there))

  def _maps(self, ancestor: str) -> dict[int, np.ndarray]:
    """Returns the maps of a parent's block for its inputs, by their channels."""
    *smaller, largest = lineage.widths(self._parent, ancestor)
    maps = {largest: np.eye(largest, dtype=np.float32)}
    for channels in smaller:
      maps[channels] = self._before[f"combine_{ancestor}/projection_of_{channels}/kernel"][0, 0]
    return maps


_Ranges = list[tuple[slice, slice]]


def share(values: Collection[Inherited], size: int) -> float:
  """Returns the share of `size` entries that follow from the parent."""
  return sum(int(each.known.sum()) for each in values) / size


def _mean(group: Group, maps: Mapping[int, np.ndarray]) -> np.ndarray:
  """Returns the map of a group of inputs, [channels, columns], float32.

  Args:
    group: With at least one map.
    maps: Maps of the parent's block, by the channels of the inputs.
  """
  columns = next(iter(maps.values())).shape[1]
  stacked = [
    np.concatenate(
      [
        np.zeros((row.stop - row.start, columns), np.float32)
        if row.channels is None
        else maps[row.channels][row.start : row.stop]
        for row in rows
      ]
    )
    for rows in group.maps
  ]
  return stacked[0] if len(stacked) == 1 else np.mean(stacked, axis=0, dtype=np.float32)


def _offset(group: Group, channels: int) -> int | None:
  """Returns the first of `channels` channels of a group that are those of the parent's largest
  input; None where they are not there as they were."""
  if len(group.maps) > 1:
    return None
  start = 0
  for row in group.maps[0]:
    if row == lineage.Rows(channels, 0, channels):
      return start
    start += row.stop - row.start
  return None

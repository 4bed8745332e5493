"""The values with which the dense head of a child's network begins, from its parent's.

The head (layers/dense_head.py) adds up the blocks of equal stride and channels, and has one map, a
1x1 convolution, for each such sum. A child's map consists of the rows that its blocks' parts had in
the parent, wherever they were read there. If a block of the sum is the parent's, whole and of the
same stride, its map alone is taken: what stayed as it was must not suffer from what came to it.
Otherwise it is the mean of the different maps of the blocks of which something is known.

The last convolution and the biases stay, if their shapes do. Strengths of blocks begin near one
half, as connection weights do.
"""

from collections.abc import Mapping

import numpy as np

from official.architecture import lineage
from official.architecture.architecture import Architecture
from official.training.inherited_values import Inherited

_Rows = tuple[str, int, int]  # A variable of the parent, and the rows of it from here to there.


class DenseHeritage:
  """Works out the first values of the dense head of a child."""

  def __init__(
    self,
    parent: Architecture,
    child: Architecture,
    made: Mapping[str, lineage.Parts],
    before: Mapping[str, np.ndarray],
  ):
    """Makes it; see `inherited_values.Heritage`."""
    self._parent, self._child, self._made, self._before = parent, child, made, before

  def of_projection(self, stride: int, channels: int, fresh: np.ndarray) -> Inherited | None:
    """Returns the first kernel for the sum of the blocks of a stride and of so many channels.

    Args:
      stride: That of the blocks.
      channels: Channels of each.
      fresh: The kernel's random value, [1, 1, channels, D].

    Returns:
      None where it has to begin at random.
    """
    known = []
    for block in self._child.blocks:
      here = (self._child.stride(block.id), lineage.width(self._child, block.id))
      if here == (stride, channels):
        rows = self._rows(block.id)
        if rows == ((_name(*here), 0, channels),):
          known = [rows]
          break
        known += [rows] if rows else []
    if not known:
      return None
    maps = [
      np.concatenate([self._before[name][0, 0, start:stop] for name, start, stop in rows])
      for rows in dict.fromkeys(known)
    ]
    value = maps[0] if len(maps) == 1 else np.mean(maps, axis=0, dtype=np.float32)
    if value.shape != fresh.shape[2:]:
      return None
    return Inherited(value[np.newaxis, np.newaxis], np.ones(fresh.shape, bool))

  def of_rest(self, name: str, fresh: np.ndarray) -> Inherited | None:
    """Returns the first value of `bias`, `kernel` or `last_bias`; None where shapes differ."""
    earlier = self._before.get(f"head/{name}")
    if earlier is None or earlier.shape != fresh.shape:
      return None
    return Inherited(earlier, np.ones(fresh.shape, bool))

  def _rows(self, block: str) -> tuple[_Rows, ...]:
    """Returns what a block's map consists of; nothing where the parent does not have all of it."""
    rows = []
    for part in self._made[block]:
      factor = lineage.expansion(self._parent, part.block)
      name = _name(self._parent.stride(part.block), lineage.width(self._parent, part.block))
      if name not in self._before:
        return ()
      rows.append((name, factor * part.start, factor * part.stop))
    return tuple(rows)


def _name(stride: int, channels: int) -> str:
  return f"head/projection_{stride}_{channels}/kernel"

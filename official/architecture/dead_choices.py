"""Choices of a search space that make no difference: different architectures, equal networks.

A search would spend its trainings on telling equals apart. Nothing is wrong with such a space, so
that it is reported once, before a search starts, and not refused.
"""

from collections.abc import Iterable, Iterator
import math

from official.architecture import cost
from official.architecture import kinds
from official.architecture.architecture import Block
from official.architecture.space import SearchSpace


def dead_choices(space: SearchSpace, clip: cost.Clip) -> tuple[str, ...]:
  """Returns one line of text for each such choice.

  Args:
    space: The space.
    clip: What networks are built for.
  """
  return (*_dilations(space, clip), *_strides(space, clip), *_changes(space))


def _dilations(space: SearchSpace, clip: cost.Clip) -> Iterator[str]:
  dead = [r for r in space.temporal_dilations if r >= clip.num_frames]
  if dead:
    yield (
      f"temporal_dilations {_listed(dead)} reach beyond clips of {clip.num_frames} frames "
      "(--num_frames): such convolutions see one frame at a time, and equal networks come of "
      "each; give smaller ones or more frames"
    )
  if len(space.temporal_dilations) > 1 and not any(map(kinds.has_temporal, _samples(space))):
    yield (
      "temporal_dilations make no difference: no kind of block here has a convolution over time"
    )


def _strides(space: SearchSpace, clip: cost.Clip) -> Iterator[str]:
  side = max(clip.height, clip.width)
  before = min((max(stem.spatial_stride for stem in stems) for stems in space.stems), default=1)
  for number, level in enumerate(space.levels, start=1):
    if before >= side and len(level.spatial_strides) > 1:
      yield (
        f"levels[{number - 1}].spatial_strides {_listed(level.spatial_strides)} make no "
        f"difference: frames of {clip.height}x{clip.width} are one pixel there already"
      )
    before *= level.spatial_strides[0]


def _changes(space: SearchSpace) -> Iterator[str]:
  """Yields the requested operators that no block of the space allows."""
  blocks = [block for block in _samples(space) if block.level]
  splits = any(block.channels % 2 == 0 and _may_split(space, block) for block in blocks)
  if space.initial_splits[1] and not splits:
    yield (
      "initial_splits make no difference: min_channels, allowed_channels or max_blocks forbid "
      "every split"
    )
  if space.initial_merges[1] and not splits and not _merges(space):
    yield (
      "initial_merges make no difference: there are no two blocks on a level, or "
      "allowed_channels forbid every merge"
    )


def _may_split(space: SearchSpace, block: Block) -> bool:
  level = space.level(block.level)
  has_room = (level.max_blocks or math.inf) > level.blocks or (
    level.blocks > 1 and space.initial_merges[1] > 0
  )
  return has_room and level.allows(block.channels // 2)


def _merges(space: SearchSpace) -> bool:
  return any(
    level.blocks > 1
    and any(level.allows(one + other) for one in level.channels for other in level.channels)
    for level in space.levels
  )


def _samples(space: SearchSpace) -> Iterator[Block]:
  """Yields one block of every sort that initial architectures have."""
  for stems in space.stems:
    for stem in stems:
      yield stem.block("stem")
  for number, level in enumerate(space.levels, start=1):
    for kind in level.kinds:
      for channels in level.channels:
        yield level.block("block", number, kind, channels, level.spatial_strides[0])


def _listed(values: Iterable[object]) -> str:
  return ", ".join(map(str, values))

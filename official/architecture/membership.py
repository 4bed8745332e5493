"""The rules of a search space, checked for an architecture one by one.

What a search draws itself keeps them by construction. An architecture from elsewhere (a founder,
see official/search/refinement.py) may break any: operators would find no level for its blocks, or
split them into channels that the space forbids.
"""

import collections
from collections.abc import Iterable

from official.architecture import cost
from official.architecture import feasibility
from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.space import LevelSpec
from official.architecture.space import SearchSpace
from official.architecture.space import StemSpec


def objection(space: SearchSpace, architecture: Architecture, clip: cost.Clip) -> str | None:
  """Returns the rule of the space that an architecture breaks, with the values; None if none.

  Args:
    space: The space.
    architecture: A valid architecture.
    clip: What the network is built for.
  """
  if architecture.last_level != len(space.levels):
    return f"has {architecture.last_level} levels; the space has {len(space.levels)}"
  found = _stems(space, architecture)
  for block in architecture.blocks:
    found = found or _block(space, block)
  for level in range(1, architecture.last_level + 1):
    found = found or _level(space.level(level), level, architecture.level(level))
  if found:
    return found
  bound = feasibility.objection(space, architecture, clip)
  return bound and f"has {bound[1]}"


def _stems(space: SearchSpace, architecture: Architecture) -> str | None:
  def sorts(stems: Iterable[StemSpec | Block]) -> collections.Counter[tuple[object, ...]]:
    return collections.Counter(
      (stem.kind, tuple(stem.streams), stem.channels, stem.spatial_stride) for stem in stems
    )

  if any(sorts(architecture.stems) == sorts(stems) for stems in space.stems):
    return None
  text = ", ".join(
    f"{stem.kind} on {'+'.join(stem.streams)} with {stem.channels} channels and "
    f"stride {stem.spatial_stride}"
    for stem in architecture.stems
  )
  return f"has the stems {text}; the space has no such set"


def _block(space: SearchSpace, block: Block) -> str | None:
  where = f"has block {block.id!r} with"
  if kinds.has_temporal(block) and block.temporal_dilation not in space.temporal_dilations:
    return (
      f"{where} temporal dilation {block.temporal_dilation}; the space has "
      f"{_listed(space.temporal_dilations)}"
    )
  if block.level == 0:
    return None
  level, here = space.level(block.level), f"level {block.level} of the space has"
  if block.kind not in level.kinds:
    return f"{where} kind {block.kind}; {here} {_listed(level.kinds)}"
  if not level.allows(block.channels):
    allowed = f" of {_listed(level.allowed_channels)}" if level.allowed_channels else ""
    return f"{where} {block.channels} channels; {here} at least {level.min_channels}{allowed}"
  if block.modules != level.modules:
    return f"{where} {block.modules} modules; {here} {level.modules}"
  if block.spatial_stride not in level.spatial_strides:
    return f"{where} spatial stride {block.spatial_stride}; {here} {_listed(level.spatial_strides)}"
  if block.intermediate_channels not in (None, level.intermediate_channels):
    return (
      f"{where} {block.intermediate_channels} intermediate channels; {here} "
      f"{level.intermediate_channels}"
    )
  return None


def _level(spec: LevelSpec, number: int, blocks: tuple[Block, ...]) -> str | None:
  if not blocks:
    return f"has no block on level {number}"
  if spec.max_blocks is not None and len(blocks) > spec.max_blocks:
    return f"has {len(blocks)} blocks on level {number}; max_blocks is {spec.max_blocks}"
  channels = sum(block.channels for block in blocks)
  sums = {0}
  for _ in range(spec.blocks):
    sums = {before + one for before in sums for one in spec.channels}
  if channels not in sums:
    return (
      f"has {channels} channels on level {number}, all blocks together; {spec.blocks} blocks "
      f"of {_listed(spec.channels)} make {_listed(sorted(sums))}, and splits and merges keep "
      "the sum"
    )
  return None


def _listed(values: Iterable[object]) -> str:
  """Returns a text that shows at most eight values."""
  shown = [str(value) for value in values]
  return ", ".join(shown[:8]) + (", ..." if len(shown) > 8 else "")

"""Networks that a person would draw first, of any size, to compare a search with.

    rgb-alone        one chain of blocks on rgb
    flow-alone       one chain of blocks on flow
    late-fusion      a chain on rgb and one on flow, which meet in the head
    mid-fusion       a chain on rgb and one on flow through half of the levels, then one chain
    fully-connected  a chain on rgb and one on flow, up to a single block on the last level; every
                     block feeds every block of the next level

They are patterns of the published comparison (AssembleNet, ICLR 2020) in the terms of a search
space: its stems and levels, and the first kind and the modules of each level. The blocks of a level
share its channels evenly, and so do the stems. Where a level has a choice of spatial strides, level
1 keeps the size and the others halve it. Every temporal dilation is 1, as in the published
networks (where 1 is not in the space, the smallest that is).

Networks are compared at equal size: one factor multiplies all channels, those of the stems
included, such that the number of trainable parameters (cost.py) comes nearest to the one asked for.
Channels are multiples of 8 if that meets the number within `CLOSE`, otherwise of 4, 2 or 1.

As text, `hand-made:PATTERN:PARAMETERS` is such a network in the space `small`, and
`hand-made:PATTERN:PARAMETERS:SPACE` in another one; parameters are then counted for `CLIP`.
"""

from collections.abc import Callable, Iterator, Sequence
import dataclasses
import itertools

from data_prep.common.cli import UserError
from official.architecture import cost
from official.architecture import space as spaces
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.space import LevelSpec
from official.architecture.space import SearchSpace
from official.architecture.space import StemSpec

PREFIX = "hand-made:"
CLOSE = 0.03  # Of the parameters asked for.
# What a network by name is counted for; its parameters depend on streams and classes alone.
CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=10)

_STREAMS = {
  "rgb-alone": ("rgb",),
  "flow-alone": ("flow",),
  "late-fusion": ("rgb", "flow"),
  "mid-fusion": ("rgb", "flow"),
  "fully-connected": ("rgb", "flow"),
}
_MULTIPLES = (8, 4, 2, 1)
_WIDEST = 1 << 16  # Channels that a level may get.


def names() -> tuple[str, ...]:
  """The names of the patterns, in the order of the module docstring."""
  return tuple(_STREAMS)


def make(name: str, space: SearchSpace, clip: cost.Clip, params: int) -> Architecture:
  """Returns the network of a pattern whose trainable parameters are nearest to a number.

  Args:
    name: Name of the pattern.
    space: Gives stems, levels, kinds, modules and strides.
    clip: Gives the channels of the streams and the number of classes.
    params: Trainable parameters, head and connection weights included.

  Raises:
    UserError: There is no such pattern, the space has no stems for it, or the number is below what
      the smallest such network has by more than a tenth, or above what the widest one has.
  """
  if name not in _STREAMS:
    raise UserError(f"no hand-made network {name!r}; the names are {', '.join(names())}")
  best = None
  for multiple in _MULTIPLES:
    nearest = _nearest(name, space, clip, params, multiple)
    miss = _miss(nearest, clip, params)
    if best is None or miss < best[0]:
      best = miss, nearest
    if miss <= CLOSE:
      break
  assert best is not None  # There are multiples to try.
  miss, architecture = best
  if miss > 0.1:
    raise UserError(
      f"{params:,} parameters are out of reach for {name} in search space {space.name!r}; the "
      f"nearest has {cost.parameters(architecture, clip.streams, clip.num_classes):,}"
    )
  return architecture


def from_text(text: str) -> Architecture:
  """Returns the network that a text such as `hand-made:fully-connected:265000` names.

  Raises:
    UserError: It names none.
  """
  name, _, rest = text.removeprefix(PREFIX).partition(":")
  number, _, space = rest.partition(":")
  if not number.isdecimal() or not number.isascii():
    raise UserError(
      f"{text!r} is no hand-made network: it is {PREFIX}PATTERN:PARAMETERS or "
      f"{PREFIX}PATTERN:PARAMETERS:SPACE, such as {PREFIX}fully-connected:265000; the patterns are "
      f"{', '.join(names())}"
    )
  return make(name, spaces.load_space(space or "small"), CLIP, int(number))


def _nearest(
  name: str, space: SearchSpace, clip: cost.Clip, params: int, multiple: int
) -> Architecture:
  """Halves the interval of the factor, since parameters grow with it; then takes the nearer end."""
  totals = [level.blocks * level.channels[0] for level in space.levels]
  low, high = 0.0, _WIDEST / max(totals)
  ends = [_scaled(name, space, factor, multiple) for factor in (low, high)]
  while ends[0] != ends[1] and high - low > 1e-9:
    middle = (low + high) / 2
    found = _scaled(name, space, middle, multiple)
    if cost.parameters(found, clip.streams, clip.num_classes) < params:
      low, ends[0] = middle, found
    else:
      high, ends[1] = middle, found
  return min(ends, key=lambda architecture: _miss(architecture, clip, params))


def _miss(architecture: Architecture, clip: cost.Clip, params: int) -> float:
  """Returns by which share of `params` the parameters differ from it."""
  return abs(cost.parameters(architecture, clip.streams, clip.num_classes) - params) / max(
    1, params
  )


def _scaled(name: str, space: SearchSpace, factor: float, multiple: int) -> Architecture:
  """Returns the network of a pattern whose channels are the space's times a factor."""

  def width(channels: float) -> int:
    return max(1, round(channels * factor / multiple)) * multiple

  every_stem = _stems(name, space)
  channels = sum(stem.channels for stem in every_stem.values())
  stems = [stem for stream, stem in every_stem.items() if stream in _STREAMS[name]]
  rows = [
    [
      dataclasses.replace(
        stem.block(stem.streams[0]),
        channels=width(channels / len(stems)),
        temporal_dilation=_dilation(space),
      )
      for stem in stems
    ]
  ]
  for number, level in enumerate(space.levels, start=1):
    columns = _columns(name, number, len(space.levels))
    total = level.blocks * level.channels[0]
    blocks = [
      level.block(
        f"level{number}_{column}",
        number,
        level.kinds[0],
        width(total / columns),
        _stride(level, number),
      )
      for column in range(columns)
    ]
    rows.append([_completed(block, space, width) for block in blocks])
  connections = [c for pair in itertools.pairwise(rows) for c in _connections(name, *pair)]
  return Architecture(tuple(itertools.chain(*rows)), tuple(connections))


def _stems(name: str, space: SearchSpace) -> dict[str, StemSpec]:
  """Returns by stream, rgb first, the stems of the first set that has one for each stream alone
  that the pattern reads."""
  for stems in space.stems:
    found = {stem.streams[0]: stem for stem in reversed(stems) if len(stem.streams) == 1}
    if set(_STREAMS[name]) <= set(found):
      return {stream: found[stream] for stream in ("rgb", "flow") if stream in found}
  raise UserError(
    f"the hand-made network {name} has a stem for {' and one for '.join(_STREAMS[name])}; "
    f"search space {space.name!r} has no such set of stems"
  )


def _columns(name: str, level: int, levels: int) -> int:
  """Returns how many blocks stand side by side on a level."""
  if len(_STREAMS[name]) == 1:
    return 1
  apart = {"late-fusion": levels, "mid-fusion": max(1, levels // 2), "fully-connected": levels - 1}
  return 2 if level <= apart[name] else 1


def _connections(name: str, lower: Sequence[Block], upper: Sequence[Block]) -> Iterator[Connection]:
  for source, target in itertools.product(range(len(lower)), range(len(upper))):
    if source == target or name == "fully-connected" or len(upper) == 1:
      yield Connection(lower[source].id, upper[target].id)


def _stride(level: LevelSpec, number: int) -> int:
  offered = sorted(level.spatial_strides)
  halving = [stride for stride in offered if stride > 1]
  return halving[0] if number > 1 and halving else offered[0]


def _dilation(space: SearchSpace) -> int:
  return 1 if 1 in space.temporal_dilations else min(space.temporal_dilations)


def _completed(block: Block, space: SearchSpace, width: Callable[[float], int]) -> Block:
  """Returns the block with its dilation and with intermediate channels scaled, if it has any."""
  middle = block.intermediate_channels
  return dataclasses.replace(
    block,
    temporal_dilation=_dilation(space),
    intermediate_channels=None if middle is None else width(middle),
  )

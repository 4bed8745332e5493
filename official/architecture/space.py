"""Search spaces: the architectures that a search may draw, as JSON.

`load_space` takes a name (`small`, `restoration` and so on: the files in spaces/) or a JSON file.

    {"name": "mine",
     "stems": [[{"kind": "stem_2plus1d", "streams": ["rgb"], "channels": 16, "spatial_stride": 2},
                {"kind": "stem_2d", "streams": ["flow"], "channels": 16, "spatial_stride": 2}]],
     "levels": [{"kinds": ["basic_2plus1d"], "blocks": 2, "channels": [16], "min_channels": 8,
                 "modules": 1, "spatial_strides": [1]}, ...],
     "temporal_dilations": [1, 2, 4],
     "connection_probability": 0.5,
     "initial_splits": [0, 2], "initial_merges": [0, 0],
     "max_operators": 4,
     "min_depth": 4}

stems: Sets of stems; an architecture draws one set. A stem reads one stream, or several together.
  `"auto"` makes one set of the dataset's streams, with a stem for each.
levels: One object for each level above the stems: it begins with so many `blocks`, each of which
  draws its kind, channels C and spatial stride from the lists. Splits and merges keep the sum of C
  of a level, and obey `min_channels` and, where given, `allowed_channels` and `max_blocks`.
  `intermediate_channels` is D of the bottleneck kinds. Strides are powers of two.
temporal_dilations: r of every block with a convolution over time is one of these.
connection_probability: That of each possible connection in a random architecture.
initial_splits, initial_merges: Least and most of each in a random architecture.
merges_across_kinds: Whether blocks of different kinds merge, too, if their modules and strides are
  equal; false if it is not given. The merged block has the kind of one of them.
max_operators: The most splits, merges and changes of dilation of a child.
min_depth: Connections on the longest path from a stem to the last level.
max_stride, min_params, max_params, max_flops: Bounds, if given: the cumulative spatial stride that
  an architecture can reach, trainable parameters, floating point operations of a clip (cost.py).

No number is unlimited: a typing error is reported at once, instead of a program that never
answers. The limits (`_Limits`) are far above any network that could be trained.
"""

from collections.abc import Callable, Collection, Mapping
import dataclasses
import functools
import json
import math
import os
from typing import Any

from data_prep.common.cli import UserError
from data_prep.common.cli import resolve_path
from official.architecture import kinds
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.fields import Fields

AUTO = "auto"  # Instead of sets of stems.
_AUTO_STRIDE = 2
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spaces")


class _Limits:
  """The upper limits of the numbers in a space."""

  LEVELS = 32
  BLOCKS = 64  # On a level.
  ALL_BLOCKS = 128  # On all levels, initial splits included.
  STEM_SETS = 64
  STEMS = 16  # In a set.
  STREAMS = 16  # Of a stem.
  KINDS = 32
  CHOICES = 64  # In a list of channels, strides or dilations.
  CHANNELS = 65536
  MODULES = 256
  DILATION = 65536
  STRIDE = 1024
  OPERATORS = 64
  NUMBER = 10**18  # Parameters and floating point operations.


@dataclasses.dataclass(frozen=True, kw_only=True)
class StemSpec:
  """A stem as the space gives it; only its temporal dilation is drawn."""

  kind: str
  streams: tuple[str, ...]
  channels: int
  spatial_stride: int

  def block(self, block_id: str) -> Block:
    """The stem as a block, with dilation 1."""
    return Block(
      id=block_id,
      level=0,
      kind=self.kind,
      streams=self.streams,
      channels=self.channels,
      spatial_stride=self.spatial_stride,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LevelSpec:
  """A level of blocks; the module docstring explains each field."""

  kinds: tuple[str, ...]
  blocks: int
  channels: tuple[int, ...]
  min_channels: int
  modules: int
  spatial_strides: tuple[int, ...]
  intermediate_channels: int | None = None
  allowed_channels: tuple[int, ...] | None = None
  max_blocks: int | None = None

  def allows(self, channels: int) -> bool:
    """Returns whether a block of this level may have that many channels."""
    return channels >= self.min_channels and (
      self.allowed_channels is None or channels in self.allowed_channels
    )

  def block(self, block_id: str, level: int, kind: str, channels: int, stride: int) -> Block:
    """A block of this level, with dilation 1."""
    needed = kinds.get(kind).needs_intermediate_channels
    return Block(
      id=block_id,
      level=level,
      kind=kind,
      channels=channels,
      modules=self.modules,
      spatial_stride=stride,
      intermediate_channels=self.intermediate_channels if needed else None,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSpace:
  """A search space; the module docstring explains each field.

  Without `stems`, they are made of a dataset's streams: by `restricted_to`.
  """

  name: str
  stems: tuple[tuple[StemSpec, ...], ...]
  levels: tuple[LevelSpec, ...]
  temporal_dilations: tuple[int, ...]
  connection_probability: float = 0.5
  initial_splits: tuple[int, int] = (0, 0)
  initial_merges: tuple[int, int] = (0, 0)
  merges_across_kinds: bool | None = None
  max_operators: int = 4
  min_depth: int = 1
  max_stride: int | None = None
  min_params: int | None = None
  max_params: int | None = None
  max_flops: int | None = None

  @functools.cached_property
  def streams(self) -> tuple[str, ...]:
    """Every stream that some stem reads, sorted."""
    return tuple(sorted({name for stems in self.stems for stem in stems for name in stem.streams}))

  def level(self, level: int) -> LevelSpec:
    """Returns the part of the space about a level above the stems, counted from 1."""
    if not 1 <= level <= len(self.levels):
      raise ArchitectureError(
        f"there is no level {level} in search space {self.name!r}; "
        f"it has levels 1 to {len(self.levels)}"
      )
    return self.levels[level - 1]

  def restricted_to(self, streams: Collection[str]) -> "SearchSpace":
    """The space without the stems that read other streams (of a dataset without flow, say); with
    stems for all streams, where they are to be made of the dataset's."""
    if not self.stems:
      return dataclasses.replace(self, stems=(_auto_stems(self, streams),))
    sets = []
    for stems in self.stems:
      left = tuple(stem for stem in stems if set(stem.streams) <= set(streams))
      if left and left not in sets:
        sets.append(left)
    if not sets:
      raise UserError(
        f"search space {self.name!r} has no stem that reads only "
        f"{' and '.join(sorted(streams)) or 'nothing'}; its stems read "
        f"{', '.join(self.streams)}: name your streams in a search space of your own"
      )
    return dataclasses.replace(self, stems=tuple(sets))

  def to_json(self) -> dict[str, Any]:
    """Returns plain data for `json.dumps`; bounds that are not set are left out."""
    data = json.loads(json.dumps(dataclasses.asdict(self)))
    data["stems"] = data["stems"] or AUTO
    data["levels"] = [_without_none(level) for level in data["levels"]]
    return _without_none(data)

  @classmethod
  def from_json(cls, data: Mapping[str, Any]) -> "SearchSpace":
    """Returns the space that a JSON object describes; UserError names the field that is wrong."""
    fields = Fields(data)
    space = cls(
      name=fields.text("name"),
      stems=()
      if fields.is_text("stems", AUTO)
      else tuple(
        _stems(name, item) for name, item in fields.items("stems", longest=_Limits.STEM_SETS)
      ),
      levels=tuple(
        _level(index, name, item)
        for index, (name, item) in enumerate(fields.items("levels", longest=_Limits.LEVELS))
      ),
      temporal_dilations=fields.integers(
        "temporal_dilations", most=_Limits.DILATION, longest=_Limits.CHOICES
      ),
      connection_probability=fields.number("connection_probability", 0.5, least=0, most=1),
      initial_splits=fields.bounds("initial_splits", (0, 0), most=_Limits.OPERATORS),
      initial_merges=fields.bounds("initial_merges", (0, 0), most=_Limits.OPERATORS),
      merges_across_kinds=fields.boolean("merges_across_kinds", None) or None,
      max_operators=fields.integer("max_operators", 4, most=_Limits.OPERATORS),
      min_depth=fields.integer("min_depth", 1, least=1, most=_Limits.LEVELS),
      max_stride=fields.integer("max_stride", None, least=1, most=_Limits.NUMBER),
      min_params=fields.integer("min_params", None, most=_Limits.NUMBER),
      max_params=fields.integer("max_params", None, least=1, most=_Limits.NUMBER),
      max_flops=fields.integer("max_flops", None, least=1, most=_Limits.NUMBER),
    )
    fields.close()
    _check_bounds(fields, space)
    return space


def names() -> tuple[str, ...]:
  """The names of the spaces that come with the package."""
  return tuple(sorted(file[:-5] for file in os.listdir(_FOLDER) if file.endswith(".json")))


def load_space(name_or_file: str) -> SearchSpace:
  """Returns a space by its name, or from a JSON file; UserError says what is wrong with it."""
  if name_or_file in names():
    return _read(os.path.join(_FOLDER, name_or_file + ".json"))
  path = resolve_path(name_or_file)
  if not os.path.isfile(path):
    raise UserError(
      f"no search space {name_or_file!r}: the names are {', '.join(names())}, "
      f"and there is no file {path!r}"
    )
  return _read(path)


def _read(path: str) -> SearchSpace:
  try:
    with open(path, encoding="utf-8") as file:
      data = json.load(file)
  except (OSError, ValueError, RecursionError) as error:
    raise UserError(f"search space {path}: cannot read it as JSON: {error}") from error
  try:
    return SearchSpace.from_json(data)
  except UserError as error:
    raise UserError(f"search space {path}: {error}") from error


def _stems(name: str, data: Any) -> tuple[StemSpec, ...]:
  if not isinstance(data, list) or not 0 < len(data) <= _Limits.STEMS:
    raise UserError(
      f"{name} is {json.dumps(data):.60}; it is a list of stems, from 1 to {_Limits.STEMS} of them"
    )
  stems = []
  for index, item in enumerate(data):
    fields = Fields(item, f"{name}[{index}]")
    stem = StemSpec(
      kind=fields.text("kind"),
      streams=fields.texts("streams", longest=_Limits.STREAMS),
      channels=fields.integer("channels", least=1, most=_Limits.CHANNELS),
      spatial_stride=fields.integer("spatial_stride", least=1, most=_Limits.STRIDE),
    )
    fields.close()
    _check_stride(fields, "spatial_stride", stem.spatial_stride)
    _check_block(f"{name}[{index}]", functools.partial(stem.block, "stem"))
    stems.append(stem)
  return tuple(stems)


def _auto_stems(space: SearchSpace, streams: Collection[str]) -> tuple[StemSpec, ...]:
  """Returns a stem for each stream, of as many channels as the first level begins with.

  Each has stride 2. That of optical flow, which holds motion already, looks at single frames, as in
  the built-in spaces; the others look at several together.
  """
  if not 0 < len(streams) <= _Limits.STEMS:
    raise UserError(
      f"search space {space.name!r} has a stem for each stream, and there are {len(streams)}; from "
      f"1 to {_Limits.STEMS} are possible: name those that are wanted in `stems`"
    )
  return tuple(
    StemSpec(
      kind="stem_2d" if name == "flow" else "stem_2plus1d",
      streams=(name,),
      channels=space.levels[0].channels[0],
      spatial_stride=_AUTO_STRIDE,
    )
    for name in sorted(streams)
  )


def _level(index: int, name: str, data: Any) -> LevelSpec:
  fields = Fields(data, name)
  channels = functools.partial(fields.integers, most=_Limits.CHANNELS, longest=_Limits.CHOICES)
  level = LevelSpec(
    kinds=fields.texts("kinds", longest=_Limits.KINDS),
    blocks=fields.integer("blocks", least=1, most=_Limits.BLOCKS),
    channels=channels("channels"),
    min_channels=fields.integer("min_channels", least=1, most=_Limits.CHANNELS),
    modules=fields.integer("modules", least=1, most=_Limits.MODULES),
    spatial_strides=fields.integers(
      "spatial_strides", most=_Limits.STRIDE, longest=_Limits.CHOICES
    ),
    intermediate_channels=fields.integer(
      "intermediate_channels", None, least=1, most=_Limits.CHANNELS
    ),
    allowed_channels=channels("allowed_channels", None),
    max_blocks=fields.integer("max_blocks", None, least=1, most=_Limits.ALL_BLOCKS),
  )
  fields.close()
  if level.max_blocks is not None and level.max_blocks < level.blocks:
    raise fields.error("max_blocks", f"is {level.max_blocks}; blocks is {level.blocks}")
  for number in level.channels:
    if not level.allows(number):
      raise fields.error("channels", f"has {number}, which min_channels or allowed_channels forbid")
  for stride in level.spatial_strides:
    _check_stride(fields, "spatial_strides", stride)
    for kind in level.kinds:
      _check_block(
        name,
        functools.partial(level.block, "block", index + 1, kind, level.channels[0], stride),
      )
  return level


def _check_stride(fields: Fields, name: str, stride: int) -> None:
  if stride & (stride - 1):
    raise fields.error(name, f"has {stride}; strides are powers of two")


def _check_block(name: str, make: Callable[[], Block]) -> None:
  try:
    make()
  except ValueError as error:
    raise UserError(f"{name}: {error}") from error


def _check_bounds(fields: Fields, space: SearchSpace) -> None:
  blocks = sum(level.blocks for level in space.levels) + space.initial_splits[1]
  if blocks > _Limits.ALL_BLOCKS:
    raise fields.error(
      "levels",
      f"have {blocks} blocks in all, with initial_splits; {_Limits.ALL_BLOCKS} are the most",
    )
  if space.min_depth > len(space.levels):
    raise fields.error(
      "min_depth",
      f"is {space.min_depth}; {len(space.levels)} levels allow {len(space.levels)} at most",
    )
  if space.max_params is not None and (space.min_params or 0) > space.max_params:
    raise fields.error("min_params", f"is {space.min_params}, above max_params, {space.max_params}")
  strides = [stem.spatial_stride for stems in space.stems for stem in stems]
  least = max(strides, default=_AUTO_STRIDE) * math.prod(
    level.spatial_strides[0] for level in space.levels
  )
  if space.max_stride is not None and space.max_stride < least:
    raise fields.error(
      "max_stride", f"is {space.max_stride}; the least strides of stems and levels make {least}"
    )


def _without_none(data: dict[str, Any]) -> dict[str, Any]:
  return {key: value for key, value in data.items() if value is not None}

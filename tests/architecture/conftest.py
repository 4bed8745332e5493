"""Architectures and spaces that several tests of this folder use."""

import pytest

from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.space import SearchSpace

_FIRST_TWELVE = (
    (-1, 4), (-1, 4), (-2, 1), (-2, 1),
    (0, [1], 32, 1, 1), (0, [0], 32, 4, 1), (0, [0, 1, 2, 3], 32, 1, 1), (0, [2, 3], 32, 2, 1),
    (1, [0, 4, 5, 6, 7], 64, 2, 2), (1, [0, 2, 4, 7], 64, 1, 2), (1, [0, 5, 7], 64, 4, 2),
    (1, [0, 5], 64, 1, 2))


@pytest.fixture
def assemblenet_50() -> Architecture:
  """The published network, found on Moments in Time."""
  return _published((*_FIRST_TWELVE, (2, [4, 8, 10, 11], 256, 1, 2), (2, [8, 9], 256, 4, 2),
                     (3, [12, 13], 512, 2, 2)), modules=(3, 4, 6, 3))


@pytest.fixture
def assemblenet_101() -> Architecture:
  """The published deeper network."""
  return _published((*_FIRST_TWELVE, (2, [4, 8, 10, 11], 192, 1, 2), (2, [8, 9], 192, 4, 2),
                     (3, [12, 13], 256, 2, 2)), modules=(3, 4, 23, 3))


@pytest.fixture
def tiny() -> Architecture:
  """Two stems, two blocks on level 1, one on level 2, and every possible connection."""
  blocks = (
      Block(id="rgb_0", level=0, kind="stem_2plus1d", streams=("rgb",), channels=8,
            spatial_stride=2),
      Block(id="flow_0", level=0, kind="stem_2d", streams=("flow",), channels=4,
            spatial_stride=4),
      Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, temporal_dilation=2),
      Block(id="level1_1", level=1, kind="basic_2plus1d", channels=4),
      Block(id="level2_0", level=2, kind="basic_2plus1d", channels=16, spatial_stride=2))
  return Architecture(blocks, tuple(
      Connection(source.id, target.id)
      for source in blocks for target in blocks if source.level < target.level))


@pytest.fixture
def tiny_space() -> SearchSpace:
  """A space that holds `tiny`, with loose bounds."""
  level = {"kinds": ["basic_2plus1d"], "blocks": 2, "channels": [8], "min_channels": 2,
           "modules": 1, "spatial_strides": [1, 2]}
  return SearchSpace.from_json({
      "name": "tiny",
      "stems": [[{"kind": "stem_2plus1d", "streams": ["rgb"], "channels": 8, "spatial_stride": 2},
                 {"kind": "stem_2d", "streams": ["flow"], "channels": 4, "spatial_stride": 4}]],
      "levels": [level, {**level, "blocks": 1}],
      "temporal_dilations": [1, 2, 4]})


@pytest.fixture(scope="session")
def mixed_space() -> SearchSpace:
  """A space with a bit of everything: kinds, strides and channels to draw, stems of two streams."""
  level = {"kinds": ["basic_2plus1d", "interleaved_bottleneck"], "blocks": 2, "channels": [4, 8],
           "min_channels": 2, "modules": 2, "spatial_strides": [1, 2], "intermediate_channels": 6}
  joint = {"kind": "stem_2plus1d", "streams": ["rgb", "flow"], "channels": 6, "spatial_stride": 2}
  flow = {"kind": "stem_2d", "streams": ["flow"], "channels": 8, "spatial_stride": 4}
  return SearchSpace.from_json({
      "name": "mixed", "stems": [[joint], [joint, flow], [flow]],
      "levels": [level, {**level, "modules": 1}, level], "temporal_dilations": [1, 2, 4],
      "initial_splits": [0, 2], "initial_merges": [0, 2], "max_operators": 3, "min_depth": 2})


def _published(rows, modules) -> Architecture:
  """Reads the published form: stems (stream, r), blocks (level, inputs, C, r, stride)."""
  blocks, connections = [], []
  for number, row in enumerate(rows):
    if len(row) == 2:
      kind, stream = ("stem_2plus1d", "rgb") if row[0] == -1 else ("stem_2d", "flow")
      blocks.append(Block(id=f"b{number}", level=0, kind=kind, streams=(stream,), channels=32,
                          temporal_dilation=row[1], spatial_stride=4))
    else:
      level, inputs, channels, dilation, stride = row
      blocks.append(Block(
          id=f"b{number}", level=level + 1, kind="interleaved_bottleneck", channels=channels,
          modules=modules[level], temporal_dilation=dilation, spatial_stride=stride,
          intermediate_channels=64 << level))
      connections += [Connection(f"b{source}", f"b{number}") for source in inputs]
  return Architecture(tuple(blocks), tuple(connections))

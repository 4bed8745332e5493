"""Architectures and spaces that several tests of this folder use."""

import pytest

from official.architecture import presets
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.space import SearchSpace


@pytest.fixture
def assemblenet_50() -> Architecture:
  """The published network, found on Moments in Time."""
  return presets.load("assemblenet-50").architecture


@pytest.fixture
def assemblenet_101() -> Architecture:
  """The published deeper network."""
  return presets.load("assemblenet-101").architecture


@pytest.fixture
def tiny() -> Architecture:
  """Two stems, two blocks on level 1, one on level 2, and every possible connection."""
  blocks = (
    Block(id="rgb_0", level=0, kind="stem_2plus1d", streams=("rgb",), channels=8, spatial_stride=2),
    Block(id="flow_0", level=0, kind="stem_2d", streams=("flow",), channels=4, spatial_stride=4),
    Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8, temporal_dilation=2),
    Block(id="level1_1", level=1, kind="basic_2plus1d", channels=4),
    Block(id="level2_0", level=2, kind="basic_2plus1d", channels=16, spatial_stride=2),
  )
  return Architecture(
    blocks,
    tuple(
      Connection(source.id, target.id)
      for source in blocks
      for target in blocks
      if source.level < target.level
    ),
  )


@pytest.fixture
def tiny_space() -> SearchSpace:
  """A space that holds `tiny`, with loose bounds."""
  level = {
    "kinds": ["basic_2plus1d"],
    "blocks": 2,
    "channels": [8],
    "min_channels": 2,
    "modules": 1,
    "spatial_strides": [1, 2],
  }
  return SearchSpace.from_json(
    {
      "name": "tiny",
      "stems": [
        [
          {"kind": "stem_2plus1d", "streams": ["rgb"], "channels": 8, "spatial_stride": 2},
          {"kind": "stem_2d", "streams": ["flow"], "channels": 4, "spatial_stride": 4},
        ]
      ],
      "levels": [level, {**level, "blocks": 1}],
      "temporal_dilations": [1, 2, 4],
    }
  )


@pytest.fixture(scope="session")
def mixed_space() -> SearchSpace:
  """A space with a bit of everything: kinds, strides and channels to draw, stems of two streams."""
  level = {
    "kinds": ["basic_2plus1d", "interleaved_bottleneck"],
    "blocks": 2,
    "channels": [4, 8],
    "min_channels": 2,
    "modules": 2,
    "spatial_strides": [1, 2],
    "intermediate_channels": 6,
  }
  joint = {"kind": "stem_2plus1d", "streams": ["rgb", "flow"], "channels": 6, "spatial_stride": 2}
  flow = {"kind": "stem_2d", "streams": ["flow"], "channels": 8, "spatial_stride": 4}
  return SearchSpace.from_json(
    {
      "name": "mixed",
      "stems": [[joint], [joint, flow], [flow]],
      "levels": [level, {**level, "modules": 1}, level],
      "temporal_dilations": [1, 2, 4],
      "initial_splits": [0, 2],
      "initial_merges": [0, 2],
      "max_operators": 3,
      "min_depth": 2,
    }
  )

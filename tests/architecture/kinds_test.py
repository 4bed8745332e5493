"""Facts about block kinds."""

import dataclasses

import pytest

from official.architecture import kinds
from official.architecture.architecture import Block
from official.architecture.kinds import Convolution

BOTTLENECK = Block(
  id="b",
  level=1,
  kind="interleaved_bottleneck",
  channels=8,
  modules=2,
  spatial_stride=2,
  intermediate_channels=16,
)


def listed(block, input_channels):
  return list(kinds.get(block.kind).convolutions(block, input_channels))


def test_the_kinds():
  assert kinds.names() == (
    "basic_2plus1d",
    "bottleneck_2plus1d",
    "growing_2plus1d",
    "interleaved_bottleneck",
    "spacetime_3d",
    "stem_2d",
    "stem_2plus1d",
    "stem_fine",
  )


def test_an_interleaved_bottleneck_alternates_2d_and_2plus1d():
  assert listed(BOTTLENECK, 12) == [
    Convolution((1, 1, 1), 12, 32, 2),
    Convolution((1, 1, 1), 12, 8, 1),
    Convolution((1, 3, 3), 8, 16, 2),
    Convolution((1, 1, 1), 16, 32, 2),
    Convolution((3, 1, 1), 32, 8, 2),
    Convolution((1, 3, 3), 8, 16, 2),
    Convolution((1, 1, 1), 16, 32, 2),
  ]


def test_a_2plus1d_bottleneck_is_temporal_throughout():
  block = dataclasses.replace(BOTTLENECK, kind="bottleneck_2plus1d", temporal_dilation=4)
  assert listed(block, 12) == [
    Convolution((1, 1, 1), 12, 32, 2),
    Convolution((3, 1, 1), 12, 8, 1, dilation=4),
    Convolution((1, 3, 3), 8, 16, 2),
    Convolution((1, 1, 1), 16, 32, 2),
    Convolution((3, 1, 1), 32, 8, 2, dilation=4),
    Convolution((1, 3, 3), 8, 16, 2),
    Convolution((1, 1, 1), 16, 32, 2),
  ]


def test_a_3d_block_has_one_convolution_a_module():
  block = Block(id="b", level=1, kind="spacetime_3d", channels=8, modules=2, spatial_stride=2)
  assert listed(block, 12) == [
    Convolution((1, 1, 1), 12, 8, 2),
    Convolution((3, 3, 3), 12, 8, 2),
    Convolution((3, 3, 3), 8, 8, 2),
  ]


def test_a_basic_block_factors_space_and_time():
  block = Block(id="b", level=1, kind="basic_2plus1d", channels=8, modules=2, spatial_stride=2)
  assert listed(block, 12) == [
    Convolution((1, 1, 1), 12, 8, 2),
    Convolution((1, 3, 3), 12, 8, 2),
    Convolution((3, 1, 1), 8, 8, 2),
    Convolution((1, 3, 3), 8, 8, 2),
    Convolution((3, 1, 1), 8, 8, 2),
  ]


def test_the_dilation_of_a_growing_block_doubles_from_module_to_module():
  facts = {"level": 1, "channels": 8, "modules": 3, "temporal_dilation": 2}
  basic = listed(Block(id="b", kind="basic_2plus1d", **facts), 12)
  growing = listed(Block(id="b", kind="growing_2plus1d", **facts), 12)
  assert [each.dilation for each in growing if each.kernel == (3, 1, 1)] == [2, 4, 8]
  assert [dataclasses.replace(each, dilation=1) for each in growing] == [
    dataclasses.replace(each, dilation=1) for each in basic
  ]


@pytest.mark.parametrize(
  "kind, expected",
  [
    ("stem_2plus1d", [Convolution((1, 7, 7), 5, 8, 2), Convolution((5, 1, 1), 8, 8, 2)]),
    ("stem_2d", [Convolution((1, 7, 7), 5, 8, 2)]),
  ],
)
def test_stems_convolve_before_they_pool(kind, expected):
  block = Block(id="s", level=0, kind=kind, streams=("rgb", "flow"), channels=8, spatial_stride=4)
  assert listed(block, 5) == expected


def test_bottlenecks_widen_their_output():
  assert kinds.output_channels(BOTTLENECK) == 32


def test_dilation_has_no_effect_without_a_convolution_over_time():
  assert kinds.has_temporal(BOTTLENECK)
  assert not kinds.has_temporal(dataclasses.replace(BOTTLENECK, modules=1))


def test_a_kind_cannot_be_registered_twice():
  with pytest.raises(ValueError, match="there is already a block kind 'stem_2d'"):
    kinds.register(kinds.get("stem_2d"))


def test_a_name_with_a_dot_imports_its_module(tmp_path, monkeypatch):
  (tmp_path / "kinds_of_mine.py").write_text(
    "from official.architecture import kinds\n"
    "kinds.register(kinds.Kind(name='kinds_of_mine.plain', convolutions=lambda b, c: iter(())))"
  )
  monkeypatch.syspath_prepend(tmp_path)
  monkeypatch.setattr(kinds, "_KINDS", dict(kinds._KINDS))
  assert kinds.get("kinds_of_mine.plain").name == "kinds_of_mine.plain"
  with pytest.raises(ValueError, match="kinds_of_mine.other': module kinds_of_mine registers none"):
    kinds.get("kinds_of_mine.other")


def test_a_module_that_cannot_be_imported_is_named():
  with pytest.raises(
    ValueError,
    match="block kind 'nowhere.plain': No module named 'nowhere'; nowhere must be importable",
  ):
    kinds.get("nowhere.plain")

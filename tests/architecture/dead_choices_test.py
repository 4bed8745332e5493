"""Choices of a space that make no difference."""

import dataclasses

import pytest

from official.architecture import cost
from official.architecture.dead_choices import dead_choices
from official.architecture.space import load_space


def clip(num_frames=8, side=64):
  return cost.Clip(
    streams={"rgb": 3, "flow": 2}, num_frames=num_frames, height=side, width=side, num_classes=6
  )


@pytest.mark.parametrize("name", ["paper", "patent", "restoration", "segmentation", "small"])
def test_the_spaces_of_the_package_have_none_where_clips_are_long_and_frames_large(name):
  assert dead_choices(load_space(name), clip(16, 224)) == ()


def test_dilations_of_at_least_the_clip_are_named():
  [line] = dead_choices(load_space("small"), clip(num_frames=2))
  assert line.startswith("temporal_dilations 2, 4 reach beyond clips of 2 frames (--num_frames)")


def test_the_largest_dilation_within_a_clip_is_no_dead_one():
  assert dead_choices(load_space("small"), clip(num_frames=5)) == ()
  assert "temporal_dilations 4 reach" in dead_choices(load_space("small"), clip(num_frames=4))[0]


def test_dilations_without_a_convolution_over_time_are_told():
  paper = load_space("paper")
  space = dataclasses.replace(
    paper,
    stems=((paper.stems[0][1],),),
    levels=tuple(dataclasses.replace(level, modules=1) for level in paper.levels),
  )
  [line] = dead_choices(space, clip(16))
  assert line.startswith("temporal_dilations make no difference: no kind of block")


def test_strides_of_a_single_pixel_are_told():
  [line] = [
    line
    for line in dead_choices(load_space("patent"), clip(16, side=4))
    if line.startswith("levels[0]")
  ]
  assert line == (
    "levels[0].spatial_strides 1, 2, 4, 8 make no difference: frames of 4x4 are one "
    "pixel there already"
  )


def test_splits_that_no_block_allows_are_told():
  small = load_space("small")
  space = dataclasses.replace(
    small,
    levels=tuple(
      dataclasses.replace(level, min_channels=level.channels[0]) for level in small.levels
    ),
  )
  assert dead_choices(space, clip()) == (
    "initial_splits make no difference: min_channels, allowed_channels or max_blocks forbid "
    "every split",
  )

"""Cost from the architecture alone: known numbers, and networks counted by hand."""

import dataclasses

import pytest

from official.architecture import cost
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.kinds import Convolution

STREAMS = {"rgb": 3, "flow": 2}


@pytest.mark.parametrize("frames, side, giga", [(32, 224, 250), (128, 256, 1308)])
def test_assemblenet_50_has_the_known_multiply_adds(assemblenet_50, frames, side, giga):
  clip = cost.Clip(streams=STREAMS, num_frames=frames, height=side, width=side, num_classes=339)
  found = cost.multiply_adds(assemblenet_50, clip)
  assert round(found / 1e9) == giga


def test_taps_beyond_the_clip_are_not_counted_and_padding_is():
  convolution = Convolution((5, 1, 1), 2, 3, dilation=2)
  assert convolution.multiply_adds(8, 4, 4) == 5 * 2 * 3 * 8 * 16
  assert convolution.multiply_adds(3, 4, 4) == 3 * 2 * 3 * 4 * 16
  assert convolution.multiply_adds(2, 4, 4) == 1 * 2 * 3 * 2 * 16


def test_a_head_that_pools_logits_classifies_every_frame(tiny):
  clip = cost.Clip(streams=STREAMS, num_frames=10, height=9, width=9, num_classes=6)
  each = dataclasses.replace(clip, pooling="softmax")
  difference = cost.multiply_adds(tiny, each) - cost.multiply_adds(tiny, clip)
  assert difference == (10 - 1) * 16 * 6


def test_rows_sum_to_the_network(assemblenet_50):
  clip = cost.Clip(streams=STREAMS, num_frames=8, height=112, width=112, num_classes=339)
  rows = cost.table(assemblenet_50, clip)
  assert [row.id for row in rows] == [*(block.id for block in assemblenet_50.blocks), "head"]
  assert sum(row.params for row in rows) == cost.parameters(assemblenet_50, STREAMS, 339)
  assert sum(row.multiply_adds for row in rows) == cost.multiply_adds(assemblenet_50, clip)
  assert rows[-2].output == (8, 4, 4, 2048)
  assert rows[-1].output == (339,)


def test_the_description_ends_with_sums(tiny):
  clip = cost.Clip(streams=STREAMS, num_frames=10, height=32, width=32, num_classes=6)
  *blocks, head, sums = cost.describe(tiny, clip).splitlines()[1:]
  assert [line.split()[0] for line in blocks] == [block.id for block in tiny.blocks]
  assert head.split()[:2] == ["head", "6"]
  assert sums.startswith("10x32x32 flow+rgb, 6 classes: 5,550 parameters, ")


def test_activations_of_a_stem_and_a_block_counted_by_hand():
  architecture = Architecture(
    (
      Block(id="stem", level=0, kind="stem_2d", streams=("rgb",), channels=4, spatial_stride=2),
      Block(id="block", level=1, kind="basic_2plus1d", channels=4),
    ),
    (Connection("stem", "block"),),
  )
  clip = cost.Clip(streams=STREAMS, num_frames=2, height=8, width=8, num_classes=6)
  each = 4 * 2 * 4 * 4  # Every activation: 4 channels, 2 frames of 4x4.
  stem = 2  # The convolution's outcome, and that of batch norm and ReLU.
  block = 1 + 2 * 3  # The weighted sum; shortcut, space, time.
  gradients = 2
  numbers = 3 * 2 * 8 * 8 + (stem + block + gradients) * each
  assert cost.peak_activation_bytes(architecture, clip) == 4 * numbers
  assert cost.peak_activation_bytes(architecture, clip, 2) == 2 * numbers


def test_activations_are_proportional_to_the_frames(assemblenet_50):
  clip = cost.Clip(streams=STREAMS, num_frames=8, height=64, width=64, num_classes=6)
  longer = dataclasses.replace(clip, num_frames=24)
  found = [cost.peak_activation_bytes(assemblenet_50, each) for each in (clip, longer)]
  assert found[1] == 3 * found[0]


def test_tiny_counted_by_hand(tiny):
  rgb = 49 * 3 * 8 + 2 * 8 + 5 * 8 * 8 + 2 * 8
  flow = 49 * 2 * 4 + 2 * 4
  projection = 4 * 8  # Of the narrow input, before level 1: no batch norm.
  first = projection + (8 * 8 + 9 * 8 * 8 + 3 * 8 * 8) + 3 * 2 * 8
  second = projection + (8 * 4 + 9 * 8 * 4 + 3 * 4 * 4) + 3 * 2 * 4
  last = projection + (8 * 16 + 9 * 8 * 16 + 3 * 16 * 16) + 3 * 2 * 16
  head = (16 + 1) * 6
  assert cost.parameters(tiny, STREAMS, 6) == rgb + flow + first + second + last + head + 8


def test_moving_statistics_are_no_parameters(tiny):
  assert cost.non_trainable_parameters(tiny, STREAMS) == 2 * (8 + 8 + 4 + 3 * 8 + 3 * 4 + 3 * 16)


def test_multiply_adds_counted_by_hand():
  architecture = Architecture(
    (
      Block(id="s", level=0, kind="stem_2d", streams=("rgb",), channels=8, spatial_stride=4),
      Block(id="b", level=1, kind="basic_2plus1d", channels=4, spatial_stride=2),
    ),
    (Connection("s", "b"),),
  )
  # 9 pixels a side: 5 after the stem's convolution, 3 after its pooling, 2 after the block.
  stem, block = 49 * 3 * 8 * 25, (8 * 4 + 9 * 8 * 4 + 3 * 4 * 4) * 4
  clip = cost.Clip(streams=STREAMS, num_frames=10, height=9, width=9, num_classes=6)
  assert cost.multiply_adds(architecture, clip) == 10 * (stem + block) + 4 * 6
  assert cost.flops(architecture, clip) == 2 * (10 * (stem + block) + 4 * 6)


def test_a_missing_stream_is_named(tiny):
  with pytest.raises(
    ArchitectureError, match="block 'flow_0' reads stream 'flow'; the streams are rgb"
  ):
    cost.parameters(tiny, {"rgb": 3}, 6)

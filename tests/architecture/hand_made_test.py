"""Networks that a person would draw first, of any size."""

import dataclasses

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import pytest

from data_prep.common.cli import UserError
from official.architecture import cost
from official.architecture import hand_made
from official.architecture import sources
from official.architecture.space import load_space

_SMALL = load_space("small")


def _parameters(architecture, clip=hand_made.CLIP):
  return cost.parameters(architecture, clip.streams, clip.num_classes)


@settings(max_examples=40, deadline=None)
@given(
  name=st.sampled_from(hand_made.names()),
  space=st.sampled_from(["small", "paper", "patent"]),
  classes=st.integers(2, 400),
  size=st.floats(1, 30),
)
def test_every_network_has_the_parameters_asked_for(name, space, classes, size):
  clip = dataclasses.replace(hand_made.CLIP, num_classes=classes)
  params = int(size * (100_000 if space == "small" else 3_000_000))
  architecture = hand_made.make(name, load_space(space), clip, params)
  assert abs(_parameters(architecture, clip) / params - 1) <= 0.05


@pytest.mark.parametrize(
  "name, streams, blocks, connections",
  [
    ("rgb-alone", ("rgb",), (1, 1, 1, 1, 1), 4),
    ("flow-alone", ("flow",), (1, 1, 1, 1, 1), 4),
    ("late-fusion", ("flow", "rgb"), (2, 2, 2, 2, 2), 8),
    ("mid-fusion", ("flow", "rgb"), (2, 2, 2, 1, 1), 7),
    ("fully-connected", ("flow", "rgb"), (2, 2, 2, 2, 1), 14),
  ],
)
def test_a_pattern_is_what_the_documentation_says(name, streams, blocks, connections):
  architecture = hand_made.make(name, _SMALL, hand_made.CLIP, 265_000)
  assert architecture.streams == streams
  assert tuple(len(architecture.level(level)) for level in range(5)) == blocks
  assert len(architecture.connections) == connections
  assert {block.temporal_dilation for block in architecture.blocks} == {1}
  assert [architecture.stride(architecture.level(n)[0].id) for n in range(5)] == [2, 2, 4, 8, 16]


def test_streams_that_are_apart_share_no_block():
  late = hand_made.make("late-fusion", _SMALL, hand_made.CLIP, 265_000)
  reached = {"rgb": {"rgb"}, "flow": {"flow"}}
  for connection in sorted(late.connections, key=lambda c: late.block(c.target).level):
    for blocks in reached.values():
      if connection.source in blocks:
        blocks.add(connection.target)
  assert not reached["rgb"] & reached["flow"]
  assert len(reached["rgb"]) == len(reached["flow"]) == 5


def test_round_channels_are_preferred():
  drawn = hand_made.make("rgb-alone", _SMALL, hand_made.CLIP, 265_000)
  assert [block.channels for block in drawn.blocks] == [32, 32, 64, 64, 64]


def test_levels_without_a_choice_of_strides_keep_theirs_and_others_halve_the_size():
  drawn = hand_made.make("mid-fusion", load_space("patent"), hand_made.CLIP, 10_000_000)
  assert [drawn.level(level)[0].spatial_stride for level in range(5)] == [4, 1, 2, 2, 2]


def test_text_names_a_network_and_its_space():
  small = hand_made.make("late-fusion", _SMALL, hand_made.CLIP, 100_000)
  assert sources.load("hand-made:late-fusion:100000").architecture == small
  paper = hand_made.make("late-fusion", load_space("paper"), hand_made.CLIP, 10_000_000)
  assert hand_made.from_text("hand-made:late-fusion:10000000:paper") == paper


@pytest.mark.parametrize(
  "text, message",
  [
    ("hand-made:late-fusion", "it is hand-made:PATTERN:PARAMETERS or"),
    ("hand-made:late-fusion:many", "such as hand-made:fully-connected:265000; the patterns are rg"),
    ("hand-made:fusion:1000", "no hand-made network 'fusion'; the names are rgb-alone, flow-"),
    ("hand-made:late-fusion:10", "10 parameters are out of reach for late-fusion in search space"),
    ("hand-made:late-fusion:1000000:tiny", "no search space 'tiny'"),
  ],
)
def test_other_texts_are_one_error(text, message):
  with pytest.raises(UserError, match=f"--architecture={text}: .*{message}"):
    sources.load(text)


def test_a_space_without_the_streams_is_refused():
  rgb = _SMALL.restricted_to(["rgb"])
  assert hand_made.make("rgb-alone", rgb, hand_made.CLIP, 100_000).streams == ("rgb",)
  with pytest.raises(UserError, match="late-fusion has a stem for rgb and one for flow; search sp"):
    hand_made.make("late-fusion", rgb, hand_made.CLIP, 100_000)

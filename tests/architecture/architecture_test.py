"""Architectures: what is valid, and what they know of themselves."""

import dataclasses

import pytest

from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.architecture import depth

STEM = Block(id="rgb_0", level=0, kind="stem_2d", streams=("rgb",), channels=8, spatial_stride=2)
LOW = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8)
HIGH = Block(id="level2_0", level=2, kind="basic_2plus1d", channels=8)
CHAIN = (Connection("rgb_0", "level1_0"), Connection("level1_0", "level2_0"))


@pytest.mark.parametrize(
  "changes, text",
  [
    ({"id": "1a"}, "block id '1a': an id is a letter followed by"),
    ({"id": "a/b"}, "block id 'a/b': an id is a letter followed by"),
    ({"level": 1.0}, "block 'level1_0': level is 1.0; it is an integer of at least 0"),
    ({"channels": 0}, "block 'level1_0': channels is 0; it is an integer of at least 1"),
    ({"modules": True}, "block 'level1_0': modules is True; it is an integer of at least 1"),
    ({"temporal_dilation": 0}, "temporal_dilation is 0; it is an integer of at least 1"),
    ({"spatial_stride": "2"}, "spatial_stride is '2'; it is an integer of at least 1"),
    ({"kind": "basic"}, "block 'level1_0': unknown block kind 'basic'; the kinds are basic"),
    ({"level": 0}, "kind 'basic_2plus1d' on level 0; stems and only stems are on level 0"),
    ({"streams": ("rgb",)}, "streams is ('rgb',); only stems read streams"),
    ({"streams": "rgb"}, "streams is 'rgb'; it is a sequence of names"),
    ({"intermediate_channels": 8}, "intermediate_channels is 8; basic_2plus1d has none"),
    ({"kind": "interleaved_bottleneck"}, "intermediate_channels is None; it is an integer of at"),
  ],
)
def test_a_block_that_breaks_a_rule_is_refused(changes, text):
  with pytest.raises(ArchitectureError) as error:
    dataclasses.replace(LOW, **changes)
  assert text in str(error.value)


@pytest.mark.parametrize(
  "changes, text",
  [
    ({"level": 1}, "block 'rgb_0': kind 'stem_2d' on level 1; stems and only stems are on level 0"),
    ({"streams": ()}, "streams is (); a stem reads one or more different streams, by name"),
    ({"streams": ("rgb", "rgb")}, "streams is ('rgb', 'rgb'); a stem reads one or more different"),
    ({"spatial_stride": 8}, "spatial_stride is 8; stem_2d can have (2, 4)"),
    ({"modules": 2}, "modules is 2; a stem has 1"),
  ],
)
def test_a_stem_that_breaks_a_rule_is_refused(changes, text):
  with pytest.raises(ArchitectureError) as error:
    dataclasses.replace(STEM, **changes)
  assert text in str(error.value)


@pytest.mark.parametrize(
  "blocks, connections, text",
  [
    ((), (), "there is no block on level 0; an architecture needs a stem"),
    ((LOW,), (), "there is no block on level 0; an architecture needs a stem"),
    ((STEM,), (), "there is no block above level 0"),
    (
      (STEM, LOW, dataclasses.replace(LOW, channels=4)),
      CHAIN[:1],
      "there are two blocks 'level1_0'; ids are unique",
    ),
    (
      (STEM, LOW),
      (*CHAIN[:1], Connection("rgb_0", "x")),
      "connection rgb_0->x: there is no block 'x'",
    ),
    (
      (STEM, LOW),
      (*CHAIN[:1], Connection("level1_0", "rgb_0")),
      "block 'rgb_0' on level 0 receives from 'level1_0' on level 1; "
      "connections run from lower to higher levels only",
    ),
    ((STEM, LOW), CHAIN[:1] * 2, "block 'level1_0' receives from 'rgb_0' twice; once is the most"),
    (
      (STEM, LOW, HIGH),
      CHAIN[:1],
      "block 'level1_0' on level 1 has no output; every block below the last level, 2, needs one",
    ),
    (
      (STEM, LOW, HIGH),
      (Connection("rgb_0", "level2_0"), CHAIN[1]),
      "block 'level1_0' on level 1 has no input; every block above level 0 needs one",
    ),
  ],
)
def test_a_graph_that_breaks_a_rule_is_refused(blocks, connections, text):
  with pytest.raises(ArchitectureError) as error:
    Architecture(blocks, connections)
  assert text in str(error.value)


def test_strides_that_do_not_divide_each_other_are_refused():
  thirds = dataclasses.replace(LOW, id="level1_1", spatial_stride=3)
  halves = dataclasses.replace(LOW, spatial_stride=2)
  with pytest.raises(
    ArchitectureError,
    match="block 'level2_0' receives spatial strides 4 "
    r"\(from 'level1_0'\) and 6; the strides that meet",
  ):
    Architecture(
      (STEM, halves, thirds, HIGH),
      (*CHAIN, Connection("rgb_0", "level1_1"), Connection("level1_1", "level2_0")),
    )


def test_an_unknown_block_is_named():
  architecture = Architecture((STEM, LOW), CHAIN[:1])
  with pytest.raises(ArchitectureError, match="no block 'x'; the blocks are rgb_0, level1_0"):
    architecture.block("x")


def test_order_does_not_matter():
  assert Architecture((HIGH, LOW, STEM), CHAIN[::-1]) == Architecture((STEM, LOW, HIGH), CHAIN)
  assert hash(Architecture((HIGH, LOW, STEM), CHAIN[::-1])) == hash(
    Architecture((STEM, LOW, HIGH), CHAIN)
  )


def test_neighbours_are_sorted_by_level_then_id(tiny):
  assert tiny.inputs("level2_0") == ("flow_0", "rgb_0", "level1_0", "level1_1")
  assert tiny.outputs("rgb_0") == ("level1_0", "level1_1", "level2_0")
  assert tiny.inputs("rgb_0") == ()


def test_strides_accumulate_from_the_largest_input(tiny):
  assert [tiny.stride(block.id) for block in tiny.blocks] == [4, 2, 4, 4, 8]
  assert tiny.input_stride("level1_0") == 4
  assert tiny.input_stride("rgb_0") == 1


def test_depth_counts_connections_of_the_longest_path(tiny, assemblenet_50):
  assert tiny.depth == 2
  assert assemblenet_50.depth == 4
  assert Architecture((STEM, LOW), CHAIN[:1]).depth == 1


def test_depth_ignores_what_no_stem_reaches():
  assert depth((STEM, LOW, HIGH), CHAIN[1:]) == 0
  assert depth((STEM, LOW, HIGH), (*CHAIN[1:], Connection("rgb_0", "level2_0"))) == 1


def test_possible_connections_run_upwards(assemblenet_50):
  assert len(assemblenet_50.possible_connections()) == 86
  assert len(assemblenet_50.connections) == 30


def test_an_architecture_knows_its_streams(tiny):
  assert tiny.streams == ("flow", "rgb")
  assert [stem.id for stem in tiny.stems] == ["flow_0", "rgb_0"]
  assert tiny.last_level == 2

"""Structure lists of the Model Garden, both ways."""

import copy
import dataclasses

import pytest

from official.architecture import presets
from official.architecture import structure_list
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection

SMALL = {
  "depth": 26,
  "structure": [
    [-1, 4],
    [-2, 1],
    [0, [0, 1], 32, 1, 1, 0],
    [1, [0, 2], 64, 2, 2, 0],
    [2, [3], 128, 8, 2, 0],
    [3, [2, 4], 256, 1, 2, 0],
  ],
  "weights": [[], [], [[0.25, 0.75]], [[0.125, 0.5]], [], [[0.9, 0.1]]],
}


def test_rows_become_blocks():
  architecture = structure_list.from_json(SMALL).architecture
  stem, block = architecture.block("node_1"), architecture.block("node_3")
  assert (stem.kind, stem.streams, stem.channels, stem.spatial_stride) == (
    "stem_2d",
    ("flow",),
    64,
    4,
  )
  assert (
    block.level,
    block.kind,
    block.channels,
    block.modules,
    block.temporal_dilation,
    block.spatial_stride,
    block.intermediate_channels,
  ) == (2, "interleaved_bottleneck", 64, 2, 2, 2, 128)
  assert architecture.inputs("node_5") == ("node_2", "node_4")


def test_weights_belong_to_connections_and_single_inputs_have_none():
  weights = structure_list.from_json(SMALL).connection_weights
  assert weights[Connection("node_1", "node_2")] == 0.75
  assert Connection("node_3", "node_4") not in weights and len(weights) == 6


@pytest.mark.parametrize("name", presets.names())
def test_published_lists_round_trip(name):
  weighted = presets.load(name)
  assert structure_list.from_json(structure_list.to_json(weighted)) == weighted


def test_a_list_round_trips():
  assert structure_list.to_json(structure_list.from_json(SMALL)) == SMALL


def test_a_weight_of_one_passes_an_input_on():
  data = copy.deepcopy(SMALL)
  data["weights"][2:5] = [[[1, 0.75]], [[0.125, 0.5]], [[1.0]]]
  weighted = structure_list.from_json(data)
  assert weighted.connection_weights[Connection("node_0", "node_2")] == 1.0
  assert weighted.connection_weights[Connection("node_3", "node_4")] == 1.0
  assert structure_list.to_json(weighted) == data
  text = structure_list.weights_to_text(weighted.connection_weights)
  assert structure_list.weights_from_text(text) == weighted.connection_weights


def test_rows_keep_their_order_whatever_their_levels():
  data = copy.deepcopy(SMALL)
  data["structure"][2:4] = [[0, [0], 32, 1, 1, 0], [-1, 1]]
  data["structure"].append([1, [1, 2, 3], 64, 1, 2, 0])
  data["structure"][4:6] = [[2, [3], 128, 8, 2, 0], [3, [2, 4], 256, 1, 2, 0]]
  data["structure"].append([3, [6], 256, 1, 2, 0])
  data["weights"] = [[]] * 8
  assert structure_list.to_json(structure_list.from_json(data)) == data


def test_five_numbers_a_row_will_do():
  short = copy.deepcopy(SMALL)
  for row in short["structure"][2:]:
    row.pop()
  assert structure_list.from_json(short) == structure_list.from_json(SMALL)


@pytest.mark.parametrize(
  "change, text",
  [
    (lambda d: d.update(depth=18), "depth is 18; the depths are 26, 38, 50, 68, 77, 101"),
    (lambda d: d.update(structure=3), "structure is 3; it is a list of lists"),
    (lambda d: d.update(levels=4), "a structure list is an object with depth, structure"),
    (lambda d: d["structure"].pop(), "it has one list for each of the 5 rows of structure"),
    (
      lambda d: d["structure"].insert(0, [-3, 1]) or d["weights"].insert(0, []),
      "row 0 of structure is [-3, 1]: a stem reads -1 (rgb) or -2 (flow)",
    ),
    (lambda d: d["structure"][2].insert(0, 4), "row 2 of structure is [4, 0, [0, 1], 32, 1, 1, 0]"),
    (
      lambda d: d["structure"][2][1].append(2),
      "row 2 of structure has the input 2; inputs are rows above it, 0 to 1",
    ),
    (
      lambda d: d["weights"][2][0].pop(),
      "row 2 of weights is [[0.25]]: it is [], or [[...]] with "
      "a number between 0 and 1 for each of 2 inputs",
    ),
    (lambda d: d["weights"][2][0].__setitem__(0, 1.1), "row 2 of weights is [[1.1, 0.75]]: it is"),
    (lambda d: d["weights"][2][0].__setitem__(0, 0), "row 2 of weights is [[0, 0.75]]: it is []"),
    (lambda d: d["structure"][5].__setitem__(0, 2), "structure has no node on level 3"),
  ],
)
def test_a_wrong_list_is_refused(change, text):
  data = copy.deepcopy(SMALL)
  change(data)
  with pytest.raises(ArchitectureError) as error:
    structure_list.from_json(data)
  assert text in str(error.value)


@pytest.mark.parametrize(
  "block, change, text",
  [
    (
      0,
      {"channels": 32},
      "block 'node_0': a stem of a structure list is stem_2plus1d on rgb or "
      "stem_2d on flow, with spatial stride 4 and, of 2 stems, 64 channels",
    ),
    (
      2,
      {"intermediate_channels": 32},
      "block 'node_2': a block of a structure list on level 1 is "
      "interleaved_bottleneck with intermediate_channels 64",
    ),
    (2, {"modules": 3}, "modules by level are {1: 3, 2: 2, 3: 2, 4: 2}"),
  ],
)
def test_what_the_model_garden_cannot_build_is_refused(block, change, text):
  architecture = structure_list.from_json(SMALL).architecture
  blocks = list(architecture.blocks)
  blocks[block] = dataclasses.replace(blocks[block], **change)
  with pytest.raises(ArchitectureError) as error:
    structure_list.to_json(
      structure_list.WeightedArchitecture(
        architecture=dataclasses.replace(architecture, blocks=tuple(blocks)), connection_weights={}
      )
    )
  assert text in str(error.value)


def test_half_of_the_weights_of_a_block_cannot_be_written():
  weighted = structure_list.from_json(SMALL)
  left = {c: w for c, w in weighted.connection_weights.items() if c.source != "node_0"}
  with pytest.raises(ArchitectureError, match="'node_2': some of its inputs have a connection"):
    structure_list.to_json(dataclasses.replace(weighted, connection_weights=left))

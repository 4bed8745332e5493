"""A network as it is shown: shares of streams, and the connections that a child would not keep."""

import pytest

from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.reports import drawn_network
from official.reports import network_table

RGB = Block(
  id="rgb_0", level=0, kind="stem_2plus1d", channels=8, streams=("rgb",), spatial_stride=2
)
FLOW = Block(id="flow_0", level=0, kind="stem_2d", channels=8, streams=("flow",), spatial_stride=2)
A = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=16)
B = Block(id="level2_0", level=2, kind="basic_2plus1d", channels=16, modules=2, temporal_dilation=4)
WEIGHTS = {
  Connection("rgb_0", "level1_0"): 0.9,
  Connection("flow_0", "level1_0"): 0.1,
  Connection("level1_0", "level2_0"): 0.4,
}
NETWORK = Architecture((RGB, FLOW, A, B), tuple(WEIGHTS))
WEAK = {Connection("flow_0", "level1_0")}


def test_shares_are_means_by_weight():
  shares = drawn_network.shares(drawn_network.make(NETWORK, WEIGHTS))
  assert shares["level1_0"] == pytest.approx({"flow": 0.1, "rgb": 0.9})
  assert shares["level2_0"] == pytest.approx(shares["level1_0"])
  assert drawn_network.leading(shares["level2_0"]) == "rgb"


def test_without_weights_inputs_share_evenly_and_nothing_is_dashed():
  network = drawn_network.make(NETWORK)
  assert drawn_network.shares(network)["level1_0"] == {"flow": 0.5, "rgb": 0.5}
  assert drawn_network.leading(drawn_network.shares(network)["level1_0"]) is None
  assert (network.weak, network.weak_means) == (frozenset(), "")


def test_the_only_input_of_a_block_is_never_dashed():
  assert drawn_network.make(NETWORK, WEIGHTS).weak == WEAK


@pytest.mark.parametrize(
  "identity, weak, means",
  [
    ({"weight_threshold": 0.05}, set(), "a weight of 0.05 or less: a child would not keep it"),
    ({"weight_threshold": "uniform:0.2:0.8"}, WEAK, "thresholds are drawn at random"),
    ({"guidance": "random"}, WEAK, "does not go by weights"),
  ],
)
def test_what_is_dashed_follows_the_guidance(identity, weak, means):
  network = drawn_network.make(NETWORK, WEIGHTS, identity=identity)
  assert network.weak == weak
  assert means in network.weak_means


def test_guidance_by_sensitivity_dashes_what_it_would_drop():
  values = dict.fromkeys(WEIGHTS, 1.0) | {Connection("rgb_0", "level1_0"): 0.1}
  network = drawn_network.make(
    NETWORK, WEIGHTS, identity={"guidance": "sensitivity"}, sensitivities=values
  )
  assert network.weak == {Connection("rgb_0", "level1_0")}
  assert "weakest sensitivities" in network.weak_means


def test_blocks_read_the_strongest_first_and_what_is_dashed_is_marked():
  network = drawn_network.make(NETWORK, WEIGHTS, {"level1_0": 0.25, "level2_0": 0.75})
  assert network_table.reads_from(network) == {
    "flow_0": "flow",
    "rgb_0": "rgb",
    "level1_0": "rgb_0 0.90, flow_0 0.10*",
    "level2_0": "level1_0 0.40",
    "head": "level2_0 0.75, level1_0 0.25",
  }
  assert network_table.legend(network).startswith("* a weight of 0.5 or less")


def test_the_table_has_a_row_for_every_block():
  network = drawn_network.make(NETWORK, WEIGHTS)
  header, rows = network_table.header(network), network_table.rows(network)
  assert [row[0] for row in rows] == ["flow_0", "rgb_0", "level1_0", "level2_0"]
  assert {len(row) for row in rows} == {len(header)}
  assert dict(zip(header, rows[-1])) == {
    "block": "level2_0",
    "kind": "basic_2plus1d",
    "C": 16,
    "dilation": 4,
    "stride": 1,
    "modules": 2,
    "reads from (weight)": "level1_0 0.40",
    "streams that reach it": "flow 10%, rgb 90%",
  }

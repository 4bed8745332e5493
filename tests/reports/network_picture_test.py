"""Pictures of networks: everything is in them, and the same network gives the same bytes."""

import dataclasses
import re
from xml.etree import ElementTree

import pytest

from official.architecture import presets
from official.architecture.architecture import Architecture
from official.architecture.architecture import Connection
from official.reports import drawn_network
from official.reports import network_picture


@pytest.fixture(scope="module")
def network():
  weighted = presets.load("assemblenet-50")
  return drawn_network.make(weighted.architecture, weighted.connection_weights)


@pytest.fixture(scope="module")
def svg(network):
  return network_picture.draw(network, heading="A & B <b>").svg("net", "A network", "What it is")


def _texts(svg, tag):
  return [
    element.text
    for element in ElementTree.fromstring(svg).iter()
    if element.tag[-len(tag) :] == tag
  ]


def test_every_block_and_every_connection_can_be_asked(network, svg):
  told = "\n".join(_texts(svg, "title"))
  for block in network.architecture.blocks:
    assert f"{block.id}: {block.kind}" in told
  for connection in network.architecture.connections:
    weight = network.weights.get(connection)
    known = "of unknown weight" if weight is None else f"weight {weight:.3f}"
    assert f"{connection.source} to {connection.target}: {known}" in told


def test_blocks_say_their_sizes_as_text(svg):
  texts = _texts(svg, "text")
  assert "node_00 ← rgb" in texts
  assert "C 64 · r 2 · s 2 · ×4" in texts
  assert {"stems", "level 1", "level 4", "head", "A & B <b>"} <= set(texts)


def test_weak_connections_are_dashed_and_strong_ones_are_wide(network, svg):
  dashed = [style for style in re.findall(r'style="([^"]+)"', svg) if "stroke-dasharray" in style]
  assert len(dashed) == len(network.weak) + 1  # And one in the legend.
  widths = [float(each) for each in re.findall(r"stroke-width: ([\d.]+)", svg)]
  strongest = max(network.weights.values())
  assert network_picture.line_width(strongest) == pytest.approx(max(widths), abs=0.01)


def test_the_same_network_gives_the_same_bytes_whatever_the_order(network, svg):
  other = dataclasses.replace(network, weights=dict(reversed(network.weights.items())))
  again = network_picture.draw(other, heading="A & B <b>")
  assert again.svg("net", "A network", "What it is") == svg


def test_marks_are_told_too(network):
  gone = Connection("node_00", "node_05")
  marks = network_picture.Marks(frozenset({gone}), {"node_05": "split"}, "gone")
  told = _texts(network_picture.draw(network, marks=marks).svg(), "title")
  assert any(text.startswith("node_00 to node_05") and text.endswith(", gone") for text in told)
  assert any(text.startswith("node_05: ") and text.endswith("; split") for text in told)


def test_a_dense_head_reads_blocks_of_all_levels():
  architecture = presets.load("two-stream-late").architecture
  strengths = {block.id: 0.25 for block in architecture.blocks}
  network = drawn_network.make(architecture, {}, strengths)
  told = _texts(network_picture.draw(network).svg(), "title")
  assert sum("strength 0.250 in the head" in text and "; " not in text for text in told) == len(
    architecture.blocks
  )


def test_a_long_name_of_a_kind_is_shortened(network):
  block = dataclasses.replace(network.architecture.blocks[0], id="a" * 40)
  renamed = Architecture(
    (block, *network.architecture.blocks[1:]),
    tuple(
      Connection(block.id if c.source == "node_00" else c.source, c.target)
      for c in network.architecture.connections
    ),
  )
  texts = _texts(network_picture.draw(drawn_network.make(renamed)).svg(), "text")
  assert "a" * 16 + "…" in texts


def test_the_description_says_what_cannot_be_seen(network):
  assert network_picture.description(network).startswith(
    "A network of 15 blocks (4 on level 0, 4 on level 1, 4 on level 2, 2 on level 3, 1 on level 4) "
    "and 30 connections, 11 of them dashed"
  )

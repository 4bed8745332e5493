"""The published networks by name."""

import pytest

from official.architecture import cost
from official.architecture import presets
from official.architecture.architecture import Connection


# Of the public reference, with its connection weights; it has none where a block has one input.
@pytest.mark.parametrize(
  "name, published, single_inputs",
  [
    ("assemblenet-50", 37_273_903, 2),
    ("assemblenet-101", 53_309_487, 2),
    ("two-stream-late", 36_154_899, 8),
    ("two-stream-fused-at-4", 38_596_115 + 2, 6),
    ("two-stream-flow-to-rgb", 38_596_115 + 8, 3),
    ("two-stream-fully-connected", 38_596_115 + 14, 0),
    ("four-stream-fully-connected", 33_036_563 + 52, 0),
  ],
)
def test_parameters_at_339_classes_are_the_published_ones(name, published, single_inputs):
  architecture = presets.load(name).architecture
  single = sum(len(architecture.inputs(block.id)) == 1 for block in architecture.blocks)
  assert single == single_inputs
  assert cost.parameters(architecture, {"rgb": 3, "flow": 2}, 339) == published + single_inputs


def test_assemblenet_50_starts_with_its_28_weights():
  weights = presets.load("assemblenet-50").connection_weights
  assert len(weights) == 28
  assert weights[Connection("node_00", "node_06")] == 0.13810564577579498
  assert weights[Connection("node_13", "node_14")] == 0.8454614877700806

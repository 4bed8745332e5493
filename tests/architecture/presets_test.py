"""The published networks by name."""

import json

import pytest

from data_prep.cli import UserError
from official.architecture import cost
from official.architecture import presets
from official.architecture import serialization
from official.architecture import structure_list
from official.architecture.architecture import Connection


# Of the public reference, with its connection weights; it has none where a block has one input.
@pytest.mark.parametrize("name, published, single_inputs", [
    ("assemblenet-50", 37_273_903, 2),
    ("assemblenet-101", 53_309_487, 2),
    ("two-stream-late", 36_154_899, 8),
    ("two-stream-fused-at-4", 38_596_115 + 2, 6),
    ("two-stream-flow-to-rgb", 38_596_115 + 8, 3),
    ("two-stream-fully-connected", 38_596_115 + 14, 0),
    ("four-stream-fully-connected", 33_036_563 + 52, 0),
])
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


def test_a_file_may_hold_an_architecture(tmp_path):
  architecture = presets.load("two-stream-late").architecture
  path = tmp_path / "mine.json"
  path.write_text(json.dumps(serialization.to_json(architecture)))
  assert presets.load(str(path)) == structure_list.WeightedArchitecture(
      architecture=architecture, connection_weights={})


def test_a_file_may_hold_a_structure_list(tmp_path):
  path = tmp_path / "mine.json"
  path.write_text(json.dumps(structure_list.to_json(presets.load("assemblenet-50"))))
  assert presets.load(str(path)) == presets.load("assemblenet-50")


def test_an_unknown_name_is_refused_with_the_names():
  with pytest.raises(UserError, match="no network 'assemblenet': the names are assemblenet-101, "
                                      "assemblenet-50, .* and there is no file"):
    presets.load("assemblenet")


@pytest.mark.parametrize("text, said", [
    ("{", "cannot read it as JSON"), ('{"blocks": []}', "format_version is None"),
    ('{"structure": []}', "depth is None")])
def test_a_wrong_file_is_refused_with_its_path(tmp_path, text, said):
  path = tmp_path / "mine.json"
  path.write_text(text)
  with pytest.raises(UserError, match=f"network {path}: {said}"):
    presets.load(str(path))

"""Architectures by the names that a command line gives them."""

import json

import pytest

from data_prep.common import cli
from official.architecture import presets
from official.architecture import serialization
from official.architecture import sources
from official.architecture import structure_list
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

_STEM = Block(id="rgb_0", level=0, kind="stem_2d", streams=("rgb",), channels=8, spatial_stride=2)
_BLOCK = Block(id="level1_0", level=1, kind="basic_2plus1d", channels=8)
_ARCHITECTURE = Architecture((_STEM, _BLOCK), (Connection("rgb_0", "level1_0"),))


@pytest.mark.parametrize(
  "wrap", [lambda data: data, lambda data: {"architecture": data, "seed": 3}]
)
def test_a_file_is_an_architecture_or_a_candidate(tmp_path, wrap):
  path = tmp_path / "some.json"
  path.write_text(json.dumps(wrap(serialization.to_json(_ARCHITECTURE))))
  assert sources.load(str(path)).architecture == _ARCHITECTURE


def test_json_text_is_an_architecture():
  found = sources.load(json.dumps(serialization.to_json(_ARCHITECTURE)))
  assert (found.architecture, found.connection_weights) == (_ARCHITECTURE, {})


def test_a_name_is_a_published_network_with_its_weights():
  assert sources.load("assemblenet-50") == presets.load("assemblenet-50")


def test_a_file_may_be_a_structure_list(tmp_path):
  path = tmp_path / "list.json"
  path.write_text(json.dumps(structure_list.to_json(presets.load("assemblenet-50"))))
  assert sources.load(str(path)) == presets.load("assemblenet-50")


@pytest.mark.parametrize(
  "content, message",
  [
    ("{", "some.json: Expecting property name"),
    ('{"format_version": 7}', "some.json: format_version is 7; this program reads 1"),
    ('{"format_version": 1, "blocks": [], "connections": []}', "there is no block on level 0"),
  ],
)
def test_an_invalid_file_is_refused(tmp_path, content, message):
  path = tmp_path / "some.json"
  path.write_text(content)
  with pytest.raises(cli.UserError, match=message):
    sources.load(str(path))


def test_what_is_no_file_is_refused():
  with pytest.raises(cli.UserError, match="--architecture=nowhere.json is no file, and no"):
    sources.load("nowhere.json")


@pytest.mark.parametrize(
  "content",
  [
    b"",
    b"\xff\x00",
    b"{",
    b"[" * 100_000,
    b"null",
    b"[]",
    b"{}",
    b"7",
    b'{"depth": [], "structure": [[-1, 1]]}',
    b'{"depth": 50, "structure": [[[], 1]]}',
    b'{"format_version": 1, "blocks": [{"id": "a", "level": 0, "kind": [], "channels": 1}],'
    b' "connections": []}',
    b'{"format_version": 1, "blocks": [{"id": "a", "level": 0, "kind": "stem_2d", "channels": 1,'
    b' "streams": [[]]}], "connections": []}',
  ],
)
def test_a_damaged_file_is_one_error(tmp_path, content):
  (tmp_path / "a.json").write_bytes(content)
  with pytest.raises(cli.UserError, match="--architecture=.*a.json"):
    sources.load(str(tmp_path / "a.json"))

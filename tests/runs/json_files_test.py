import math
import os

import numpy as np
import pytest

from official.runs import json_files


def test_what_is_written_is_read(tmp_path):
  path = str(tmp_path / "a.json")
  json_files.write_json(path, {"number": 1, "list": [0.5, None, "x"]})
  assert json_files.read_json(path) == {"number": 1, "list": [0.5, None, "x"]}


def test_equal_content_gives_equal_bytes_and_nothing_else_is_left(tmp_path):
  for name in ("a.json", "b.json"):
    json_files.write_json(str(tmp_path / name), {"x": 0.1})
  assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
  assert json_files.names(str(tmp_path)) == ["a.json", "b.json"]


def test_no_file_is_none_and_no_folder_is_empty(tmp_path):
  assert json_files.read_json(str(tmp_path / "a.json")) is None
  assert json_files.names(str(tmp_path / "folder")) == []


def test_numpy_becomes_plain_and_what_is_no_number_becomes_null():
  value = {
    "array": np.float32([0.5, 2]),
    "scalar": np.int64(3),
    "nan": math.nan,
    "tuple": (np.float64("inf"), True),
  }
  assert json_files.plain(value) == {
    "array": [0.5, 2.0],
    "scalar": 3,
    "nan": None,
    "tuple": [None, True],
  }


def test_what_json_has_no_form_for_is_refused():
  with pytest.raises(TypeError, match="set .* is no plain data"):
    json_files.plain({"a": {1, 2}})


@pytest.mark.slow
def test_a_url_is_read_and_written_through_gfile(tmp_path):
  folder = f"file://{tmp_path}/run"
  json_files.make_directory(folder)
  json_files.write_json(json_files.join(folder, "a.json"), {"x": 1})
  assert json_files.read_json(json_files.join(folder, "a.json")) == {"x": 1}
  assert json_files.names(folder) == ["a.json"]
  assert os.path.exists(tmp_path / "run" / "a.json")
  json_files.remove(json_files.join(folder, "a.json"))
  assert json_files.read_json(json_files.join(folder, "a.json")) is None
  json_files.remove_tree(folder)
  assert not json_files.exists(folder)


def test_a_field_has_a_line_and_what_is_no_number_is_none(tmp_path):
  path = str(tmp_path / "a.json")
  json_files.write_json(path, {"x": [1, 2], "y": float("nan")})
  assert (tmp_path / "a.json").read_text() == '{\n "x": [1, 2],\n "y": null\n}\n'


ARCHITECTURE = {
  "format_version": 1,
  "blocks": [
    {"id": "rgb_0", "level": 0, "streams": ["rgb"]},
    {"id": "level1_0", "level": 1, "channels": 4},
  ],
  "connections": [{"source": "rgb_0", "target": "level1_0"}],
}


def test_a_block_and_a_connection_have_a_line(tmp_path):
  path = str(tmp_path / "a.json")
  json_files.write_json(path, {"seed": 3, "architecture": ARCHITECTURE})
  with open(path, encoding="utf-8") as file:
    assert file.read().splitlines() == [
      "{",
      ' "seed": 3,',
      ' "architecture": {',
      '  "format_version": 1,',
      '  "blocks": [',
      '   {"id": "rgb_0", "level": 0, "streams": ["rgb"]},',
      '   {"id": "level1_0", "level": 1, "channels": 4}',
      "  ],",
      '  "connections": [',
      '   {"source": "rgb_0", "target": "level1_0"}',
      "  ]",
      " }",
      "}",
    ]
  assert json_files.read_json(path) == {"seed": 3, "architecture": ARCHITECTURE}


@pytest.mark.parametrize(
  "content",
  [
    {},
    {"a": [], "b": {}, "c": [[], [{}]], "d": None},
    {"a": {"b": {"c": [{"d": [{"e": "}, {"}]}]}}},
    {"long": {f"name_{number}": number / 7 for number in range(30)}},
    {"members": [{"candidate": 3, "metrics": {"test": {"accuracy": 0.5, "loss": None}}}]},
    {"stems": [[{"kind": "a"}, {"kind": "b"}], [{"kind": "c"}]], "tuple": ((1, 2), {"x": 1})},
    [{"a": 1}, 2, "x"],
    7,
  ],
)
def test_any_content_is_read_as_it_was_written(tmp_path, content):
  path = str(tmp_path / "a.json")
  json_files.write_json(path, content)
  assert json_files.read_json(path) == json_files.plain(content)


def test_a_long_object_has_a_line_for_each_field_and_a_short_one_has_one(tmp_path):
  path = tmp_path / "a.json"
  json_files.write_json(str(path), {"short": {"a": 1}, "long": {"a" * 60: 1, "b" * 60: 2}})
  assert path.read_text().count("\n") == 7


def test_a_file_is_flushed_before_it_is_renamed_and_its_folder_after(tmp_path, monkeypatch):
  done = []
  real = {name: getattr(os, name) for name in ("fsync", "replace")}
  monkeypatch.setattr(
    os,
    "fsync",
    lambda descriptor: (
      done.append(os.readlink(f"/proc/self/fd/{descriptor}")),
      real["fsync"](descriptor),
    ),
  )
  monkeypatch.setattr(
    os, "replace", lambda *names: (done.append("rename"), real["replace"](*names))
  )
  json_files.write_json(str(tmp_path / "a.json"), {"a": 1})
  assert done[0].startswith(str(tmp_path / "a.json")) and done[1:] == ["rename", str(tmp_path)]


def test_nothing_is_left_of_a_file_that_cannot_be_renamed(tmp_path):
  (tmp_path / "a.json").mkdir()
  with pytest.raises(OSError):
    json_files.write_json(str(tmp_path / "a.json"), {})
  assert os.listdir(tmp_path) == ["a.json"]

"""The registry of stream kinds, and what dataset.json may say of a stream."""

import ast
import json
import pathlib

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds import flow
from data_prep.dataset.stream_kinds import image


def test_the_kinds():
  assert {"flow", "image"} <= set(stream_kinds.names())
  assert stream_kinds.get("flow") is flow.KIND


def test_a_kind_cannot_be_registered_twice():
  with pytest.raises(ValueError, match="there is already a stream kind 'image'"):
    stream_kinds.register(image.KIND)


def test_a_name_with_a_dot_imports_its_module(tmp_path, monkeypatch):
  (tmp_path / "my_streams.py").write_text(
    "import dataclasses\n"
    "from data_prep.dataset import stream_kinds\n"
    "from data_prep.dataset.stream_kinds import image\n"
    "stream_kinds.register(dataclasses.replace(image.KIND, name='my_streams.depth'))\n"
  )
  monkeypatch.syspath_prepend(str(tmp_path))
  monkeypatch.setattr(stream_kinds, "_KINDS", dict(stream_kinds._KINDS))
  assert stream_kinds.get("my_streams.depth").unit == "[-1, 1]"
  with pytest.raises(ValueError, match="module my_streams registers none of that name"):
    stream_kinds.get("my_streams.heat")


def _written(folder, stream: dict) -> str:
  """Writes a dataset.json with that stream, and returns its folder."""
  splits = {name: {"clips": 0, "frames": 0, "shards": 0} for name in metadata.SPLITS}
  content = {
    "schema_version": 1,
    "classes": ["a"],
    "streams": {"x": stream},
    "fps": 10.0,
    "short_side": 32,
    "splits": splits,
    "failures": 0,
    "multi_label": False,
    "manifest_sha256": "",
    "settings": {},
    "versions": {},
  }
  (folder / "dataset.json").write_text(json.dumps(content))
  return str(folder)


@pytest.mark.parametrize(
  "facts, message",
  [
    (
      {"kind": "depht"},
      "dataset.json: the stream 'x' has an unknown stream kind 'depht'; "
      "the kinds are array, depth, flow, image, mask",
    ),
    (
      {"kind": "nowhere.heat"},
      "the stream 'x' cannot be read: stream kind 'nowhere.heat': No module named 'nowhere'",
    ),
    ({"channels": 4}, "the stream 'x' has 4 channels, and the kind image takes 1 or 2 or 3; make"),
    ({"kind": "flow", "bound": 20.0}, "has 3 channels, and the kind flow takes 2; make one"),
    ({"kind": "flow", "channels": 2}, "has the bound None, and flow needs one above 0, in pixels"),
    ({"format": "gif"}, "has the format 'gif', and the kind image takes png or jpeg; make one"),
  ],
)
def test_a_stream_that_is_none_of_its_kind_is_one_line(tmp_path, monkeypatch, facts, message):
  monkeypatch.setattr(
    stream_kinds, "_KINDS", {"flow": flow.KIND, "image": image.KIND}
  )  # Other tests may have registered more.
  plain = {"kind": "image", "channels": 3, "feature": "image/encoded", "format": "jpeg"}
  assert metadata.load(_written(tmp_path, plain)).streams["x"].channels == 3
  with pytest.raises(cli.UserError) as error:
    metadata.load(_written(tmp_path, plain | facts))
  assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 7, 16, 33, 64])
def test_images_are_mirrored_in_place(channels, size):
  clip = np.random.default_rng(0).integers(0, 256, (3, size, size, channels), np.uint8)
  expected = clip[:, :, ::-1].copy()
  image.KIND.mirror(clip)
  np.testing.assert_array_equal(clip, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16])
@pytest.mark.parametrize("size", [1, 2, 7, 16, 33, 64])
def test_mirrored_flow_has_its_x_negated(dtype, size):
  rng = np.random.default_rng(0)
  clip = rng.integers(1, 256, (3, size, size, 2)).astype(dtype)
  expected = clip[:, :, ::-1].copy()
  expected[..., 0] = (256 if dtype == np.uint8 else 0) - expected[..., 0].astype(np.float32)
  flow.KIND.mirror(clip)
  np.testing.assert_array_equal(clip, expected)


def test_a_grey_image_is_shown_in_grey():
  picture = image.KIND.picture(np.full((2, 3), 7, np.uint8), None)
  assert picture.shape == (2, 3, 3) and (picture == 7).all()


def _asks_for_a_kind(node: ast.AST) -> bool:
  """Returns whether some `.kind` is compared with the name of a stream kind."""
  if not isinstance(node, ast.Compare):
    return False
  sides = [node.left, *node.comparators]
  return any(isinstance(one, ast.Attribute) and one.attr == "kind" for one in sides) and any(
    isinstance(one, ast.Constant) and one.value in ("flow", "image") for one in sides
  )


def test_nothing_asks_which_kind_a_stream_is():
  root = pathlib.Path(__file__).parents[3]
  found = [
    f"{file.relative_to(root)}:{node.lineno}"
    for room in ("data_prep", "official")
    for file in sorted((root / room).rglob("*.py"))
    for node in ast.walk(ast.parse(file.read_text()))
    if _asks_for_a_kind(node)
  ]
  assert found == [], "give the kind a method instead (data_prep.dataset.stream_kinds)"

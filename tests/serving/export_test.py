"""Exported networks: what a server finds, and that it computes what Keras computes."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from official import network
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.serving import export

_CLASSES = ("carry", "drop", "über", "wave")


def _architecture() -> Architecture:
  stem = dict(level=0, channels=4, spatial_stride=2)
  return Architecture(
    (
      Block(id="rgb_0", kind="stem_2plus1d", streams=("rgb",), **stem),
      Block(id="flow_0", kind="stem_2d", streams=("flow",), **stem),
      Block(id="level1_0", level=1, kind="basic_2plus1d", channels=4, temporal_dilation=2),
    ),
    (Connection("rgb_0", "level1_0"), Connection("flow_0", "level1_0")),
  )


@pytest.fixture(scope="module")
def model():
  tf.keras.utils.set_random_seed(3)
  built = network.build_network(
    _architecture(), streams={"rgb": 3, "flow": 2}, num_frames=4, height=16, width=16, num_classes=4
  )
  for variable in built.variables:  # statistics and gammas as after a training
    variable.assign_add(tf.random.uniform(variable.shape, 0.0, 0.5))
  return built


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
  base = tmp_path_factory.mktemp("export")
  return export.export(
    model, str(base), classes=_CLASSES, architecture=serialization.to_json(_architecture())
  )


def _clips(batch: int) -> dict[str, np.ndarray]:
  rng = np.random.default_rng(0)
  return {
    "rgb": rng.uniform(-1, 1, (batch, 4, 16, 16, 3)).astype(np.float32),
    "flow": rng.normal(0, 2, (batch, 4, 16, 16, 2)).astype(np.float32),
  }


def _run_in_c(
  saved_model: str, clips: dict[str, np.ndarray], folder: pathlib.Path
) -> dict[str, np.ndarray]:
  from tensorflow.python.saved_model import loader_impl

  (graph,) = loader_impl.parse_saved_model(saved_model).meta_graphs
  signature = graph.signature_def["serving_default"]
  request = {
    "library": importlib.util.find_spec("tensorflow").submodule_search_locations[0],
    "saved_model": saved_model,
    "inputs": [
      {"tensor": info.name, "file": str(folder / f"in_{name}.npy")}
      for name, info in signature.inputs.items()
    ],
    "outputs": [
      {"tensor": info.name, "dtype": info.dtype, "file": str(folder / f"out_{name}.npy")}
      for name, info in signature.outputs.items()
    ],
  }
  for name, values in clips.items():
    np.save(folder / f"in_{name}.npy", values)
  (folder / "request.json").write_text(json.dumps(request))
  script = pathlib.Path(__file__).with_name("c_api.py")
  done = subprocess.run(
    [sys.executable, str(script), str(folder / "request.json")], capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  return {name: np.load(folder / f"out_{name}.npy") for name in signature.outputs}


def test_answers_through_the_c_api_as_keras_does(exported, model, tmp_path):
  clips = _clips(3)
  answer = _run_in_c(exported, clips, tmp_path)
  expected = tf.nn.softmax(model(clips, training=False)).numpy()
  np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-4)
  assert answer["classes"][:, 0].tolist() == [_CLASSES[i] for i in expected.argmax(1)]
  np.testing.assert_allclose(answer["scores"], -np.sort(-expected, 1), atol=1e-4)


def test_a_batch_is_answered_like_its_clips_one_by_one(exported):
  predict = tf.saved_model.load(exported).signatures["serving_default"]
  clips = {name: tf.constant(values) for name, values in _clips(3).items()}
  together = predict(**clips)["probabilities"]
  alone = [
    predict(**{name: values[i : i + 1] for name, values in clips.items()})["probabilities"]
    for i in range(3)
  ]
  np.testing.assert_allclose(together, tf.concat(alone, 0), atol=1e-6)


def test_holds_one_graph_tagged_serve_without_python_operations(exported):
  from tensorflow.python.saved_model import loader_impl

  (graph,) = loader_impl.parse_saved_model(exported).meta_graphs
  nodes = [
    *graph.graph_def.node,
    *(n for f in graph.graph_def.library.function for n in f.node_def),
  ]
  assert list(graph.meta_info_def.tags) == ["serve"]
  assert not [node.op for node in nodes if "PyFunc" in node.op]


def test_carries_labels_and_architecture(exported):
  assets = pathlib.Path(exported, "assets")
  assert assets.joinpath("labels.txt").read_text(encoding="utf-8").split() == list(_CLASSES)
  assert (
    serialization.from_json(json.loads(assets.joinpath("architecture.json").read_text()))
    == _architecture()
  )


def test_takes_the_next_free_number_and_leaves_nothing_else(model, tmp_path):
  tmp_path.joinpath("7").mkdir()
  path = export.export(model, str(tmp_path), classes=_CLASSES, architecture={})
  assert path == str(tmp_path / "8")
  assert sorted(os.listdir(tmp_path)) == ["7", "8"]


@pytest.fixture(scope="module")
def blind_to_flow():
  """A network that reads one of the two streams."""
  both = _architecture()
  blocks = tuple(block for block in both.blocks if block.id != "flow_0")
  architecture = Architecture(blocks, (Connection("rgb_0", "level1_0"),))
  tf.keras.utils.set_random_seed(4)
  return network.build_network(
    architecture, streams={"rgb": 3}, num_frames=4, height=16, width=16, num_classes=4
  )


def test_an_ensemble_answers_with_the_mean_of_its_members(model, blind_to_flow, tmp_path):
  path = export.export(
    export.Ensemble([blind_to_flow, model]), str(tmp_path), classes=_CLASSES, architecture=[]
  )
  predict = tf.saved_model.load(path).signatures["serving_default"]
  assert set(predict.structured_input_signature[1]) == {"rgb", "flow"}
  clips = {name: tf.constant(values) for name, values in _clips(3).items()}
  expected = (
    tf.nn.softmax(model(clips)) + tf.nn.softmax(blind_to_flow({"rgb": clips["rgb"]}))
  ) / 2
  answer = predict(**clips)
  np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)
  assert set(answer) == {"probabilities", "classes", "scores"}

"""A small network of two streams, exported."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official import network
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.serving import exporter
from official.serving import saved_model


@pytest.fixture(scope="package")
def info():
  image = dict(kind="image", channels=3, feature="image/encoded", format="jpeg")
  flow = dict(kind="flow", channels=2, feature="FORWARD_FLOW/image/encoded", format="png")
  splits = {name: metadata.SplitInfo(clips=2, frames=9, shards=1) for name in metadata.SPLITS}
  return metadata.DatasetInfo(
    classes=("carry", "drop", "über", "wave"),
    streams={
      "rgb": StreamInfo(**image),
      "flow": StreamInfo(**flow, bound=20.0, algorithm="tvl1", profile="fast"),
    },
    fps=10.0,
    short_side=24,
    splits=splits,
    failures=0,
    multi_label=False,
    manifest_sha256="0",
    settings={},
    versions={},
  )


@pytest.fixture(scope="package")
def frames():
  """A texture that moves by (2, 1) pixels a frame, uint8 [4, 30, 40, 3]."""
  noise = np.random.default_rng(0).uniform(0, 255, (30, 40, 3)).astype(np.float32)
  image = np.clip(4 * (cv2.GaussianBlur(noise, (0, 0), 2) - 127) + 127, 0, 255).astype(np.uint8)
  return np.stack([np.roll(image, (k, 2 * k), (0, 1)) for k in range(4)])


@pytest.fixture(scope="package")
def encoded(frames):
  """The same as PNG."""
  return [cv2.imencode(".png", frame[..., ::-1])[1].tobytes() for frame in frames]


@pytest.fixture(scope="package")
def architecture():
  stem = dict(level=0, channels=4, spatial_stride=2)
  return serialization.to_json(
    Architecture(
      (
        Block(id="rgb_0", kind="stem_2plus1d", streams=("rgb",), **stem),
        Block(id="flow_0", kind="stem_2d", streams=("flow",), **stem),
        Block(id="level1_0", level=1, kind="basic_2plus1d", channels=4, temporal_dilation=2),
      ),
      (Connection("rgb_0", "level1_0"), Connection("flow_0", "level1_0")),
    )
  )


@pytest.fixture(scope="package")
def make_model(architecture):
  def make(seed: int) -> tf.keras.Model:
    tf.keras.utils.set_random_seed(seed)
    built = network.build_network(
      serialization.from_json(architecture),
      streams={"rgb": 3, "flow": 2},
      num_frames=4,
      height=16,
      width=16,
      num_classes=4,
    )
    for variable in built.variables:  # statistics and gammas as after a training
      variable.assign_add(tf.random.uniform(variable.shape, 0.0, 0.5))
    return built

  return make


@pytest.fixture(scope="package")
def model(make_model):
  return make_model(3)


@pytest.fixture(scope="package")
def export_to(info, architecture, encoded):
  """Exports a network below a folder and returns the version."""

  def export_to(folder, model, architectures=(architecture,), facts=None, clip=encoded) -> str:
    return exporter.export(
      model, str(folder), info=info, clip=clip, architectures=list(architectures), facts=facts or {}
    )

  return export_to


@pytest.fixture(scope="package")
def exported(model, export_to, tmp_path_factory):
  facts = {
    "metrics": {"validation": {"accuracy": 0.75, "top5_accuracy": 1.0, "loss": 0.5}},
    "params": 1234,
    "multiply_adds": 56789,
    "candidates": [7],
    "training": {"steps": 20},
  }
  return export_to(tmp_path_factory.mktemp("export"), model, facts=facts)


@pytest.fixture(scope="package")
def version(exported):
  return saved_model.Version(exported)

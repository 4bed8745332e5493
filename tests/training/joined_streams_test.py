"""A stem that reads several streams needs them of one size, which is told before any work."""

import dataclasses

import pytest

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.space import SearchSpace
from official.programs import architecture_training
from official.programs import network_search
from official.training import config

_RGB = StreamInfo(kind="image", channels=3, feature="image/encoded", format="jpeg")
_INFO = metadata.DatasetInfo(
  classes=("kick", "push"),
  streams={
    "rgb": _RGB,
    "heat": dataclasses.replace(_RGB, feature="heat/encoded"),
    "small": dataclasses.replace(_RGB, feature="small/encoded", scale=0.5),
    "wide": dataclasses.replace(_RGB, feature="wide/encoded", height=8, width=64),
  },
  fps=10.0,
  short_side=40,
  splits=dict.fromkeys(metadata.SPLITS, metadata.SplitInfo(clips=1, frames=1, shards=1)),
  failures=0,
  multi_label=False,
  manifest_sha256="",
  settings={},
  versions={},
)
_TRAINING = config.of(data_dir="data", image_size=32)


def _space(*streams: str) -> SearchSpace:
  stem = {"kind": "stem_2d", "streams": list(streams), "channels": 8, "spatial_stride": 2}
  level = {"kinds": ["basic_2plus1d"], "blocks": 1, "channels": [8], "min_channels": 4}
  return SearchSpace.from_json(
    {
      "name": "joined",
      "stems": [[stem]],
      "levels": [{**level, "modules": 1, "spatial_strides": [1]}],
      "temporal_dilations": [1],
    }
  )


@pytest.mark.parametrize(
  "streams, sizes",
  [
    (("rgb", "small"), r"rgb \(32x32\) and small \(16x16\)"),
    (("rgb", "wide"), r"rgb \(32x32\) and wide \(8x64\)"),
  ],
)
def test_a_stem_of_streams_that_differ_is_refused_before_a_search(streams, sizes, monkeypatch):
  monkeypatch.setattr(metadata, "load", lambda directory: _INFO)
  with pytest.raises(
    cli.UserError,
    match=f"^the search space 'joined' has a stem that reads {sizes}: they differ in height or "
    "width; give each a stem of its own",
  ):
    network_search.prepared(_TRAINING, _space(*streams), {}, model_dir="run")


def test_a_stem_of_streams_of_one_size_is_searched_with(monkeypatch):
  monkeypatch.setattr(metadata, "load", lambda directory: _INFO)
  found, _ = network_search.prepared(_TRAINING, _space("heat", "rgb"), {}, model_dir="run")
  assert found.space.streams == ("heat", "rgb")


def test_a_stem_of_streams_that_differ_is_refused_before_a_training():
  stem = Block(
    id="s", level=0, kind="stem_2d", streams=("rgb", "small"), channels=4, spatial_stride=2
  )
  block = Block(id="a", level=1, kind="basic_2plus1d", channels=4)
  architecture = Architecture((stem, block), (Connection("s", "a"),))
  with pytest.raises(cli.UserError, match="^--architecture=A has a stem that reads rgb"):
    architecture_training.check_streams(architecture, _TRAINING, _INFO, "A")

"""Architectures as JSON."""

import copy
import json

import pytest

from official.architecture import serialization
from official.architecture.architecture import ArchitectureError

SMALLEST = {
  "format_version": 1,
  "blocks": [
    {
      "id": "rgb_0",
      "level": 0,
      "kind": "stem_2d",
      "streams": ["rgb"],
      "channels": 8,
      "temporal_dilation": 1,
      "spatial_stride": 2,
    },
    {
      "id": "level1_0",
      "level": 1,
      "kind": "interleaved_bottleneck",
      "channels": 8,
      "modules": 2,
      "temporal_dilation": 4,
      "spatial_stride": 1,
      "intermediate_channels": 16,
    },
  ],
  "connections": [{"source": "rgb_0", "target": "level1_0"}],
}


def test_json_is_exactly_this():
  assert serialization.to_json(serialization.from_json(SMALLEST)) == SMALLEST


def test_published_network_round_trips(assemblenet_50):
  data = json.loads(json.dumps(serialization.to_json(assemblenet_50)))
  assert serialization.from_json(data) == assemblenet_50


@pytest.mark.parametrize(
  "change, text",
  [
    (lambda d: [], "an architecture is an object with blocks and connections, not []"),
    (lambda d: d | {"format_version": 2}, "format_version is 2; this program reads 1"),
    (lambda d: d | {"edges": []}, "the architecture has an unknown field 'edges'"),
    (
      lambda d: {k: d[k] for k in ("format_version", "blocks")},
      "the architecture has no field 'connections'",
    ),
    (lambda d: d | {"blocks": {}}, "blocks is {}; it is a list"),
    (lambda d: d | {"blocks": [3]}, "blocks[0] is 3; it is an object"),
    (lambda d: d["blocks"][1].pop("channels") and d, "block 'level1_0' has no field 'channels'"),
    (lambda d: d["blocks"][1].pop("id") and d, "blocks[1] has no field 'id'"),
    (lambda d: d["blocks"][1].update(rate=2) or d, "block 'level1_0' has an unknown field 'rate'"),
    (lambda d: d["blocks"][0].update(streams="rgb") or d, "streams is 'rgb'; it is a list of"),
    (lambda d: d["connections"][0].update(source=3) or d, "source is the id of a block"),
    (lambda d: d | {"connections": [["a", "b"]]}, "is no object with source and target"),
  ],
)
def test_wrong_json_is_refused(change, text):
  with pytest.raises(ArchitectureError) as error:
    serialization.from_json(change(copy.deepcopy(SMALLEST)))
  assert text in str(error.value)

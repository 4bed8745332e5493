"""A stream of 31 channels from files, from a search to the exported network.

Only the stream tells the classes apart: in clips of a class, channel 7 is twice as large in the
middle as around it; in those of the other, channel 23 is. Frames are noise.
"""

import json

import evolve_runs
import numpy as np
import pytest

from tests import clips_with_streams

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_SPLITS = ("train",) * 4 + ("validation",) * 2
_FLAGS = (
  "--population_size=1",
  "--tournament_size=1",
  "--rounds=0",
  "--candidate_steps=60",
  "--final_steps=2",
  "--num_frames=2",
  "--image_size=16",
  "--batch_size=8",
)
_SPACE = {
  "name": "one_level",
  "stems": "auto",
  "levels": [
    {
      "kinds": ["basic_2plus1d"],
      "blocks": 1,
      "channels": [8],
      "min_channels": 8,
      "modules": 1,
      "spatial_strides": [1],
    }
  ],
  "temporal_dilations": [1],
}


def _values(label: str, rng: np.random.Generator) -> np.ndarray:
  values = rng.uniform(0.5, 1.5, (3, 16, 16, 31))
  values[:, 4:12, 4:12, {"a": 7, "b": 23}[label]] *= 2
  return values.astype(np.float16)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  rng, made = np.random.default_rng(0), []
  for index in range(48):
    label, frames = "ab"[index % 2], rng.integers(0, 255, (3, 32, 32, 3), np.uint8)
    values = {"spectrum": _values(label, rng)}
    made.append((label, _SPLITS[index // 2 % 6], frames, values))
  folder = tmp_path_factory.mktemp("spectra")
  return clips_with_streams.prepare(folder, ["spectrum:array"], made, short_side=16, flow="none")


def _accuracy(data: str, run, stems) -> float:
  space = run.with_suffix(".json")
  space.write_text(json.dumps(_SPACE | {"stems": stems}))
  process = evolve_runs.start(data, run, [*_FLAGS, f"--search_space={space}"])
  assert process.wait(evolve_runs.LONGEST) == 0, evolve_runs.said(run)
  result = json.loads((run / "candidates" / "000000" / "result.json").read_text())
  return result["metrics"]["accuracy"]


def test_a_network_that_reads_the_stream_tells_the_classes_apart(data, tmp_path):
  assert _accuracy(data, tmp_path / "with", "auto") >= 0.95
  rgb = {"kind": "stem_2plus1d", "streams": ["rgb"], "channels": 8, "spatial_stride": 2}
  assert _accuracy(data, tmp_path / "without", [[rgb]]) <= 0.8
  _check_export(tmp_path / "with" / "export" / "1")


def _check_export(version) -> None:
  """The network is served under `streams`, and as default, with the numbers to normalize by."""
  import tensorflow as tf

  signatures = tf.saved_model.load(str(version)).signatures
  assert set(signatures) == {"streams", "serving_default"}
  taken = signatures["streams"].structured_input_signature[1]
  assert taken["spectrum"].shape == [None, 2, 16, 16, 31]
  clip = json.loads((version / "assets" / "clip.json").read_text())["streams"]["spectrum"]
  assert (len(clip["mean"]), clip["dtype"]) == (31, "float16")
  streams = {name: tf.zeros([1, *spec.shape[1:]]) for name, spec in taken.items()}
  assert signatures["streams"](**streams)["probabilities"].shape == [1, 2]

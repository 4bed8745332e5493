"""TensorFlow's saved_model_cli shows an export and runs its signatures.

It feeds arrays from files: plain frames as uint8, encoded ones as an array of bytes, dtype object.
"""

import pathlib
import subprocess
import sys

import numpy as np
import pytest

from official.serving import signatures

pytestmark = pytest.mark.slow


def _cli(command: str, version: str, *flags: str) -> str:
  program = pathlib.Path(sys.executable).with_name("saved_model_cli")
  done = subprocess.run(
    [program, command, "--dir", version, *flags], capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  return done.stdout


def test_shows_every_signature(exported):
  shown = _cli("show", exported, "--all")
  for words in (
    "signature_def['serving_default']",
    "dtype: DT_UINT8",
    "shape: (-1, 4, -1, -1, 3)",
    "signature_def['encoded_frames']",
    "dtype: DT_STRING",
    "shape: (-1, 4)",
    "signature_def['streams']",
    "inputs['flow']",
    "shape: (-1, 4, 16, 16, 2)",
    "outputs['probabilities']",
  ):
    assert words in shown


def _inputs(signature: str, frames: np.ndarray, encoded: list[bytes]) -> dict[str, np.ndarray]:
  """Returns a clip for a signature."""
  text = np.empty((1, len(encoded)), object)
  text[0] = encoded
  return {
    signatures.DEFAULT: {"frames": frames[np.newaxis]},
    signatures.ENCODED: {"frames": text},
    signatures.STREAMS: {
      "rgb": np.zeros((1, 4, 16, 16, 3), np.float32),
      "flow": np.ones((1, 4, 16, 16, 2), np.float32),
    },
  }[signature]


@pytest.mark.parametrize("signature", [signatures.DEFAULT, signatures.ENCODED, signatures.STREAMS])
def test_runs_a_signature(signature, exported, frames, encoded, tmp_path):
  fed = []
  for name, values in _inputs(signature, frames, encoded).items():
    np.save(tmp_path / f"{name}.npy", values)
    fed.append(f"{name}={tmp_path}/{name}.npy")
  _cli(
    "run",
    exported,
    "--tag_set",
    "serve",
    "--signature_def",
    signature,
    "--inputs",
    ";".join(fed),
    "--outdir",
    str(tmp_path),
  )
  probabilities = np.load(tmp_path / "probabilities.npy")
  assert probabilities.shape == (1, 4)
  assert probabilities.sum() == pytest.approx(1, abs=1e-5)
  np.testing.assert_allclose(np.load(tmp_path / "scores.npy")[0, 0], probabilities.max())

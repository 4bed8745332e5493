"""The faults that --verify finds."""

import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from official.serving import saved_model
from official.serving import verification


def _wrong(version: saved_model.Version) -> dict[str, str]:
  return {finding.what: finding.seen for finding in verification.verify(version) if not finding.ok}


def test_an_export_is_as_a_server_wants_it(version):
  findings = list(verification.verify(version))
  assert not [finding for finding in findings if not finding.ok]
  assert {f.what for f in findings} >= {
    "one graph, tagged serve",
    "encoded_frames answers without Python's TensorFlow",
    "streams answers 4 clips at once as one by one",
    "every signature was run",
  }


def test_it_is_run_without_gpus_whose_rounding_depends_on_the_batch(version, monkeypatch):
  environments = []

  def run(command, env, **options):
    environments.append(env)
    return subprocess.CompletedProcess(command, 1, stderr="enough is known")

  monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
  monkeypatch.setattr(saved_model.subprocess, "run", run)
  assert "enough is known" in _wrong(version).values()
  assert [env["CUDA_VISIBLE_DEVICES"] for env in environments] == ["-1"]


class _Twice(tf.Module):
  """Asks Python, and has a batch of its own."""

  @tf.function(input_signature=[tf.TensorSpec([2, 4, 8, 8, 3], name="rgb")])
  def predict(self, rgb):
    mean = tf.numpy_function(lambda values: np.float32(values.mean()), [rgb], tf.float32)
    probabilities = tf.stack([[mean, 1 - mean]] * 2)
    return {
      "probabilities": probabilities,
      "classes": tf.constant([["a"], ["b"]]),
      "scores": tf.ensure_shape(probabilities[:, :1], [2, 1]),
    }


@pytest.fixture
def python_inside(tmp_path):
  module = _Twice()
  signatures = {"serving_default": module.predict, "streams": module.predict}
  tf.saved_model.save(module, str(tmp_path), signatures=signatures)
  (tmp_path / "assets").mkdir(exist_ok=True)
  (tmp_path / "assets" / "labels.txt").write_text("a\nb\n")
  return saved_model.Version(str(tmp_path))


def test_a_python_operation_and_a_fixed_batch_are_found(python_inside):
  wrong = _wrong(python_inside)
  assert "PyFunc" in wrong["no operation of Python or of another library"]
  assert "rgb" in wrong["the batch is dimension 0 of all inputs and outputs"]
  assert any("PyFunc" in seen for what, seen in wrong.items() if what.startswith("streams answers"))


class _OfSeveral(tf.Module):
  """Says how probable each of two labels is, which need not sum to 1."""

  @tf.function(input_signature=[tf.TensorSpec([None, 4, 8, 8, 3], name="rgb")])
  def predict(self, rgb):
    probabilities = tf.tile([[0.9, 0.8]], [tf.shape(rgb)[0], 1])
    return {
      "probabilities": probabilities,
      "classes": tf.tile([["a", "b"]], [tf.shape(rgb)[0], 1]),
      "scores": probabilities,
    }


@pytest.fixture
def make_version(tmp_path):
  def make(names) -> saved_model.Version:
    module = _OfSeveral()
    tf.saved_model.save(module, str(tmp_path), signatures={name: module.predict for name in names})
    (tmp_path / "assets").mkdir(exist_ok=True)
    (tmp_path / "assets" / "labels.txt").write_text("a\nb\n")
    return saved_model.Version(str(tmp_path))

  return make


def test_labels_of_a_clip_with_several_need_not_sum_to_one(make_version):
  assert not _wrong(make_version(["serving_default", "streams"]))


def test_a_signature_that_is_not_there_is_found(make_version):
  assert _wrong(make_version(["streams"])) == {
    "every signature is there, with probabilities, classes, scores": "no serving_default"
  }


@pytest.mark.parametrize(
  "path, keep, what, words",
  [
    (
      "variables/variables.data-00000-of-00001",
      0,
      "loads without Python's TensorFlow",
      "RestoreV2",
    ),
    (
      "variables/variables.data-00000-of-00001",
      None,
      "loads without Python's TensorFlow",
      "variables.data-00000-of-00001; No such file or directory",
    ),
    ("saved_model.pb", 3000, "its files are there and whole", "saved_model.pb is damaged"),
    ("assets/labels.txt", None, "its files are there and whole", "labels.txt cannot be read"),
    (
      "assets.extra/tf_serving_warmup_requests",
      300,
      "its files are there and whole",
      "does not fit its checksum",
    ),
    (
      "assets.extra/tf_serving_warmup_requests",
      None,
      "every signature was run",
      "encoded_frames, serving_default",
    ),
  ],
)
def test_a_file_that_is_damaged_or_gone_is_found(exported, tmp_path, path, keep, what, words):
  version = tmp_path / "1"
  shutil.copytree(exported, version)
  damaged = version / path
  content = damaged.read_bytes()
  damaged.unlink()
  if keep is not None:
    damaged.write_bytes(content[:keep])
  wrong = _wrong(saved_model.Version(str(version)))
  assert list(wrong) == [what]
  assert words in wrong[what] and "\n" not in wrong[what]

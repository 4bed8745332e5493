"""What --verify finds."""

import numpy as np
import pytest
import tensorflow as tf

from official.serving import saved_model
from official.serving import verification


def test_an_export_is_as_a_server_wants_it(version):
  findings = list(verification.verify(version))
  assert not [finding for finding in findings if not finding.ok]
  assert {f.what for f in findings} >= {
    "one graph, tagged serve",
    "encoded_frames answers without Python's TensorFlow",
    "streams answers 4 clips at once as one by one",
    "every signature was run",
  }


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
  wrong = {finding.what: finding.seen for finding in verification.verify(python_inside)
           if not finding.ok}
  assert "PyFunc" in wrong["no operation of Python or of another library"]
  assert "rgb" in wrong["the batch is dimension 0 of all inputs and outputs"]
  assert any("PyFunc" in seen for what, seen in wrong.items() if what.startswith("streams answers"))

"""Messages on the wire."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from official.serving import messages


def _text(*values: bytes) -> np.ndarray:
  array = np.empty(len(values), object)
  array[:] = values
  return array


@pytest.mark.parametrize("values", [
  np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
  np.array([[0.5, -1.5]], np.float32),
  _text(b"\x00\xff", b""),
])
def test_a_tensor_is_one_for_tensorflow_and_comes_back(values):
  request = messages.predict_request("video", "streams", {"x": values}, version=3)
  tensor = request.inputs["x"]
  theirs = tf.make_ndarray(tensor_pb2.TensorProto.FromString(tensor.SerializeToString()))
  np.testing.assert_array_equal(theirs, values)
  read = messages.PredictRequest.FromString(request.SerializeToString())
  np.testing.assert_array_equal(messages.get_array(read.inputs["x"]), values)


def test_a_tensor_of_tensorflow_that_lists_its_floats_is_read():
  theirs = tf.make_tensor_proto([0.25, 0.75])
  theirs.tensor_content = b""
  theirs.float_val.extend([0.25, 0.75])
  response = messages.PredictResponse()
  response.outputs["x"].MergeFromString(theirs.SerializeToString())
  np.testing.assert_array_equal(messages.get_array(response.outputs["x"]), [0.25, 0.75])


def test_field_numbers_are_those_of_the_api():
  request = messages.predict_request("m", "s", {}, version=3)
  # model_spec = 1 {name = 1, version = 2 {value = 1}, signature_name = 3}
  assert request.SerializeToString() == b"\x0a\x0a\x0a\x01m\x12\x02\x08\x03\x1a\x01s"
  log = messages.PredictionLog()
  log.predict_log.request.model_spec.name = "m"
  # predict_log = 6 {request = 1 {model_spec = 1 {name = 1}}}
  assert log.SerializeToString() == b"\x32\x07\x0a\x05\x0a\x03\x0a\x01m"


def test_a_type_that_is_not_known_is_said():
  response = messages.PredictResponse()
  response.outputs["x"].dtype = 9
  with pytest.raises(ValueError, match=r"data type number 9; known are \[1, 4, 7\]"):
    messages.get_array(response.outputs["x"])

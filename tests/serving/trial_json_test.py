"""Tensors as JSON, read and written as TensorFlow Serving's REST does."""

import json

import numpy as np
import pytest

from tools.trial_server import rest_json
from tools.trial_server.refusals import Refusal

FLOAT, UINT8, STRING = np.dtype(np.float32), np.dtype(np.uint8), np.dtype(object)


def _tensors(content, dtypes):
  return rest_json.parse(json.dumps(content).encode()).tensors(dtypes)


def _refusal(body, dtypes=None) -> str:
  with pytest.raises(Refusal) as refused:
    request = rest_json.parse(body if isinstance(body, bytes) else json.dumps(body).encode())
    request.tensors(dtypes or {"x": FLOAT})
  assert refused.value.http == 400
  return str(refused.value)


def test_columns_are_batches_by_name():
  found = _tensors({"inputs": {"x": [[1, 2.5]], "y": [[7]]}}, {"x": FLOAT, "y": UINT8})
  np.testing.assert_array_equal(found["x"], np.array([[1, 2.5]], np.float32))
  assert (found["x"].dtype, found["y"].dtype, found["y"].tolist()) == (FLOAT, UINT8, [[7]])


def test_rows_are_stacked():
  rows = [{"x": [1, 2], "y": 3}, {"x": [4, 5], "y": 6}]
  found = _tensors({"instances": rows}, {"x": FLOAT, "y": UINT8})
  assert (found["x"].tolist(), found["y"].tolist()) == ([[1, 2], [4, 5]], [3, 6])


def test_a_single_tensor_needs_no_name():
  assert _tensors({"instances": [[1], [2]]}, {"x": UINT8})["x"].tolist() == [[1], [2]]
  assert _tensors({"inputs": [[1], [2]]}, {"x": UINT8})["x"].tolist() == [[1], [2]]


def test_bytes_are_base64_and_text_is_utf8():
  rows = {"instances": [[{"b64": "AP8="}, "é"]]}
  assert _tensors(rows, {"x": STRING})["x"].tolist() == [[b"\x00\xff", "é".encode()]]
  assert _tensors({"inputs": {"b64": "AP8"}}, {"x": STRING})["x"].tolist() == b"\x00\xff"


def test_an_empty_batch_keeps_its_shape():
  assert _tensors({"inputs": {"x": []}}, {"x": UINT8})["x"].shape == (0,)


@pytest.mark.parametrize(
  "body, words",
  [
    (b"", "JSON Parse error: The document is empty"),
    (b'{"inputs": ', "JSON Parse error: Expecting value at offset: 11"),
    (b"\xff\xfe{", "JSON Parse error"),
    (b'{"inputs": ' + b"[" * 100_000, "nested too deeply"),
    (b"[1]", "JSON Value: [1] Is not object"),
    ({}, "Missing 'inputs' or 'instances' key"),
    ({"inputs": 1, "instances": [1]}, "expecting only one of 'inputs' or 'instances'"),
    ({"instances": {}}, "Excepting 'instances' to be an list/array"),
    ({"instances": []}, "No values in 'instances' array"),
    ({"signature_name": 1, "inputs": 1}, "'signature_name' key must be a string value"),
    ({"inputs": ["a"]}, 'JSON Value: "a" Type: String is not of expected type: float'),
    ({"inputs": [True]}, "JSON Value: true Type: True is not of expected type: float"),
    ({"inputs": [None]}, "JSON Value: null Type: Null is not of expected type: float"),
    ({"inputs": [1e39]}, "Cannot convert JSON value: 1e+39 to float without loss of precision"),
    ({"inputs": [10**400]}, "to float without loss of precision"),
    ({"inputs": [[1, 2], [3]]}, "unexpected size: 1 at level: 1 expected size: 2"),
    ({"inputs": [[1], 2]}, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM"),
    ({"inputs": [1, [2]]}, "Encountered list at unexpected level: 1 expected < 1"),
    ({"inputs": {"y": 1}}, "Missing named input: x in 'inputs' object."),
    ({"instances": [{"y": 1}]}, 'JSON object: {"y": 1} keys must be equal to: x'),
    ({"instances": [[1], [1, 2]]}, "element: 1 of 'instances' list. Error: Expecting shape [1]"),
    ({"instances": [{"x": 1}, 2]}, "Expecting object but got list at item 1 of input list"),
    ({"instances": [2, {"x": 1}]}, "Expecting value/list but got object at item 1"),
  ],
)
def test_what_is_malformed_is_refused_in_the_words_of_tensorflow_serving(body, words):
  assert words in _refusal(body)


def test_numbers_out_of_range_are_refused():
  assert "JSON value: 256 to uint8" in _refusal({"inputs": [0, 256]}, {"x": UINT8})
  assert "JSON Value: 1.5 Type: Number" in _refusal({"inputs": [1.5]}, {"x": UINT8})


def test_what_is_not_base64_is_refused():
  assert "Unable to base64 decode" in _refusal({"inputs": {"b64": "?"}}, {"x": STRING})
  said = _refusal({"instances": [[{"b64": "AA==", "more": 1}]]}, {"x": STRING})
  assert "not formatted correctly for base64 data" in said


def test_several_tensors_need_names():
  dtypes = {"x": FLOAT, "y": FLOAT}
  assert "expecting list of objects as multiple" in _refusal({"instances": [1]}, dtypes)
  assert "expecting an object as multiple" in _refusal({"inputs": [1]}, dtypes)


def test_a_refusal_quotes_the_beginning_of_a_large_value():
  assert len(_refusal({"inputs": ["a" * 10_000]})) < 200


def test_answers_by_row_and_by_column():
  outputs = {"b": np.array([[1, 2], [3, 4]]), "a": np.array([[0.1], [0.2]], np.float32)}
  rows = rest_json.answer(outputs, by_row=True)
  assert rows == {"predictions": [{"a": [0.1], "b": [1, 2]}, {"a": [0.2], "b": [3, 4]}]}
  columns = rest_json.answer(outputs, by_row=False)
  assert columns == {"outputs": {"a": [[0.1], [0.2]], "b": [[1, 2], [3, 4]]}}


def test_a_single_output_has_no_name():
  outputs = {"a": np.array([1, 2])}
  assert rest_json.answer(outputs, by_row=True) == {"predictions": [1, 2]}
  assert rest_json.answer(outputs, by_row=False) == {"outputs": [1, 2]}


def test_strings_are_text_unless_their_name_says_bytes():
  values = np.array([b"\xc3\xa9"], object)
  assert rest_json.answer({"a": values}, by_row=False) == {"outputs": ["é"]}
  assert rest_json.answer({"a_bytes": values}, by_row=False) == {"outputs": [{"b64": "w6k="}]}


def test_rows_need_one_size_of_batch():
  with pytest.raises(Refusal, match="inconsistent batch size: 1 expecting: 2"):
    rest_json.answer({"a": np.zeros(2), "b": np.zeros(1)}, by_row=True)
  with pytest.raises(Refusal, match="has no shape information"):
    rest_json.answer({"a": np.float32(1)}, by_row=True)

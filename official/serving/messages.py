"""Requests to TensorFlow Serving, in the messages of tensorflow-serving-api.

The messages of the package import TensorFlow: a caller that may do without imports this late.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2


def predict_request(
  model: str, signature: str, inputs: Mapping[str, np.ndarray], version: int | None = None
) -> predict_pb2.PredictRequest:
  """Returns a PredictRequest; the newest version is asked where none is given."""
  request = predict_pb2.PredictRequest()
  request.model_spec.name, request.model_spec.signature_name = model, signature
  if version is not None:
    request.model_spec.version.value = version
  for name, values in inputs.items():
    request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
  return request

"""Messages of TensorFlow Serving's API, without its package.

The classes are built from field numbers (tensorflow_serving/apis/predict.proto, model.proto,
prediction_log.proto, get_model_metadata.proto and tensorflow/core/framework/tensor.proto), with the
fields that are needed here. On the wire they are the same messages, so that a server and
tensorflow-serving-api's stubs understand them; they live in a pool of their own, beside which the
others may be. No TensorFlow is needed to make one.

    PredictRequest   model_spec {name, version, signature_name}, inputs {name: TensorProto}
    PredictResponse  model_spec, outputs {name: TensorProto}
    PredictionLog    predict_log {request, response}: a record of tf_serving_warmup_requests
"""

from collections.abc import Mapping

from google.protobuf import descriptor_pb2
from google.protobuf import descriptor_pool
from google.protobuf import message_factory
import numpy as np

PREDICT = "/tensorflow.serving.PredictionService/Predict"
_PACKAGE = "video_evolution.serving"
_FIELDS = {
  # message: {field: (number, type, whether there are many)}; a type of None is a map to TensorProto
  "Dim": {"size": (1, "int64", False)},
  "TensorShape": {"dim": (2, "Dim", True)},
  "TensorProto": {
    "dtype": (1, "int32", False),
    "tensor_shape": (2, "TensorShape", False),
    "tensor_content": (4, "bytes", False),
    "float_val": (5, "float", True),
    "string_val": (8, "bytes", True),
  },
  "Int64Value": {"value": (1, "int64", False)},
  "ModelSpec": {
    "name": (1, "string", False),
    "version": (2, "Int64Value", False),
    "signature_name": (3, "string", False),
  },
  "PredictRequest": {"model_spec": (1, "ModelSpec", False), "inputs": (2, None, True)},
  "PredictResponse": {"outputs": (1, None, True), "model_spec": (2, "ModelSpec", False)},
  "PredictLog": {
    "request": (1, "PredictRequest", False),
    "response": (2, "PredictResponse", False),
  },
  "PredictionLog": {"predict_log": (6, "PredictLog", False)},
}
# tensorflow/core/framework/types.proto
_DTYPES = {1: np.dtype(np.float32), 4: np.dtype(np.uint8), 7: np.dtype(object)}
_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}


def _build() -> Mapping[str, type]:
  kinds = descriptor_pb2.FieldDescriptorProto
  file = descriptor_pb2.FileDescriptorProto(
    name="official/serving/messages.proto", package=_PACKAGE, syntax="proto3"
  )

  def add(owner, name: str, number: int, kind: str, many: bool) -> None:
    label = kinds.LABEL_REPEATED if many else kinds.LABEL_OPTIONAL
    field = owner.field.add(name=name, number=number, label=label)
    if kind[0].isupper():
      field.type, field.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
      field.type = getattr(kinds, "TYPE_" + kind.upper())

  for message, fields in _FIELDS.items():
    owner = file.message_type.add(name=message)
    for name, (number, kind, many) in fields.items():
      if kind is None:
        entry = owner.nested_type.add(name=name.capitalize() + "Entry")
        entry.options.map_entry = True
        add(entry, "key", 1, "string", False)
        add(entry, "value", 2, "TensorProto", False)
        kind = f"{message}.{entry.name}"
      add(owner, name, number, kind, many)
  pool = descriptor_pool.DescriptorPool()
  pool.Add(file)
  return {
    name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
    for name in _FIELDS
  }


_CLASSES = _build()
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
PredictionLog = _CLASSES["PredictionLog"]


def set_tensor(target, values: np.ndarray) -> None:
  """Fills a TensorProto from an array of float32, uint8 or (dtype object) bytes."""
  target.dtype = _NUMBERS[values.dtype]
  for size in values.shape:
    target.tensor_shape.dim.add(size=size)
  if values.dtype.hasobject:
    target.string_val.extend(values.ravel())
  else:
    target.tensor_content = values.tobytes()


def get_array(tensor) -> np.ndarray:
  """Inverse of `set_tensor`; also of a TensorProto that lists its floats.

  Raises:
    ValueError: The type is another one.
  """
  if tensor.dtype not in _DTYPES:
    raise ValueError(f"a tensor has data type number {tensor.dtype}; known are {sorted(_DTYPES)}")
  shape, dtype = [dim.size for dim in tensor.tensor_shape.dim], _DTYPES[tensor.dtype]
  if dtype.hasobject:
    values = np.empty(len(tensor.string_val), object)
    values[:] = list(tensor.string_val)
  elif tensor.tensor_content:
    values = np.frombuffer(tensor.tensor_content, dtype)
  else:
    values = np.array(tensor.float_val, dtype)
  if values.size == 1:  # one value may stand for all
    return np.broadcast_to(values.reshape(()), shape).copy()
  return values.reshape(shape)


def predict_request(
  model: str, signature: str, inputs: Mapping[str, np.ndarray], version: int | None = None
):
  """Returns a PredictRequest; the newest version is asked where none is given."""
  request = PredictRequest()
  request.model_spec.name, request.model_spec.signature_name = model, signature
  if version is not None:
    request.model_spec.version.value = version
  for name, values in inputs.items():
    set_tensor(request.inputs[name], values)
  return request

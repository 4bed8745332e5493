"""TensorFlow Serving's gRPC: PredictionService with Predict and GetModelMetadata, ModelService with
GetModelStatus. What it does not offer (Classify, Regress, MultiInference, reloading of a
configuration), gRPC itself refuses as UNIMPLEMENTED.
"""

from collections.abc import Callable
from concurrent import futures
import functools
import math

from google.protobuf import message as message_lib
import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import get_model_metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.apis import model_service_pb2_grpc
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from data_prep.common import cli
from tools.trial_server import models
from tools.trial_server import refusals
from tools.trial_server.refusals import invalid

_AT_A_TIME, _WAITING = 4, 32  # requests
_SIGNATURES = "signature_def"


def serve(model: models.Model, host: str, port: int, largest: int) -> tuple[grpc.Server, int]:
  """Starts a server and returns it with its port.

  Args:
    model: What answers.
    host: The address to listen on.
    port: The port; 0 for any that is free.
    largest: Bytes of a request.

  Raises:
    UserError: The port is taken.
  """
  server = grpc.server(
    futures.ThreadPoolExecutor(_AT_A_TIME, "grpc"),
    maximum_concurrent_rpcs=_WAITING,
    options=[
      ("grpc.max_receive_message_length", largest),
      ("grpc.max_send_message_length", -1),
      ("grpc.so_reuseport", 0),
    ],
  )
  prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predictions(model), server)
  model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(model), server)
  address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
  try:
    bound = server.add_insecure_port(address)
  except RuntimeError:
    bound = 0
  if not bound:
    raise cli.UserError(
      f"--port={port}: {host}:{port} cannot be listened on; it may be taken: give another"
    )
  server.start()
  return server, bound


def metadata(
  model: models.Model, name: str, version: int | None = None, label: str | None = None
) -> get_model_metadata_pb2.GetModelMetadataResponse:
  """Returns the signatures of a version, as TensorFlow Serving describes them; raises Refusal."""
  loaded = model.get(name, version, label)
  response = get_model_metadata_pb2.GetModelMetadataResponse()
  response.model_spec.name, response.model_spec.version.value = name, loaded.number
  found = get_model_metadata_pb2.SignatureDefMap()
  for key, definition in loaded.described.graphs[0].signature_def.items():
    copy = meta_graph_pb2.SignatureDef.FromString(definition.SerializeToString())
    found.signature_def[key].CopyFrom(copy)
  response.metadata[_SIGNATURES].Pack(found)
  return response


def status(
  model: models.Model, name: str, version: int | None = None, label: str | None = None
) -> get_model_status_pb2.GetModelStatusResponse:
  """Returns the states of a model's versions; raises Refusal."""
  response = get_model_status_pb2.GetModelStatusResponse()
  for number, state in model.states(name, version, label).items():
    one = response.model_version_status.add(version=number)
    one.state = get_model_status_pb2.ModelVersionStatus.State.Value(state.name)
    one.status.error_message = state.error
    one.status.error_code = tf.errors.INTERNAL if state.error else tf.errors.OK
  return response


def _refusing(method: Callable) -> Callable:
  """Makes a method of a service end a call with the status of the Refusal that it raises."""

  @functools.wraps(method)
  def refusing(self, request, context):
    try:
      return method(self, request)
    except Exception as error:
      refusal = refusals.of(error)
      context.abort(refusal.code, str(refusal))

  return refusing


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
  def __init__(self, model: models.Model):
    self._model = model

  @_refusing
  def Predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
    spec = _spec(request)
    loaded = self._model.get(*_asked(spec))
    inputs = {name: _array(name, tensor) for name, tensor in request.inputs.items()}
    outputs = loaded.predict(spec.signature_name, inputs, request.output_filter)
    response = predict_pb2.PredictResponse()
    response.model_spec.name, response.model_spec.version.value = spec.name, loaded.number
    response.model_spec.signature_name = spec.signature_name or models.DEFAULT_SIGNATURE
    for name, values in outputs.items():
      response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
    return response

  @_refusing
  def GetModelMetadata(
    self, request: get_model_metadata_pb2.GetModelMetadataRequest
  ) -> get_model_metadata_pb2.GetModelMetadataResponse:
    spec = _spec(request)
    if not request.metadata_field:
      raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
      if field != _SIGNATURES:
        raise invalid(f"Metadata field {field} is not supported")
    return metadata(self._model, *_asked(spec))


class _Models(model_service_pb2_grpc.ModelServiceServicer):
  def __init__(self, model: models.Model):
    self._model = model

  @_refusing
  def GetModelStatus(
    self, request: get_model_status_pb2.GetModelStatusRequest
  ) -> get_model_status_pb2.GetModelStatusResponse:
    return status(self._model, *_asked(_spec(request)))


def _array(name: str, tensor: tensor_pb2.TensorProto) -> np.ndarray:
  """Returns a tensor; raises Refusal if it is none, or says that it is larger than what was sent.

  A TensorProto may repeat its last value as often as its shape says: few bytes could ask for all of
  the memory.
  """
  size = math.prod(dim.size for dim in tensor.tensor_shape.dim)
  if tensor.tensor_shape.unknown_rank or any(dim.size < 0 for dim in tensor.tensor_shape.dim):
    raise invalid(f"tensor parsing error: {name}")
  if size > max(tensor.ByteSize(), 1):
    raise invalid(f"tensor parsing error: {name} has {size} values, more than were sent")
  try:
    return tf.make_ndarray(tensor)
  except (TypeError, ValueError) as error:
    raise invalid(f"tensor parsing error: {name}") from error


def _spec(request: message_lib.Message) -> model_pb2.ModelSpec:
  if not request.HasField("model_spec"):
    raise invalid("Missing ModelSpec")
  return request.model_spec


def _asked(spec: model_pb2.ModelSpec) -> tuple[str, int | None, str | None]:
  """Returns name, version and label of the model that a request asks for."""
  version = spec.version.value if spec.HasField("version") else None
  return spec.name, version, spec.version_label or None

"""A PredictionService with TensorFlow Serving's manners, by gRPC and by REST, for tests of clients.

It runs a SavedModel in this process. Status codes and the beginnings of its messages are those of
the real server; that the real server loads the SavedModel is the C++ loader's to show.
"""

import base64
from collections.abc import Iterator
from concurrent import futures
import contextlib
import http.server
import json
import threading

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc


class Refusal(Exception):
  """A request that is refused.

  Attributes:
    code: Status code.
  """

  def __init__(self, code: grpc.StatusCode, reason: str):
    super().__init__(reason)
    self.code = code


class Service:
  """Answers requests.

  Attributes:
    name: Name of the model.
  """

  def __init__(self, name: str, saved_model: str):
    self.name = name
    self._loaded = tf.saved_model.load(saved_model)

  def predict(self, model: str, signature: str, inputs: dict) -> dict[str, np.ndarray]:
    """Returns the outputs; raises Refusal."""
    if model != self.name:
      raise Refusal(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({model})")
    if signature not in self._loaded.signatures:
      raise Refusal(
        grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.'
      )
    function = self._loaded.signatures[signature]
    specs = function.structured_input_signature[1]
    if set(inputs) != set(specs):
      raise Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        f"input keys {sorted(inputs)} are not those of the signature, {sorted(specs)}",
      )
    tensors = {name: tf.constant(values) for name, values in inputs.items()}
    for name, tensor in tensors.items():
      if tensor.dtype != specs[name].dtype:
        raise Refusal(
          grpc.StatusCode.INVALID_ARGUMENT,
          f"input {name}: expected {specs[name].dtype.name}, got {tensor.dtype.name}",
        )
    try:
      return {name: value.numpy() for name, value in function(**tensors).items()}
    except tf.errors.InvalidArgumentError as error:
      raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, " ".join(str(error).split())) from error


@contextlib.contextmanager
def by_grpc(service: Service) -> Iterator[str]:
  """Serves on a free port and yields HOST:PORT."""

  class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    def Predict(self, request, context):
      inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
      spec = request.model_spec
      try:
        outputs = service.predict(spec.name, spec.signature_name or "serving_default", inputs)
      except Refusal as refusal:
        context.abort(refusal.code, str(refusal))
      response = predict_pb2.PredictResponse()
      for name, values in outputs.items():
        response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
      return response

  server = grpc.server(futures.ThreadPoolExecutor(1))
  prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(), server)
  port = server.add_insecure_port("127.0.0.1:0")
  server.start()
  try:
    yield f"127.0.0.1:{port}"
  finally:
    server.stop(None).wait()


@contextlib.contextmanager
def by_rest(service: Service) -> Iterator[str]:
  """Serves on a free port and yields http://HOST:PORT."""

  class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
      body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
      model, _ = self.path.removeprefix("/v1/models/").split(":")
      frames = [[base64.b64decode(image["b64"]) for image in c] for c in body["inputs"]["frames"]]
      try:
        outputs = service.predict(model, body["signature_name"], {"frames": frames})
        status, answer = 200, {"outputs": {name: _plain(v) for name, v in outputs.items()}}
      except Refusal as refusal:
        status, answer = 400, {"error": str(refusal)}
      content = json.dumps(answer).encode()
      self.send_response(status)
      self.send_header("Content-Length", str(len(content)))
      self.end_headers()
      self.wfile.write(content)

    def log_message(self, *_):
      pass

  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  try:
    yield f"http://127.0.0.1:{server.server_port}"
  finally:
    server.shutdown()
    server.server_close()


def _plain(values: np.ndarray) -> list:
  return np.vectorize(bytes.decode)(values).tolist() if values.dtype.hasobject else values.tolist()

"""Asks a TensorFlow Serving, by gRPC or by REST; the latter without importing TensorFlow.

gRPC   PredictionService/Predict, by the stubs of tensorflow-serving-api
REST   POST /v1/models/<model>[/versions/<n>]:predict
       {"signature_name", "inputs"} -> {"outputs"}
"""

import base64
from collections.abc import Mapping, Sequence
import dataclasses
import http.client
import json
import urllib.error
import urllib.request

import numpy as np

from data_prep.common import cli
from official.serving import saved_model

_SECONDS = 60
# What a server says of a request that another one might not get.
_OF_THE_REQUEST = (
  "DEADLINE_EXCEEDED",
  "RESOURCE_EXHAUSTED",
  "INTERNAL",
  "UNKNOWN",
  "ABORTED",
  "DATA_LOSS",
  "OUT_OF_RANGE",
  "408",
  "413",
  "500",
  "504",
)
# What may be said of all requests, or of one: who asked before knows.
_OF_EITHER = ("INVALID_ARGUMENT", "400")


class Refused(cli.UserError):
  """The server cannot be reached, or refuses a request, or answers something else.

  Attributes:
    code: Its status, by gRPC a name, by REST a number.
  """

  def __init__(self, text: str, code: str):
    super().__init__(text)
    self.code = code

  def concerns_one(self, *, answered: bool) -> bool:
    """Whether another clip may get an answer; `answered` says that one did."""
    return self.code in _OF_THE_REQUEST or (answered and self.code in _OF_EITHER)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoint:
  """The address, the model and the signature to ask.

  Attributes:
    server: HOST:PORT for gRPC, http://HOST:PORT for REST.
    model: Its name there.
    signature: One that takes encoded frames.
    version: Version of the model; None is the newest.
  """

  server: str
  model: str
  signature: str
  version: int | None = None


def ask(endpoint: Endpoint, images: Sequence[bytes]) -> tuple[list[str], list[float]]:
  """Returns the best classes of a clip, given as encoded frames, and their scores.

  Raises:
    Refused: The server cannot be reached, or refuses, or answers something else.
  """
  return (_by_rest if "://" in endpoint.server else _by_grpc)(endpoint, images)


def _by_grpc(endpoint: Endpoint, images: Sequence[bytes]) -> tuple[list[str], list[float]]:
  saved_model.quieten()
  import grpc
  import tensorflow as tf
  from tensorflow_serving.apis import prediction_service_pb2_grpc

  from official.serving import messages

  frames = np.empty((1, len(images)), object)
  frames[0] = images
  request = messages.predict_request(
    endpoint.model, endpoint.signature, {"frames": frames}, endpoint.version
  )
  unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
  with grpc.insecure_channel(endpoint.server, options=unlimited) as channel:
    service = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    try:
      outputs = service.Predict(request, timeout=_SECONDS).outputs
    except grpc.RpcError as error:
      raise _refused(endpoint, error.code().name, error.details()) from error
  classes, scores = (tf.make_ndarray(tensor)[0] for tensor in _best(endpoint, outputs))
  return [name.decode() for name in classes], list(scores)


def _by_rest(endpoint: Endpoint, images: Sequence[bytes]) -> tuple[list[str], list[float]]:
  version = "" if endpoint.version is None else f"/versions/{endpoint.version}"
  frames = [[{"b64": base64.b64encode(image).decode()} for image in images]]
  body = {"signature_name": endpoint.signature, "inputs": {"frames": frames}}
  try:
    request = urllib.request.Request(
      f"{endpoint.server.rstrip('/')}/v1/models/{endpoint.model}{version}:predict",
      data=json.dumps(body).encode(),
      headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:
      outputs = json.load(response)["outputs"]
  except urllib.error.HTTPError as error:
    raise _refused(endpoint, str(error.code), _reason(error.read())) from error
  except TimeoutError as error:
    raise _refused(endpoint, "504", f"nothing within {_SECONDS} s") from error
  except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
    raise _refused(endpoint, "nothing that is REST", error) from error
  classes, scores = _best(endpoint, outputs)
  return classes[0], scores[0]


def _reason(body: bytes) -> str:
  """Returns the error in a refusal's body, or the body itself."""
  text = body.decode(errors="replace")
  try:
    return str(json.loads(text)["error"])
  except (ValueError, KeyError, TypeError):
    return text


def _best(endpoint: Endpoint, outputs: Mapping) -> list:
  """Returns the outputs `classes` and `scores`."""
  missing = [name for name in ("classes", "scores") if name not in outputs]
  if missing:
    raise _refused(endpoint, f"without {' and '.join(missing)}", "this is another kind of model")
  return [outputs["classes"], outputs["scores"]]


def _refused(endpoint: Endpoint, code: str, why: object) -> Refused:
  return Refused(
    f"the server {endpoint.server} answers {code}: {why}; look at --server, --model, --signature, "
    "--num_frames and at the server's log",
    code,
  )

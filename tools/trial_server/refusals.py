"""Refusals: status and message of a request that gets no answer, as TensorFlow Serving has them.

A status is one of gRPC's. REST maps it to a number as TensorFlow Serving's http_server.cc does, and
puts the message into {"error": ...}.
"""

import collections
import http

import grpc

_HTTP = {
  "INVALID_ARGUMENT": 400,
  "FAILED_PRECONDITION": 400,
  "OUT_OF_RANGE": 400,
  "UNAUTHENTICATED": 401,
  "PERMISSION_DENIED": 403,
  "NOT_FOUND": 404,
  "ALREADY_EXISTS": 409,
  "ABORTED": 409,
  "RESOURCE_EXHAUSTED": 429,
  "CANCELLED": 499,
  "UNIMPLEMENTED": 501,
  "UNAVAILABLE": 503,
  "DEADLINE_EXCEEDED": 504,
}
_LONGEST = 1024  # characters of a message; a request's own values are quoted in it


class Refusal(Exception):
  """A request that is refused.

  Attributes:
    status: The name of a status of gRPC, such as NOT_FOUND.
    http: The number of the status by REST.
  """

  def __init__(self, status: str, message: str, number: int | None = None):
    """Remembers what is wrong.

    Args:
      status: The name of a status of gRPC.
      message: What is wrong, on one line or more.
      number: The status by REST where HTTP has a better one than TensorFlow Serving.
    """
    super().__init__(shortened(" ".join(message.split()), _LONGEST))
    self.status = status
    self.http = number or _HTTP.get(status, int(http.HTTPStatus.INTERNAL_SERVER_ERROR))

  @property
  def code(self) -> grpc.StatusCode:
    """The status as gRPC has it."""
    return grpc.StatusCode[self.status]


def invalid(message: str) -> Refusal:
  """Returns the refusal of a request that is wrong whatever the state of the server."""
  return Refusal("INVALID_ARGUMENT", message)


def of(error: Exception) -> Refusal:
  """Returns the refusal that an error amounts to; one of TensorFlow's brings its own status."""
  if isinstance(error, Refusal):
    return error
  if isinstance(error, MemoryError):
    return Refusal("RESOURCE_EXHAUSTED", "the memory does not suffice for this request")
  names = collections.defaultdict(
    lambda: "INTERNAL", {status.value[0]: status.name for status in grpc.StatusCode}
  )
  status = names[getattr(error, "error_code", None)]
  message = getattr(error, "message", None) or str(error)
  return Refusal(status, message or type(error).__name__)


def shortened(text: str, length: int) -> str:
  """Returns a text of at most `length` characters, with dots where its end is missing."""
  return text if len(text) <= length else text[: length - 3] + "..."

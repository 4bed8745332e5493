"""TensorFlow Serving's REST, and the page to try a network on.

    POST /v1/models/NAME[/versions/N|/labels/LABEL]:predict
    GET  /v1/models/NAME[/versions/N|/labels/LABEL][/metadata]
    GET  /                 the page (page.py)
    POST /try              a video, by the page; a line of JSON per window (videos.py)

No path of a request ever becomes a path of the file system. A request that is too large is refused
before it is read.
"""

from collections.abc import Callable, Iterator
import http.server
import json
import re
import socket
import tempfile
import threading
import time
import urllib.parse

from google.protobuf import json_format

from data_prep.common import cli
from tools.trial_server import grpc_api
from tools.trial_server import models
from tools.trial_server import page
from tools.trial_server import refusals
from tools.trial_server import rest_json
from tools.trial_server import videos
from tools.trial_server.refusals import Refusal
from tools.trial_server.refusals import invalid

_PREDICT = re.compile(
  r"(?i)/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:(classify|regress|predict)"
)
_ABOUT = re.compile(
  r"(?i)/v1/models(?:/([^/:]+))?(?:/versions/(\d+)|/labels/([^/:]+))?(?:/(metadata))?"
)
_CONNECTIONS = 32
_SECONDS = 60  # without a byte, after which a connection is given up
_DRAINED, _DRAIN_SECONDS = 1 << 28, 5  # of a body that nobody wants
_CHUNK = 1 << 16
_PATIENCE = 2  # seconds for the video before: its client knows the end before the server is through
_AT_A_TIME = threading.BoundedSemaphore(4)  # large bodies in memory


class Server(http.server.ThreadingHTTPServer):
  """Answers requests, each connection in a thread of its own.

  Attributes:
    model: What answers.
    largest: Bytes of a request's body.
    largest_video: Bytes of a video.
    grpc_port: The port of gRPC, of which the page tells.
  """

  daemon_threads = True
  allow_reuse_address = True

  def __init__(
    self,
    model: models.Model,
    host: str,
    port: int,
    *,
    largest: int,
    largest_video: int,
    grpc_port: int = 0,
  ):
    """Binds the port; raises UserError if it is taken."""
    self.model, self.largest, self.largest_video = model, largest, largest_video
    self.grpc_port = grpc_port
    self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    self._free = threading.BoundedSemaphore(_CONNECTIONS)
    self.trying = threading.Lock()
    try:
      super().__init__((host, port), _Handler)
    except (OSError, OverflowError) as error:
      raise cli.UserError(
        f"--rest_api_port={port}: {host}:{port} cannot be listened on ({error}); give another"
      ) from error

  def process_request(self, request, client_address):
    """Starts the thread of a connection, unless there are too many."""
    if not self._free.acquire(blocking=False):
      request.settimeout(1)
      with_body = b'{"error": "too many connections"}'
      head = f"HTTP/1.1 503 Service Unavailable\r\nContent-Length: {len(with_body)}\r\n"
      try:
        request.sendall(head.encode() + b"Connection: close\r\n\r\n" + with_body)
      except OSError:
        pass
      self.shutdown_request(request)
      return
    super().process_request(request, client_address)

  def process_request_thread(self, request, client_address):
    """Answers the requests of a connection."""
    try:
      super().process_request_thread(request, client_address)
    finally:
      self._free.release()

  def handle_error(self, request, client_address):
    """Says nothing: whoever asked has left."""

  def server_bind(self):
    """Binds without asking a name server about the host, as HTTPServer would."""
    socketserver_bind = http.server.socketserver.TCPServer.server_bind
    socketserver_bind(self)
    self.server_name, self.server_port = self.server_address[:2]


class _Handler(http.server.BaseHTTPRequestHandler):
  protocol_version = "HTTP/1.1"
  server_version, sys_version = "trial_server", ""
  timeout = _SECONDS
  server: Server

  def do_GET(self) -> None:
    self._guarded(self._get)

  def do_POST(self) -> None:
    self._guarded(self._post)

  def handle_expect_100(self) -> bool:
    """Refuses a body that is too large before the client sends it."""
    try:
      self._length()
    except Refusal as refusal:
      self.close_connection = True
      self._json(refusal.http, {"error": str(refusal)})
      return False
    return super().handle_expect_100()

  def log_message(self, *_) -> None:
    """Is silent; refusals are in their answers."""

  def send_error(self, code, message=None, explain=None) -> None:
    """Refuses what is not HTTP, or a method other than GET and POST."""
    self.close_connection = True
    self._json(code, {"error": message or self.responses.get(code, ("refused",))[0]})

  def _guarded(self, answer: Callable[[], None]) -> None:
    self._unread = self.command == "POST"
    self._began = False
    try:
      answer()
    except (ConnectionError, TimeoutError):
      self.close_connection = True
    except Exception as error:
      refusal = refusals.of(error)
      if self._unread:
        self.close_connection = True
      if self._began:  # The answer cannot be taken back.
        self.close_connection = True
        return
      self._json(refusal.http, {"error": str(refusal)})
      if self._unread:
        self._drain()

  def _get(self) -> None:
    path = self._path()
    if path == "/":
      content = page.html(self.server.model, self.server.server_address[:2], self.server.grpc_port)
      self._send(200, content.encode(), "text/html; charset=utf-8", page.HEADERS)
      return
    if not path.lower().startswith("/v1/"):
      raise Refusal("NOT_FOUND", f"there is nothing at {path}")
    found = _ABOUT.fullmatch(path)
    if not found:
      raise invalid(f"Malformed request: GET {path}")
    if not found[1]:
      raise invalid("Missing model name in request.")
    model = self.server.model
    if not found[4]:
      return self._json(200, _as_json(grpc_api.status(model, *_asked(found))))
    response = grpc_api.metadata(model, *_asked(found))
    signatures = grpc_api.get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    described = {"signature_def": _as_json(signatures)}
    self._json(200, {"model_spec": _as_json(response.model_spec), "metadata": described})

  def _post(self) -> None:
    path = self._path()
    if path == "/try":
      return self._try()
    found = _PREDICT.fullmatch(path)
    if not found:
      raise invalid(f"Malformed request: POST {path}")
    loaded = self.server.model.get(*_asked(found))
    if (method := found[4].lower()) != "predict":
      name = {"classify": "classification", "regress": "regression"}[method]
      raise invalid(
        f"Expected {name} signature method_name to be tensorflow/serving/{method}. Was: "
        "tensorflow/serving/predict"
      )
    length = self._length()
    with _AT_A_TIME:
      body = self.rfile.read(length)
      if len(body) < length:
        raise ConnectionError("the client left")
      self._unread = False
      request = rest_json.parse(body)
      inputs = request.tensors(loaded.dtypes(request.signature))
      outputs = loaded.predict(request.signature, inputs)
      self._json(200, rest_json.answer(outputs, by_row=request.by_row))

  def _try(self) -> None:
    """Answers about a video, a line per window as it comes."""
    if self.headers.get("Content-Type") != "application/octet-stream":
      raise invalid("a video is sent as application/octet-stream")  # A form of another page cannot.
    if not self.server.trying.acquire(timeout=_PATIENCE):
      raise Refusal("RESOURCE_EXHAUSTED", "another video is being answered; try again in a moment")
    try:
      loaded = self.server.model.get(self.server.model.name)
      length = self._length(video=True)
      with tempfile.NamedTemporaryFile(prefix="trial-server-") as file:
        while file.tell() < length:
          part = self.rfile.read(min(_CHUNK, length - file.tell()))
          if not part:
            raise ConnectionError("the client left")
          file.write(part)
        file.flush()
        self._unread = False
        self._lines(videos.answers(loaded, file.name))
    finally:
      self.server.trying.release()

  def _lines(self, lines: Iterator[dict]) -> None:
    self._began = True
    self.send_response(200)
    self.send_header("Content-Type", "application/x-ndjson")
    self.send_header("Transfer-Encoding", "chunked")
    self.end_headers()
    for line in lines:
      content = json.dumps(line).encode() + b"\n"
      self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
    self.wfile.write(b"0\r\n\r\n")

  def _path(self) -> str:
    return urllib.parse.urlsplit(self.path).path if self.path.startswith("/") else self.path

  def _length(self, *, video: bool = False) -> int:
    """Returns the bytes of the body; raises Refusal if they are unknown, or too many."""
    if "Transfer-Encoding" in self.headers:
      raise Refusal("INVALID_ARGUMENT", "send the body whole, with a Content-Length", 411)
    given = self.headers.get_all("Content-Length") or []
    if not given:
      raise Refusal("INVALID_ARGUMENT", "the Content-Length is missing", 411)
    if len(set(given)) > 1 or not (given[0].isascii() and given[0].isdecimal()):
      raise invalid(f"the Content-Length is no number: {', '.join(given)}")
    most = self.server.largest_video if video or self._path() == "/try" else self.server.largest
    flag = "--max_video_mb" if most == self.server.largest_video else "--max_request_mb"
    if len(given[0]) > 15 or int(given[0]) > most:
      raise Refusal(
        "RESOURCE_EXHAUSTED",
        f"the body has {given[0][:20]} bytes, and {flag} of the server allows {most}",
        413,
      )
    return int(given[0])

  def _json(self, code: int, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
    self._send(code, text + b"\n", "application/json", {})

  def _send(self, code: int, content: bytes, kind: str, headers: dict[str, str]) -> None:
    self._began = True
    self.send_response(code)
    for name, value in {"Content-Type": kind, "Content-Length": str(len(content))}.items():
      self.send_header(name, value)
    for name, value in headers.items():
      self.send_header(name, value)
    if self.close_connection:
      self.send_header("Connection", "close")
    self.end_headers()
    if self.command != "HEAD":
      self.wfile.write(content)
    self.wfile.flush()

  def _drain(self) -> None:
    """Reads what the client goes on to send for a while, so that it reads the answer."""
    end, left = time.monotonic() + _DRAIN_SECONDS, _DRAINED
    try:
      self.connection.shutdown(socket.SHUT_WR)
      self.connection.settimeout(1)
      while left > 0 and time.monotonic() < end:
        if not (part := self.connection.recv(min(_CHUNK, left))):
          return
        left -= len(part)
    except OSError:
      pass


def _asked(found: re.Match) -> tuple[str, int | None, str | None]:
  """Returns name, version and label in a path."""
  version = found[2]
  if version is not None and int(version) >= 1 << 63:
    raise invalid(f"Failed to convert version: {version} to numeric.")
  label = None if found[3] is None else urllib.parse.unquote(found[3])
  return urllib.parse.unquote(found[1]), None if version is None else int(version), label


def _as_json(message) -> dict:
  return json_format.MessageToDict(
    message, including_default_value_fields=True, preserving_proto_field_name=True
  )

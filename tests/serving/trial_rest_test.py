"""The trial server's REST: answers, and requests that it refuses. The network is a fake."""

from collections.abc import Iterator
import http.client
import json
import socket
import threading

import numpy as np
import pytest

from tests.serving import prediction_service
from tools.trial_server import models
from tools.trial_server import rest

MB = prediction_service.MB


class _Doubling:
  """A version that doubles x."""

  number = 3

  def __init__(self, path: str):
    pass

  def dtypes(self, signature):
    return {"x": np.dtype(np.float32)}

  def predict(self, signature, inputs):
    return {"y": inputs["x"] * 2}


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[tuple[str, int]]:
  base = tmp_path_factory.mktemp("base")
  (base / "3").mkdir()
  model = models.Model("video", str(base), labels={"stable": 3}, load=_Doubling)
  model.refresh()
  with prediction_service.by_rest(model) as url:
    host, port = url.removeprefix("http://").split(":")
    yield host, int(port)


def _ask(address, method: str, path: str, body=None, headers=None) -> tuple[int, dict]:
  connection = http.client.HTTPConnection(*address, timeout=20)
  try:
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, json.loads(response.read())
  finally:
    connection.close()


def _raw(address, request: bytes) -> bytes:
  """Returns the whole answer to bytes that may be no request."""
  with socket.create_connection(address, timeout=20) as connection:
    connection.sendall(request)
    connection.shutdown(socket.SHUT_WR)
    answer = b""
    while part := connection.recv(1 << 16):
      answer += part
  return answer


@pytest.mark.parametrize(
  "path", ["", "/versions/3", "/labels/stable", "/labels/%73table", "?ignored=1"]
)
def test_predict_answers_under_the_newest_version_a_number_and_a_label(address, path):
  url = f"/v1/models/video{path}:predict" if "?" not in path else f"/v1/models/video:predict{path}"
  assert _ask(address, "POST", url, b'{"instances": [1, 2]}') == (200, {"predictions": [2.0, 4.0]})


def test_a_connection_carries_several_requests(address):
  connection = http.client.HTTPConnection(*address, timeout=20)
  for value in (1, 2):
    connection.request("POST", "/v1/models/video:predict", f'{{"inputs": [{value}]}}')
    assert json.loads(connection.getresponse().read()) == {"outputs": [2.0 * value]}
  connection.close()


def test_the_status_of_versions(address):
  available = {
    "version": "3",
    "state": "AVAILABLE",
    "status": {"error_code": "OK", "error_message": ""},
  }
  for path in ("", "/versions/3", "/labels/stable"):
    status, found = _ask(address, "GET", f"/v1/models/video{path}")
    assert (status, found) == (200, {"model_version_status": [available]})


@pytest.mark.parametrize(
  "method, path, status, words",
  [
    ("GET", "/v1/models", 400, "Missing model name in request."),
    ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
    ("GET", "/v1/models/video/versions/4", 404, "Could not find version 4 of model video"),
    ("GET", "/v1/models/video/labels/x", 400, "Unrecognized servable version label: x"),
    ("GET", "/v1/models/video/versions/99999999999999999999", 400, "Failed to convert version"),
    ("GET", "/v1/models/video/versions/-1", 400, "Malformed request: GET"),
    ("GET", "/v1/models/video:predict", 400, "Malformed request: GET"),
    ("GET", "/v1/models/../../etc/passwd", 400, "Malformed request: GET"),
    ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", 404, "any versions of model ../../etc/passwd"),
    ("GET", "/v1/models/%00", 404, "Could not find any versions of model"),
    ("GET", "/../../etc/passwd", 404, "there is nothing at /../../etc/passwd"),
    ("GET", "/page.html", 404, "there is nothing at"),
    ("POST", "/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
    ("POST", "/v1/models/video/versions/9:predict", 404, "request: Specific(video, 9)"),
    ("POST", "/v1/models/video:train", 400, "Malformed request: POST"),
    ("POST", "/v1/models/video:classify", 400, "method_name to be tensorflow/serving/classify"),
    ("POST", "/v1/models/video:predict", 400, "JSON Parse error"),
    ("POST", "/", 400, "Malformed request: POST /"),
    ("DELETE", "/v1/models/video", 501, "Unsupported method"),
  ],
)
def test_a_request_that_is_refused(address, method, path, status, words):
  body = b"{" if method == "POST" else None
  found, answer = _ask(address, method, path, body)
  assert found == status
  assert words in answer["error"]


@pytest.mark.parametrize("path, most", [("/v1/models/video:predict", MB), ("/try", 2 * MB)])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(address, path, most):
  headers = {"Content-Type": "application/octet-stream"}
  status, answer = _ask(address, "POST", path, b"0" * (most + 1), headers)
  assert status == 413
  assert f"the body has {most + 1} bytes, and --max_" in answer["error"]
  assert f"of the server allows {most}" in answer["error"]


def test_whoever_asks_first_whether_to_send_need_not_send_what_is_too_large(address):
  head = b"POST /v1/models/video:predict HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
  assert _raw(address, head + b"99999999\r\n\r\n").startswith(b"HTTP/1.1 413 ")
  small = b'{"inputs": [1]}'
  answer = _raw(address, head + b"15\r\n\r\n" + small)
  assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
  "header, status",
  [
    (b"", b"411"),
    (b"Transfer-Encoding: chunked\r\n", b"411"),
    (b"Content-Length: -1\r\n", b"400"),
    (b"Content-Length: 1e3\r\n", b"400"),
    (b"Content-Length: 1\r\nContent-Length: 2\r\n", b"400"),
    (b"Content-Length: " + b"9" * 5000 + b"\r\n", b"413"),
  ],
)
def test_a_body_of_unknown_length_is_refused(address, header, status):
  answer = _raw(address, b"POST /v1/models/video:predict HTTP/1.1\r\n" + header + b"\r\n{}")
  assert answer.startswith(b"HTTP/1.1 " + status)
  assert b'{"error": "' in answer


@pytest.mark.parametrize("request_", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"\r\n" * 9])
def test_what_is_not_http_does_no_harm(address, request_):
  _raw(address, request_)
  assert _ask(address, "GET", "/v1/models/video")[0] == 200


def test_a_client_that_leaves_does_no_harm(address):
  head = b"POST /v1/models/video:predict HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"
  with socket.create_connection(address) as connection:
    connection.sendall(head)
  assert _ask(address, "GET", "/v1/models/video")[0] == 200


def test_a_form_of_another_page_cannot_send_a_video(address):
  status, answer = _ask(address, "POST", "/try", b"x", {"Content-Type": "text/plain"})
  assert (status, answer["error"]) == (400, "a video is sent as application/octet-stream")


def test_the_next_video_waits_for_the_one_before_but_not_for_ever(monkeypatch):
  monkeypatch.setattr(rest, "_PATIENCE", 0.5)
  kind = {"Content-Type": "application/octet-stream"}
  model = models.Model("video", "/nowhere")  # Without a version: whoever gets through, gets a 404.
  server = rest.Server(model, "127.0.0.1", 0, largest=MB, largest_video=MB)
  thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
  thread.start()
  try:
    with server.trying:
      assert _ask(server.server_address, "POST", "/try", b"x", kind)[0] == 429
      threading.Timer(0.1, server.trying.release).start()
      assert _ask(server.server_address, "POST", "/try", b"x", kind)[0] == 404
      server.trying.acquire()  # For the block to release.
  finally:
    server.shutdown()
    server.server_close()
    thread.join()


def test_many_clients_at_once_get_their_own_answers(address):
  found = {}

  def ask(value: int) -> None:
    body = json.dumps({"inputs": [value]})
    found[value] = _ask(address, "POST", "/v1/models/video:predict", body)

  threads = [threading.Thread(target=ask, args=(value,)) for value in range(16)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert found == {value: (200, {"outputs": [2.0 * value]}) for value in range(16)}

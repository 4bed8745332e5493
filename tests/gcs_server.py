"""A small server of Google Cloud Storage's JSON interface on loopback, with objects in memory.

It has what Beam's and TensorFlow's clients ask for: buckets, objects, listings, uploads in one
piece and in several, rewriting (a rename is that and a deletion), batches, and tokens.
fake-gcs-server, which does more, skips the batches of Google's Python client.

Beam's client finds it by STORAGE_EMULATOR_HOST. TensorFlow's has no such setting: the addresses
https://www.googleapis.com and https://storage.googleapis.com are constants of its file system. So
the server is a proxy, too: whoever asks it for a tunnel to any host is answered by itself, with a
certificate of its own (`Store.environment`).
"""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import datetime
import email
import hashlib
import http.server
import itertools
import json
import pathlib
import re
import socket
import ssl
import threading
from typing import Any
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_FIRST_OF_TLS = b"\x16"
_HOSTS = "*.googleapis.com"
_ROUTES: list[tuple[str, re.Pattern[str], str]] = []
_Answer = tuple[int, dict[str, str], bytes]


@dataclasses.dataclass(frozen=True)
class Request:
  """A request: its parts are what its route's pattern caught, decoded."""

  parts: tuple[str, ...]
  query: dict[str, str]
  headers: Any
  body: bytes
  origin: str


@dataclasses.dataclass
class _Upload:
  bucket: str
  name: str
  content: bytes = b""


class Store:
  """The objects, and the answers of the server.

  Attributes:
    buckets: By name, the content of each object by name.
    requests: What was asked so far: method and path.
    url: Where the server is.
    environment: Variables with which Beam's and TensorFlow's clients find it.
    others: Answers requests that are not the storage's; takes method, path, query and body, and
      returns JSON or None.
  """

  def __init__(self, folder: pathlib.Path):
    """Begins without buckets; `folder` takes the certificate and the keys."""
    self.buckets: dict[str, dict[str, bytes]] = {}
    self.requests: list[tuple[str, str]] = []
    self.others: Callable[[str, str, dict[str, str], bytes], Any] = lambda *request: None
    self._generations: dict[tuple[str, str], int] = {}
    self._uploads: dict[str, _Upload] = {}
    self._numbers = itertools.count(1)
    self._lock = threading.RLock()
    self._folder = folder

  def begin(self, port: int) -> ssl.SSLContext:
    """Takes the port at which the server listens; returns what it encrypts tunnels with."""
    self.url = f"http://127.0.0.1:{port}"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
      serialization.Encoding.PEM,
      serialization.PrivateFormat.PKCS8,
      serialization.NoEncryption(),
    )
    certificate = self._folder / "certificate.pem"
    certificate.write_bytes(_certificate(key))
    (self._folder / "key.pem").write_bytes(pem)
    account = {
      "type": "service_account",
      "project_id": "our-project",
      "private_key_id": "1",
      "private_key": pem.decode(),
      "client_email": "someone@our-project",
      "client_id": "1",
      "token_uri": f"{self.url}/token",
    }
    (self._folder / "credentials.json").write_text(json.dumps(account))
    self.environment = {
      "STORAGE_EMULATOR_HOST": self.url,
      "GOOGLE_APPLICATION_CREDENTIALS": str(self._folder / "credentials.json"),
      "HTTPS_PROXY": self.url,  # Not in small letters: Beam has no way through a proxy.
      "CURL_CA_BUNDLE": str(certificate),  # TensorFlow's.
      "REQUESTS_CA_BUNDLE": str(certificate),  # That of Google's libraries for Python.
    }
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, self._folder / "key.pem")
    return context

  def put(self, bucket: str, name: str, content: bytes) -> dict[str, Any]:
    """Makes an object, in a bucket that is made, too; returns its description."""
    with self._lock:
      self.buckets.setdefault(bucket, {})[name] = content
      self._generations[bucket, name] = next(self._numbers)
      return self._described(bucket, name)

  def answer(self, method: str, target: str, headers: Any, body: bytes, origin: str) -> _Answer:
    """Returns status, headers and content of an answer."""
    path, _, query = target.partition("?")
    asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    with self._lock:
      self.requests.append((method, target))
      for known, pattern, name in _ROUTES:
        if known == method and (found := pattern.fullmatch(path)):
          parts = tuple(map(urllib.parse.unquote, found.groups()))
          return getattr(self, name)(Request(parts, asked, headers, body, origin))
    other = self.others(method, path, asked, body)
    return _not_found(target) if other is None else _json(other)

  def _described(self, bucket: str, name: str) -> dict[str, Any]:
    content = self.buckets[bucket][name]
    return {
      "kind": "storage#object",
      "id": f"{bucket}/{name}/1",
      "bucket": bucket,
      "name": name,
      "size": str(len(content)),
      "generation": str(self._generations[bucket, name]),
      "metageneration": "1",
      "contentType": "application/octet-stream",
      "etag": hashlib.md5(content).hexdigest(),
      "updated": "2026-01-01T00:00:00.000Z",
      "timeCreated": "2026-01-01T00:00:00.000Z",
    }

  def _token(self, request: Request) -> _Answer:
    return _json({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})

  def _bucket(self, request: Request) -> _Answer:
    (bucket,) = request.parts
    if bucket not in self.buckets:
      return _not_found(bucket)
    return _json({"kind": "storage#bucket", "id": bucket, "name": bucket, "location": "US"})

  def _list(self, request: Request) -> _Answer:
    (bucket,) = request.parts
    if bucket not in self.buckets:
      return _not_found(bucket)
    prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter")
    names, prefixes = [], set()
    for name in sorted(self.buckets[bucket]):
      if name.startswith(prefix):
        rest = name.removeprefix(prefix)
        if delimiter and delimiter in rest:
          prefixes.add(prefix + rest.split(delimiter)[0] + delimiter)
        else:
          names.append(name)
    limit = int(request.query.get("maxResults", 1000))
    begin = int(request.query.get("pageToken", 0))
    page = {"items": [self._described(bucket, name) for name in names[begin : begin + limit]]}
    if begin + limit < len(names):
      page["nextPageToken"] = str(begin + limit)
    return _json({"kind": "storage#objects", "prefixes": sorted(prefixes)} | page)

  def _get(self, request: Request) -> _Answer:
    bucket, name = request.parts
    if name not in self.buckets.get(bucket, {}):
      return _not_found(name)
    if request.query.get("alt") == "media":
      return self._read(request)
    return _json(self._described(bucket, name))

  def _read(self, request: Request) -> _Answer:
    bucket, name = request.parts
    if name not in self.buckets.get(bucket, {}):
      return _not_found(name)
    content = self.buckets[bucket][name]
    generation = {"X-Goog-Generation": str(self._generations[bucket, name])}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    if not asked:
      return 200, generation, content
    begin, end = int(asked[1]), min(int(asked[2] or len(content)) + 1, len(content))
    if begin >= len(content):
      return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
    return (
      206,
      generation | {"Content-Range": f"bytes {begin}-{end - 1}/{len(content)}"},
      (content[begin:end]),
    )

  def _delete(self, request: Request) -> _Answer:
    bucket, name = request.parts
    if self.buckets.get(bucket, {}).pop(name, None) is None:
      return _not_found(name)
    return 204, {}, b""

  def _rewrite(self, request: Request) -> _Answer:
    bucket, name, manner, into, target = request.parts
    if name not in self.buckets.get(bucket, {}) or into not in self.buckets:
      return _not_found(name)
    content = self.buckets[bucket][name]
    made, size = self.put(into, target, content), str(len(content))
    if manner == "copyTo":
      return _json(made)
    done = {"kind": "storage#rewriteResponse", "done": True, "resource": made}
    return _json(done | {"totalBytesRewritten": size, "objectSize": size})

  def _upload(self, request: Request) -> _Answer:
    (bucket,) = request.parts
    if bucket not in self.buckets:
      return _not_found(bucket)
    kind, name = request.query["uploadType"], request.query.get("name", "")
    if kind == "resumable":
      described = json.loads(request.body or b"{}")
      key = str(next(self._numbers))
      self._uploads[key] = _Upload(bucket, name or described["name"])
      return 200, {"Location": f"{request.origin}/upload/session/{key}"}, b""
    if kind == "multipart":
      about, content = _multipart(request)
      return _json(self.put(bucket, name or json.loads(about)["name"], content))
    return _json(self.put(bucket, name, request.body))

  def _upload_part(self, request: Request) -> _Answer:
    upload = self._uploads[request.parts[0]]
    told = re.fullmatch(
      r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", request.headers.get("Content-Range", "bytes 0-0/*")
    )
    if told[1] is not None:
      upload.content = upload.content[: int(told[1])] + request.body
    total = told[2] if "Content-Range" in request.headers else str(len(upload.content))
    if total == str(len(upload.content)):
      return _json(self.put(upload.bucket, upload.name, upload.content))
    last = len(upload.content) - 1
    return 308, {"Range": f"bytes=0-{last}"} if last >= 0 else {}, b""

  def _batch(self, request: Request) -> _Answer:
    answers = []
    for part in _message(request).get_payload():
      line, _, rest = part.get_payload().lstrip().partition("\n")
      method, target, _ = line.split()
      headers, _, body = rest.replace("\r", "").partition("\n\n")
      target = urllib.parse.urlsplit(target)._replace(scheme="", netloc="").geturl()
      status, _, content = self.answer(
        method, target, email.message_from_string(headers), body.encode(), request.origin
      )
      answers.append(
        b"--part\r\nContent-Type: application/http\r\n\r\n"
        + f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n".encode()
        + f"Content-Length: {len(content)}\r\n\r\n".encode()
        + content
        + b"\r\n"
      )
    return (
      200,
      {"Content-Type": "multipart/mixed; boundary=part"},
      b"".join([*answers, b"--part--\r\n"]),
    )


def _route(method: str, pattern: str, name: str) -> None:
  _ROUTES.append((method, re.compile(pattern), name))


_OBJECT = r"/storage/v1/b/([^/]+)/o/([^/]+)"
_route("POST", r"/token|/oauth2/v4/token", "_token")
_route("POST", r"/batch/storage/v1", "_batch")
_route("GET", r"/storage/v1/b/([^/]+)", "_bucket")
_route("GET", r"/storage/v1/b/([^/]+)/o/?", "_list")
_route("GET", _OBJECT, "_get")
_route("GET", r"/download" + _OBJECT, "_read")
_route("DELETE", _OBJECT, "_delete")
_route("POST", _OBJECT + r"/(rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)", "_rewrite")
_route("POST", r"/upload/storage/v1/b/([^/]+)/o", "_upload")
_route("PUT", r"/upload/session/(\d+)", "_upload_part")
_route("GET", r"/(?!storage/|v1b3/)([^/]+)/(.+)", "_read")  # Of storage.googleapis.com.


def _json(content: Any, status: int = 200) -> _Answer:
  return status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(content).encode()


def _not_found(what: str) -> _Answer:
  return _json({"error": {"code": 404, "message": f"Not Found: {what}"}}, 404)


def _message(request: Request) -> Any:
  head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
  return email.message_from_bytes(head + request.body)


def _multipart(request: Request) -> tuple[bytes, bytes]:
  """Returns the two parts of an upload; the content, which is no text, as it is."""
  boundary = re.search(r'boundary="?([^";]+)', request.headers["Content-Type"])[1].encode()
  _, about, content, _ = request.body.split(b"--" + boundary)
  return (
    about.split(b"\r\n\r\n", 1)[1],
    content.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n"),
  )


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
  name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
  now = datetime.datetime.now(datetime.UTC)
  builder = (
    x509.CertificateBuilder()
    .subject_name(name)
    .issuer_name(name)
    .public_key(key.public_key())
    .serial_number(1)
    .not_valid_before(now - datetime.timedelta(days=1))
    .not_valid_after(now + datetime.timedelta(days=1))
    .add_extension(x509.SubjectAlternativeName([x509.DNSName(_HOSTS)]), critical=False)
    .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
  )
  return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class _Handler(http.server.BaseHTTPRequestHandler):
  """Answers the requests of one connection."""

  protocol_version = "HTTP/1.1"
  origin = ""
  store: Store
  tls: ssl.SSLContext

  def _answer(self) -> None:
    body = self._body()
    origin = self.origin or self.store.url
    status, headers, content = self.store.answer(
      self.command, self.path, self.headers, body, origin
    )
    self.send_response(status)
    for name, value in headers.items():
      self.send_header(name, value)
    if status != 204:
      self.send_header("Content-Length", str(len(content)))
    self.end_headers()
    self.wfile.write(content)

  def _body(self) -> bytes:
    if self.headers.get("Transfer-Encoding") != "chunked":
      return self.rfile.read(int(self.headers.get("Content-Length", 0)))
    chunks = []
    while size := int(self.rfile.readline(), 16):
      chunks.append(self.rfile.read(size))
      self.rfile.readline()
    self.rfile.readline()
    return b"".join(chunks)

  do_GET = do_POST = do_PUT = do_DELETE = _answer

  def do_CONNECT(self) -> None:  # noqa: N802
    """Answers in place of the host that is asked for."""
    self.send_response(200)
    self.end_headers()
    self.close_connection = False
    if self.connection.recv(1, socket.MSG_PEEK) != _FIRST_OF_TLS:
      return
    self.origin = f"https://{self.path.removesuffix(':443')}"
    with contextlib.suppress(OSError):  # Whoever asks may not know our certificate.
      self.connection = self.tls.wrap_socket(self.connection, server_side=True)
    self.rfile = self.connection.makefile("rb")
    self.wfile = self.connection.makefile("wb", buffering=0)

  def log_message(self, *args: Any) -> None:
    """Says nothing."""


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[Store]:
  """Yields a server that runs while the block does."""
  store = Store(folder)
  handler = type("Handler", (_Handler,), {"store": store})
  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
  server.daemon_threads = True
  handler.tls = store.begin(server.server_port)
  thread = threading.Thread(target=server.serve_forever, daemon=True)
  thread.start()
  try:
    yield store
  finally:
    server.shutdown()
    thread.join()
    server.server_close()

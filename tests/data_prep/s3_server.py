"""An S3 server on loopback: moto's, which speaks S3's protocol and keeps objects in memory.

A test may hold a request back (`Store.hold`): the server has got it and does nothing, until the
test lets go of it. So a client can be killed at a place that the test chooses, however fast the
machine is.
"""

from collections.abc import Callable, Iterator
import contextlib
import itertools
import threading
from typing import Any

import boto3
from moto.moto_server import werkzeug_app
from werkzeug import serving

_KEYS = {"s3_access_key_id": "someone", "s3_secret_access_key": "secret"}
_SECONDS_TO_COME = 120.0


class Held:
  """The first request that fits, held back until `release`."""

  def __init__(self, fits: Callable[[str, str], bool]):
    """Takes a function of the method and the path with its query."""
    self._fits, self._taken = fits, False
    self._came, self._released = threading.Event(), threading.Event()
    self._lock = threading.Lock()

  def wait(self) -> None:
    """Returns when the request has come."""
    assert self._came.wait(_SECONDS_TO_COME), "no such request came"

  def release(self) -> None:
    """Drops the request, whose client is not there any more."""
    self._released.set()

  def drops(self, method: str, path: str) -> bool:
    """Returns True, when it is released, for the request that is held; False for others."""
    with self._lock:
      if self._taken or not self._fits(method, path):
        return False
      self._taken = True
    self._came.set()
    self._released.wait()
    return True


class Store:
  """A running server.

  Attributes:
    url: Where it is.
    options: Beam's options for it, by name.
  """

  def __init__(self):
    """Begins without buckets."""
    self._held: Held | None = None
    self._numbers = itertools.count()
    self._app = werkzeug_app.DomainDispatcherApplication(werkzeug_app.create_backend_app)

  def begin(self, port: int) -> None:
    """Takes the port at which the server listens."""
    self.url = f"http://127.0.0.1:{port}"
    self.options = _KEYS | {"s3_endpoint_url": self.url}
    self._client = boto3.client(
      "s3",
      endpoint_url=self.url,
      region_name="us-east-1",
      aws_access_key_id=_KEYS["s3_access_key_id"],
      aws_secret_access_key=_KEYS["s3_secret_access_key"],
    )

  @property
  def arguments(self) -> list[str]:
    """Beam's options for it, as on a command line."""
    return [f"--{name}={value}" for name, value in self.options.items()]

  def new_bucket(self) -> str:
    """Returns the URL of a new bucket."""
    name = f"bucket-{next(self._numbers)}"
    self._client.create_bucket(Bucket=name)
    return f"s3://{name}"

  def put(self, url: str, content: bytes) -> None:
    """Makes an object."""
    bucket, key = url.removeprefix("s3://").split("/", 1)
    self._client.put_object(Bucket=bucket, Key=key, Body=content)

  def content(self, url: str) -> dict[str, bytes]:
    """Returns the objects whose names begin with that of the folder `url`, by what follows it."""
    bucket, _, folder = url.removeprefix("s3://").partition("/")
    prefix = folder and folder + "/"
    pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return {
      key.removeprefix(prefix): self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
      for key in keys
    }

  @contextlib.contextmanager
  def hold(self, fits: Callable[[str, str], bool]) -> Iterator[Held]:
    """Holds back the first request that comes, while the block runs, and fits."""
    self._held = Held(fits)
    try:
      yield self._held
    finally:
      self._held.release()
      self._held = None

  def __call__(self, environ: dict[str, Any], start_response: Callable) -> Any:
    """Answers a request, as a WSGI application."""
    path = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
    held = self._held
    if held and held.drops(environ["REQUEST_METHOD"], path):
      start_response("503 Service Unavailable", [])
      return []
    return self._app(environ, start_response)


class _SilentHandler(werkzeug_app.MotoRequestHandler):
  """Answers without a line for every request."""

  def log(self, *args: Any) -> None:
    """Says nothing."""


@contextlib.contextmanager
def running() -> Iterator[Store]:
  """Yields a server that runs while the block does."""
  store = Store()
  server = serving.make_server("127.0.0.1", 0, store, threaded=True, request_handler=_SilentHandler)
  store.begin(server.port)
  thread = threading.Thread(target=server.serve_forever, daemon=True)
  thread.start()
  try:
    yield store
  finally:
    server.shutdown()
    thread.join()
    server.server_close()

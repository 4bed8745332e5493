"""The trial server (tools/trial_server) in this process, by gRPC and by REST, for tests of clients.

Status codes and messages are TensorFlow Serving's; that the real server loads the SavedModel is the
C++ loader's to show.
"""

from collections.abc import Iterator
import contextlib
import os
import threading

from tools.trial_server import grpc_api
from tools.trial_server import models
from tools.trial_server import rest

MB = 1 << 20


def model(name: str, saved_model: str) -> models.Model:
  """Returns a model that has loaded the versions beside a SavedModel."""
  found = models.Model(name, os.path.dirname(saved_model))
  found.refresh()
  return found


@contextlib.contextmanager
def by_grpc(served: models.Model) -> Iterator[str]:
  """Serves on a free port and yields HOST:PORT."""
  server, port = grpc_api.serve(served, "127.0.0.1", 0, MB)
  try:
    yield f"127.0.0.1:{port}"
  finally:
    server.stop(None).wait()


@contextlib.contextmanager
def by_rest(served: models.Model) -> Iterator[str]:
  """Serves on a free port and yields http://HOST:PORT."""
  server = rest.Server(served, "127.0.0.1", 0, largest=MB, largest_video=2 * MB)
  thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
  thread.start()
  try:
    yield f"http://127.0.0.1:{server.server_port}"
  finally:
    server.shutdown()
    server.server_close()
    thread.join()

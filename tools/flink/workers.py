"""Beam's Python workers, started where a runner asks for them.

Beam has such a service itself (`apache_beam.runners.worker.worker_pool_main`). It listens on every
interface of the machine, gives workers no options of the pipeline, leaves them behind when it is
killed, and confuses the workers of two TaskManagers.
"""

from collections.abc import Callable, Iterator
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

from google.protobuf import json_format
from google.protobuf import text_format
import grpc

from data_prep.common import cli
from data_prep.common.quiet_beam import beam  # noqa: F401  Before anything else imports it.

from apache_beam.portability.api import beam_fn_api_pb2  # isort: skip  After quiet_beam.
from apache_beam.portability.api import beam_fn_api_pb2_grpc  # isort: skip
from apache_beam.portability.api import beam_provision_api_pb2  # isort: skip
from apache_beam.portability.api import beam_provision_api_pb2_grpc  # isort: skip
from apache_beam.portability.api import endpoints_pb2  # isort: skip
from apache_beam.utils import thread_pool_executor  # isort: skip

_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_TO_ANSWER = 60.0


@contextlib.contextmanager
def serve(port: int) -> Iterator[str]:
  """Yields the address at which workers are to be had until the block ends.

  Raises:
    UserError: The port is in use.
  """
  server = grpc.server(
    thread_pool_executor.shared_unbounded_instance(), options=[("grpc.so_reuseport", 0)]
  )
  pool = _Pool()
  beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
  address = f"127.0.0.1:{port}"
  try:
    server.add_insecure_port(address)
  except RuntimeError as error:
    raise cli.UserError(f"`port`={port} cannot be used: is it in use? give another one") from error
  server.start()
  try:
    yield address
  finally:
    server.stop(0)
    pool.close()


class _Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
  """The service: a process for each worker that is asked for.

  TaskManagers of one machine give their workers the same ids. So a worker is not ended by its id,
  but when the port is closed at which its TaskManager serves it: after its job, or because the
  TaskManager died.
  """

  def __init__(self):
    """There is no worker yet."""
    self._lock = threading.Lock()
    self._workers: list[tuple[subprocess.Popen, str]] = []
    self._closed = threading.Event()
    threading.Thread(target=self._watch, daemon=True).start()

  def StartWorker(
    self, request: beam_fn_api_pb2.StartWorkerRequest, context: grpc.ServicerContext
  ) -> beam_fn_api_pb2.StartWorkerResponse:
    """Starts a worker for the TaskManager that asks."""
    del context
    try:
      environment = _environment(request)
    except grpc.RpcError as error:
      return beam_fn_api_pb2.StartWorkerResponse(error=f"the TaskManager does not answer: {error}")
    command = [sys.executable, "-m", "data_prep.job.local_worker", str(os.getpid())]
    worker = subprocess.Popen(command, env=os.environ | environment, stdin=subprocess.DEVNULL)
    with self._lock:
      self._workers.append((worker, request.control_endpoint.url))
    return beam_fn_api_pb2.StartWorkerResponse()

  def StopWorker(
    self, request: beam_fn_api_pb2.StopWorkerRequest, context: grpc.ServicerContext
  ) -> beam_fn_api_pb2.StopWorkerResponse:
    """Takes notice; the port will be closed."""
    del request, context
    return beam_fn_api_pb2.StopWorkerResponse()

  def close(self) -> None:
    """Ends all workers."""
    self._closed.set()
    self._end(lambda endpoint: True)

  def _watch(self) -> None:
    while not self._closed.wait(_SECONDS_BETWEEN_LOOKS):
      self._end(_is_closed)

  def _end(self, when: Callable[[str], bool]) -> None:
    """Ends the workers whose endpoint is so, and forgets those that have ended."""
    with self._lock:
      workers = list(self._workers)
    ended = [one for one in workers if one[0].poll() is not None or when(one[1])]
    for worker, _ in ended:
      _kill(worker)
    with self._lock:
      self._workers = [one for one in self._workers if one not in ended]


def _environment(request: beam_fn_api_pb2.StartWorkerRequest) -> dict[str, str]:
  """Returns what tells a worker where its TaskManager is, and the options of the pipeline."""
  with grpc.insecure_channel(request.provision_endpoint.url) as channel:
    stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
    provision = stub.GetProvisionInfo(
      beam_provision_api_pb2.GetProvisionInfoRequest(),
      metadata=[("worker_id", request.worker_id)],
      timeout=_SECONDS_TO_ANSWER,
    ).info
  return {
    "WORKER_ID": request.worker_id,
    "CONTROL_API_SERVICE_DESCRIPTOR": _text(request.control_endpoint),
    "LOGGING_API_SERVICE_DESCRIPTOR": _text(request.logging_endpoint),
    "PIPELINE_OPTIONS": json.dumps(json_format.MessageToDict(provision.pipeline_options)),
    "RUNNER_CAPABILITIES": " ".join(provision.runner_capabilities),
  }


def _text(endpoint: endpoints_pb2.ApiServiceDescriptor) -> str:
  return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=endpoint.url))


def _is_closed(endpoint: str) -> bool:
  host, _, port = endpoint.rpartition(":")
  try:
    socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
  except ConnectionRefusedError:
    return True
  except OSError:  # Busy, perhaps.
    return False
  return False


def _kill(worker: subprocess.Popen) -> None:
  """Ends a worker; what it writes appears whole or not at all."""
  worker.kill()
  worker.wait()

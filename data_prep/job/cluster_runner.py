"""A Beam job on a cluster: one line where nobody answers, and one where the job fails.

Beam waits for ever for a job server whose machine is cut off, because nothing is sent on a
connection on which it only listens. So the job server is asked now and then, on other connections.
"""

from collections.abc import Iterator
import contextlib
import json
import logging
import queue
import re
import signal
import socket
import sys
import threading
import time
from typing import Any
import urllib.request

from apitools.base.py import exceptions as apitools_exceptions
import grpc

from data_prep.common import cli
from data_prep.common.quiet_beam import beam
from data_prep.common.quiet_beam import pipeline_options
from data_prep.job import local_runner

from apache_beam.options import pipeline_options_validator  # isort: skip  After quiet_beam.
from apache_beam.portability.api import beam_job_api_pb2  # isort: skip
from apache_beam.portability.api import beam_job_api_pb2_grpc  # isort: skip
from apache_beam.runners.dataflow import dataflow_runner  # isort: skip

_SECONDS_TO_ANSWER = 10.0
_SECONDS_BETWEEN_LOOKS = 5.0
_SECONDS_OF_SILENCE = 30.0
# Not a connection that another channel has, which may be one to a machine that was cut off.
_OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)
_FLINK_IN_THIS_PROCESS = ("[local]", "[auto]", "[collection]")
_PYTHON_ERROR = re.compile(
  r"^(?!(?:java|javax|org|com)\.)[\w.]*(?:Error|Exception): .*", re.MULTILINE
)
_JAVA_CLASSES = re.compile(r"(?:[\w$]+\.)+[\w$]+(?:Exception|Error): ")
_BEFORE_THE_REASON = re.compile(
  r"^(?:Pipeline \S+ failed in state \w+: |Dataflow pipeline failed\. State: \w+, Error:\s*)"
)
_TERMINATED = 128 + signal.SIGTERM
# Not by way of a proxy: clusters are on this network.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check(options: pipeline_options.PipelineOptions) -> None:
  """Raises UserError if the options name a cluster or a job server where nobody answers."""
  if endpoint := _job_endpoint(options):
    _connect("job_endpoint", endpoint, "Beam's job server")
  if master := _flink_master(options):
    _check_flink(master)
  if options.view_as(pipeline_options.StandardOptions).runner == "DataflowRunner":
    _check_dataflow(options)


def run(pipeline: beam.Pipeline, options: pipeline_options.PipelineOptions) -> None:
  """Runs a pipeline to its end, and cancels it where this program is told to end.

  A job that fails is one line and exit status 1; its cluster's logs have all that happened.
  """
  flink = _flink_master(options)  # Running takes the runner out of the options.
  with _quiet(), _terminated_as_exit():
    try:
      result = pipeline.run()
    except grpc.RpcError as error:
      _fail(f"the job server does not take the job: {error.details() or error.code()}")
    except apitools_exceptions.HttpError as error:
      _fail(f"Dataflow does not take the job: {_told_by_google(error)}")
    try:
      _wait(result, _job_endpoint(options))
    except (KeyboardInterrupt, SystemExit):
      _cancel(result, flink)
      raise
    except _JobServerLost as error:
      _cancel_on_flink(result, flink)
      _fail(str(error))
    except (RuntimeError, grpc.RpcError, dataflow_runner.DataflowRuntimeException) as error:
      if told := local_runner.cannot_write(error):
        raise told from error
      _fail(f"the job failed: {reason(str(error))}")


def reason(text: str) -> str:
  """Returns the line of a runner's message that says why a job failed.

  That is the last exception of Python's, where a worker raised one, else the first line without the
  names of Java's classes.
  """
  raised = _PYTHON_ERROR.findall(text)
  if raised:
    return re.sub(r" \[while running .*", "", raised[-1])
  told = _BEFORE_THE_REASON.sub("", text.strip()).removesuffix("None")
  lines = told.splitlines() or ["it does not say why"]
  return _JAVA_CLASSES.sub("", lines[0]).strip() or lines[0]


class _JobServerLost(Exception):
  """The job server does not answer, or has forgotten the job."""


def _wait(result: Any, endpoint: str | None) -> None:
  """Returns when a job has ended well, and raises what Beam does if it has not.

  Raises:
    _JobServerLost: The one at that address does not know of the job any more.
  """
  if not endpoint:
    result.wait_until_finish()
    return
  outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

  def work() -> None:
    try:
      result.wait_until_finish()
      outcome.put(None)
    except Exception as error:
      outcome.put(error)

  threading.Thread(target=work, name="cluster job", daemon=True).start()
  heard = time.monotonic()
  while True:
    try:
      error = outcome.get(timeout=_SECONDS_BETWEEN_LOOKS)
    except queue.Empty:
      if _knows(endpoint, result._job_id):
        heard = time.monotonic()
      elif time.monotonic() - heard > _SECONDS_OF_SILENCE:
        raise _JobServerLost(
          f"Beam's job server has not answered at --job_endpoint={endpoint} for "
          f"{_SECONDS_OF_SILENCE:g} s"
        ) from None
      continue
    if error:
      raise error
    return


def _knows(endpoint: str, job_id: str) -> bool:
  """Returns whether the job server at an address answers; raises _JobServerLost if it is another
  one than that which took the job."""
  with grpc.insecure_channel(endpoint, options=_OWN_CONNECTION) as channel:
    stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
    try:
      stub.GetState(beam_job_api_pb2.GetJobStateRequest(job_id=job_id), timeout=_SECONDS_TO_ANSWER)
    except grpc.RpcError as error:
      if error.code() is grpc.StatusCode.NOT_FOUND:
        raise _JobServerLost(
          f"Beam's job server at --job_endpoint={endpoint} was started again"
        ) from error
      return False
  return True


def _told_by_google(error: apitools_exceptions.HttpError) -> str:
  try:
    return json.loads(error.content)["error"]["message"]
  except (ValueError, TypeError, KeyError):
    return f"status {error.status_code} from {error.url}"


def _fail(message: str) -> None:
  print(f"error: {cli.one_line(message)}; the same command resumes", file=sys.stderr, flush=True)
  sys.exit(1)


def _cancel(result: Any, flink: str | None) -> None:
  """Cancels a job, of the Flink cluster at that address if there is one.

  Beam's job server forgets a job that it is told to cancel, and Flink continues it. So Flink is
  told, too, which knows the job by the first part of Beam's id.
  """

  def cancel() -> None:
    with contextlib.suppress(Exception):  # It may have ended by itself.
      result.cancel()

  asking = threading.Thread(target=cancel, name="cancel", daemon=True)
  asking.start()
  asking.join(_SECONDS_TO_ANSWER)
  _cancel_on_flink(result, flink)


def _cancel_on_flink(result: Any, flink: str | None) -> None:
  """Cancels a job of the Flink cluster at that address, if there is one."""
  with contextlib.suppress(OSError, ValueError):
    for job in _ask_flink(flink, "/jobs/overview")["jobs"] if flink else ():
      if job["name"] == result._job_id.rpartition("_")[0]:
        _ask_flink(flink, f"/jobs/{job['jid']}?mode=cancel", "PATCH")


def _job_endpoint(options: pipeline_options.PipelineOptions) -> str | None:
  """Returns the address of Beam's job server that the options name, if they name one."""
  endpoint = options.view_as(pipeline_options.PortableOptions).job_endpoint
  return None if endpoint == "embed" else endpoint


def _flink_master(options: pipeline_options.PipelineOptions) -> str | None:
  """Returns the address of the Flink cluster that the options name, if they name one."""
  runner = options.view_as(pipeline_options.StandardOptions).runner
  master = options.view_as(pipeline_options.FlinkRunnerOptions).flink_master
  return master if runner == "FlinkRunner" and master not in _FLINK_IN_THIS_PROCESS else None


def _ask_flink(master: str, path: str, method: str = "GET") -> Any:
  """Returns what Flink's REST interface answers."""
  url = master if "://" in master else f"http://{master}"
  request = urllib.request.Request(f"{url.rstrip('/')}{path}", method=method)
  with _OPENER.open(request, timeout=_SECONDS_TO_ANSWER) as answer:
    return json.load(answer)


def _check_flink(master: str) -> None:
  """Raises UserError unless the JobManager's REST interface is at an address."""
  _connect("flink_master", master.partition("://")[2] or master, "Flink's JobManager")
  try:
    overview = _ask_flink(master, "/overview")
  except (OSError, ValueError) as error:
    raise cli.UserError(
      f"--flink_master={master} does not answer as Flink does ({error}); give the address and port "
      "of Flink's page, 8081 by default"
    ) from error
  if not overview.get("taskmanagers"):
    raise cli.UserError(
      f"the Flink cluster at --flink_master={master} has no TaskManager; start one, or wait for it"
    )


def _check_dataflow(options: pipeline_options.PipelineOptions) -> None:
  """Raises UserError where Beam would not send a request, as far as the options alone tell."""
  validator = pipeline_options_validator.PipelineOptionsValidator(
    options, dataflow_runner.DataflowRunner()
  )
  if not validator.is_service_runner():  # At an address of localhost.
    return
  with _quiet():
    faults = validator.validate_cloud_options(options.view_as(pipeline_options.GoogleCloudOptions))
  if faults:
    raise cli.UserError(f"--runner=DataflowRunner: {'; '.join(faults)}; correct the options")


def _connect(flag: str, address: str, what: str) -> None:
  """Raises UserError unless somebody listens at HOST:PORT."""
  host, _, port = address.rstrip("/").rpartition(":")
  if not host or not port.isdecimal():
    raise cli.UserError(f"--{flag}={address} is no address; write HOST:PORT")
  try:
    socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
  except OSError as error:
    raise cli.UserError(
      f"{what} does not answer at --{flag}={address} ({error.strerror or error}); start it, or "
      "give another address"
    ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """Keeps what Beam logs, and what its threads raise, from the terminal: its exception says it."""
  previous, threading.excepthook = threading.excepthook, lambda arguments: None
  logging.disable(logging.CRITICAL)
  try:
    yield
  finally:
    logging.disable(logging.NOTSET)
    threading.excepthook = previous


@contextlib.contextmanager
def _terminated_as_exit() -> Iterator[None]:
  """Turns SIGTERM into SystemExit, so that the job can be cancelled."""

  def leave(number: int, frame: object) -> None:
    del number, frame
    sys.exit(_TERMINATED)

  previous = signal.signal(signal.SIGTERM, leave)
  try:
    yield
  finally:
    signal.signal(signal.SIGTERM, previous)

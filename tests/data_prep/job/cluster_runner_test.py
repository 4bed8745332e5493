"""What is said of a job on a cluster that fails; tests/engines runs such jobs."""

from concurrent import futures
import http.server
import socket
import threading

import grpc
import pytest

from data_prep.common import cli
from data_prep.job import cluster_runner
from data_prep.job import pipeline

from apache_beam.portability.api import beam_job_api_pb2  # isort: skip  After quiet_beam.
from apache_beam.portability.api import beam_job_api_pb2_grpc  # isort: skip

PYTHON = """Pipeline job_1 failed in state FAILED: java.util.concurrent.ExecutionException: \
java.lang.RuntimeException: Error received from SDK harness for instruction 4: Traceback (most \
recent call last):
  File "worker.py", line 3, in process
KeyError: 'fps'

During handling of the above exception, another exception occurred:

ValueError: no such rate [while running 'Work-ptransform-23']
\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.accept
"""


@pytest.mark.parametrize(
  "text, reason",
  [
    (PYTHON, "ValueError: no such rate"),
    (
      "Pipeline job_1 failed in state FAILED: "
      "org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager with id 7 is lost",
      "TaskManager with id 7 is lost",
    ),
    ("java.lang.OutOfMemoryError: Java heap space\n\tat java.base/java", "Java heap space"),
    ("Pipeline failed.", "Pipeline failed."),
    ("", "it does not say why"),
  ],
)
def test_the_reason_is_one_line_without_names_of_classes(text, reason):
  assert cluster_runner.reason(text) == reason


@pytest.fixture
def web_server():
  """The address of a server that has nothing."""

  class Nothing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
      self.send_error(404)

    def log_message(self, *arguments):
      pass

  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
  threading.Thread(target=server.serve_forever, daemon=True).start()
  yield f"127.0.0.1:{server.server_port}"
  server.shutdown()
  server.server_close()


def test_what_answers_and_is_not_flink_is_told(web_server):
  with pytest.raises(cli.UserError, match="does not answer as Flink does.*8081 by default"):
    pipeline.check_reachable(["--runner=FlinkRunner", f"--flink_master={web_server}"])


@pytest.mark.parametrize(
  "options",
  [[], ["--runner=FlinkRunner"], ["--runner=PortableRunner", "--job_endpoint=embed"]],
)
def test_nothing_is_asked_of_what_runs_here(options):
  pipeline.check_reachable(options)


class _Jobs(beam_job_api_pb2_grpc.JobServiceServicer):
  """A job server that knows one job."""

  def GetState(self, request, context):
    if request.job_id != "job":
      context.abort(grpc.StatusCode.NOT_FOUND, "unknown job")
    return beam_job_api_pb2.JobStateEvent(state=beam_job_api_pb2.JobState.RUNNING)


@pytest.fixture
def job_server(monkeypatch):
  """The address of a job server, at which this module looks often."""
  monkeypatch.setattr(cluster_runner, "_SECONDS_BETWEEN_LOOKS", 0.01)
  server = grpc.server(futures.ThreadPoolExecutor(2))
  beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(_Jobs(), server)
  port = server.add_insecure_port("127.0.0.1:0")
  server.start()
  yield f"127.0.0.1:{port}"
  server.stop(None)


class _Result:
  """A job, which ends with an error, or well, once the job server was asked so many times."""

  def __init__(self, name: str, monkeypatch, looks: int, error: Exception | None = None):
    self._job_id, self._error, self._looks = name, error, looks
    self._end, knows = threading.Event(), cluster_runner._knows

    def counted(*arguments):
      self._looks -= 1
      if not self._looks:
        self._end.set()
      return knows(*arguments)

    monkeypatch.setattr(cluster_runner, "_knows", counted)

  def wait_until_finish(self):
    self._end.wait()
    if self._error:
      raise self._error


def test_a_job_is_waited_for_while_its_server_knows_it(job_server, monkeypatch):
  cluster_runner._wait(_Result("job", monkeypatch, looks=3), job_server)


def test_a_job_that_fails_raises_what_beam_does(job_server, monkeypatch):
  failing = _Result("job", monkeypatch, looks=3, error=RuntimeError("no such rate"))
  with pytest.raises(RuntimeError, match="no such rate"):
    cluster_runner._wait(failing, job_server)


def test_a_job_server_that_was_started_again_is_told(job_server, monkeypatch):
  with pytest.raises(cluster_runner._JobServerLost, match=f"{job_server} was started again"):
    cluster_runner._wait(_Result("other", monkeypatch, looks=0), job_server)


def test_a_job_server_that_is_silent_for_too_long_is_given_up(job_server, monkeypatch):
  monkeypatch.setattr(cluster_runner, "_SECONDS_OF_SILENCE", 0.0)
  nobody = f"127.0.0.1:{_unused_port()}"
  with pytest.raises(cluster_runner._JobServerLost, match=f"not answered at .*{nobody} for 0 s"):
    cluster_runner._wait(_Result("job", monkeypatch, looks=0), nobody)


def _unused_port() -> int:
  with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    return listener.getsockname()[1]

"""What is said of a job on a cluster that fails; tests/engines runs such jobs."""

import http.server
import threading

import pytest

from data_prep.common import cli
from data_prep.job import cluster_runner
from data_prep.job import pipeline

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

"""A Beam job on this machine: one process per core, and no hanging when one of them dies.

Beam's workers are threads of this process where each has a child that makes the clips
(isolation.py): the cores are busy with the children, which begin at once because they have no use
for Beam. Where clips are made in the workers themselves, or `--direct_running_mode` asks for it,
workers are processes.

Beam's DirectRunner would first try to download another runner, and with several processes it waits
for ever for one that was killed. So this is its FnApiRunner with worker processes of our own
(local_worker.py), whose deaths are noticed.
"""

import logging
import os
import pathlib
import queue
import re
import shlex
import sys
import threading
from typing import NoReturn

from data_prep.common import cli
from data_prep.common.quiet_beam import beam
from data_prep.common.quiet_beam import pipeline_options

from apache_beam.portability.api import beam_provision_api_pb2  # isort: skip  After quiet_beam.
from apache_beam.runners.portability.fn_api_runner import fn_runner  # isort: skip
from apache_beam.runners.portability.portable_runner import JobServiceHandle  # isort: skip
from apache_beam.transforms import environments  # isort: skip

_NAMES = (None, "DirectRunner", "FnApiRunner")
_BEAM_WATCHES_A_WORKER = "run_worker"  # Names of Beam's threads.
_BEAM_READS_FROM_A_WORKER = ("beam_control_read", "read_grpc_client_inputs")
_OS_ERROR = re.compile(
  r"^(?:RuntimeError: )?\w*Error: (\[Errno \d+\] .*?)(?: \[while running .*)?$", re.MULTILINE
)


def serves(options: pipeline_options.PipelineOptions) -> bool:
  """Returns whether these options select this machine, by name or by default."""
  return options.view_as(pipeline_options.StandardOptions).runner in _NAMES


def num_workers(options: pipeline_options.PipelineOptions, num_shards: int) -> int:
  """Returns how many processes to use: `direct_num_workers`, where 0 is one per core.

  There are no more of them than shards.
  """
  asked = options.view_as(pipeline_options.DirectOptions).direct_num_workers
  return max(1, min(asked or len(os.sched_getaffinity(0)), num_shards))


def has_threads(
  options: pipeline_options.PipelineOptions, workers: int, *, with_children: bool
) -> bool:
  """Returns whether workers are threads of this process.

  Args:
    options: Beam's.
    workers: How many; one works in this process.
    with_children: Whether the work is done by a child process of each worker, so that workers may
      be threads.
  """
  mode = options.view_as(pipeline_options.DirectOptions).direct_running_mode
  asked = {"multi_threading": True, "multi_processing": False}
  return workers == 1 or asked.get(mode, with_children)


def make(
  options: pipeline_options.PipelineOptions, workers: int, *, threads: bool
) -> fn_runner.FnApiRunner:
  """Returns the runner with that many workers, either threads of this process or processes."""
  direct = options.view_as(pipeline_options.DirectOptions)
  direct.direct_num_workers = workers
  direct.direct_running_mode = "in_memory"  # Another value would replace our environment.
  environment = None  # Beam's default: threads, without a server between them and the runner.
  if not threads:
    root = str(pathlib.Path(__file__).resolve().parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = shlex.join([sys.executable, "-m", "data_prep.job.local_worker", str(os.getpid())])
    environment = environments.SubprocessSDKEnvironment.from_command_string("exec " + command)
  logging.getLogger("apache_beam").setLevel(logging.CRITICAL + 1)  # Errors come as exceptions too.
  provision = beam_provision_api_pb2.ProvisionInfo(
    pipeline_options=JobServiceHandle.encode_pipeline_options(options.get_all_options())
  )
  return fn_runner.FnApiRunner(
    default_environment=environment, provision_info=fn_runner.ExtendedProvisionInfo(provision)
  )


def run(pipeline: beam.Pipeline) -> None:
  """Runs a pipeline to its end.

  Where a worker process dies or the user interrupts, Beam's threads cannot be ended: this process
  ends at once with one line, and the workers follow it.
  """
  outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

  def work() -> None:
    try:
      pipeline.run().wait_until_finish()
      outcome.put(None)
    except Exception as error:
      outcome.put(error)

  def on_thread_error(arguments: threading.ExceptHookArgs) -> None:
    name = arguments.thread.name if arguments.thread else ""
    if name == _BEAM_WATCHES_A_WORKER:
      outcome.put(_WorkerDied(str(arguments.exc_value)))
    elif name not in _BEAM_READS_FROM_A_WORKER:
      previous_hook(arguments)

  previous_hook, threading.excepthook = threading.excepthook, on_thread_error
  threading.Thread(target=work, name="beam", daemon=True).start()
  try:
    error = outcome.get()
  except KeyboardInterrupt:
    _end("interrupted; the same command resumes", 130)
  if isinstance(error, _WorkerDied):
    _end(
      f"a worker process died: {error}; a decoder may have crashed, or memory run out "
      "(--direct_num_workers=1 needs least); the same command resumes",
      1,
    )
  threading.excepthook = previous_hook  # Not before: threads fail as long as there are workers.
  if error:
    told = cannot_write(error)
    if told:
      raise told from error
    raise error


def cannot_write(error: Exception) -> cli.UserError | None:
  """Returns the line for the failure of a job whose workers could not write, None for others."""
  writing = _OS_ERROR.search(str(error))  # Beam hands on a worker's exception as text.
  return writing and cli.UserError(
    f"the dataset cannot be written: {writing[1]}; the same command resumes with the files that "
    "are finished"
  )


class _WorkerDied(Exception):
  """A worker process ended before its work did."""


def _end(message: str, status: int) -> NoReturn:
  print(f"error: {message}", file=sys.stderr, flush=True)
  os._exit(status)

"""A worker process of a local job: Beam's worker, silent, and ended when its driver ends.

Started by pipeline.py as `python -m data_prep.job.local_worker DRIVER_PID`, with Beam's addresses
in the environment.
"""

import faulthandler
import os
import signal
import sys

from data_prep.dataset import isolation


def main(arguments: list[str]) -> None:
  """Serves the driver until it has finished or died."""
  # Not at the top: a child for decoding imports this module and has no use for Beam.
  from data_prep.common.quiet_beam import beam  # noqa: F401, I001  Before anything else imports it.
  from apache_beam.runners.worker import sdk_worker_main

  signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the driver, which ends the workers.
  isolation.end_with(int(arguments[0]))
  faulthandler.enable(open(os.dup(2), "w"))  # A crash in a decoder shows where.
  sys.stderr = open(
    os.devnull, "w"
  )  # What Python raises reaches the driver; the rest is noise when that goes away.
  status = 1
  try:
    sdk_worker_main.main(arguments)
    status = 0
  finally:
    os._exit(status)  # Python's own end would abort where a thread is at work in a C++ library.


if __name__ == "__main__":
  main(sys.argv[1:])

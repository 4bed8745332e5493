"""Starts Beam's Python workers for the TaskManagers of this machine.

    python -m tools.flink.worker_pool --port=50000

Beam calls it an external environment (--environment_type=EXTERNAL): a TaskManager asks this pool
for a worker, which is a process of its own with this checkout and this Python. tools.flink.start
starts a pool; another Flink cluster needs one on each machine that has TaskManagers. It listens on
the loopback interface alone, and its workers end with it.
"""

from collections.abc import Sequence
import signal
import threading

from absl import flags

from data_prep.common import cli

_PORT = flags.DEFINE_integer("port", 50000, "Port to listen on.", lower_bound=1, upper_bound=65535)


def main(arguments: Sequence[str]) -> None:
  """Serves until it is told to end."""
  if arguments:
    raise cli.UserError(f"unexpected argument {arguments[0]!r}; --help lists the flags")
  from tools.flink import workers

  ended = threading.Event()
  for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: ended.set())
  with workers.serve(_PORT.value) as address:
    print(f"TaskManagers get workers at {address}", flush=True)
    ended.wait()


if __name__ == "__main__":
  cli.run(main)

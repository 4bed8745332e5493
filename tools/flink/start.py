"""Starts a Flink cluster for a trial: on this machine, or on several.

    python -m tools.flink.start --taskmanagers=2

starts a JobManager, two TaskManagers, Beam's job server and a pool of Python workers, and prints
the options with which data_prep.extract runs on it. Given again, it starts what has died.
`python -m tools.flink.status` shows the cluster, `python -m tools.flink.stop` ends it.

On several machines, give this one an address that the others reach, and let the others join it:

    python -m tools.flink.start --host=10.0.0.1 --taskmanagers=1
    python -m tools.flink.start --host=10.0.0.2 --jobmanager=10.0.0.1 --taskmanagers=1

All of them need this checkout with its environment, and see the videos and the dataset under the
same paths. Machines are named by IPv4 addresses. The workers of a machine are reached by its own
TaskManagers alone; nothing asks for a password, so --host should be an address of a network that
you trust.

Java 17 is needed (11 to 21 will do), and Maven for the first start, which fetches 400 MB.
"""

from collections.abc import Sequence
import ipaddress
import os
import pathlib
import time

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from tools.flink import cluster
from tools.flink import jars
from tools.flink import overview
from tools.flink import places
from tools.flink import processes

_HOST = flags.DEFINE_string("host", cluster.LOOPBACK, "IPv4 address of this machine to listen on.")
_JOBMANAGER = flags.DEFINE_string(
  "jobmanager", "", "Address of the machine whose cluster this one joins; default: none."
)
_TASKMANAGERS = flags.DEFINE_integer(
  "taskmanagers", 1, "TaskManagers to start on this machine.", lower_bound=1
)
_SLOTS = flags.DEFINE_integer(
  "slots",
  0,
  "Subtasks that a TaskManager runs at the same time, each of which keeps a core busy; 0 shares "
  "the cores of this machine out to its TaskManagers.",
  lower_bound=0,
)
_SECONDS = flags.DEFINE_float(
  "seconds_to_start", 60.0, "Seconds to wait until all TaskManagers have registered.", 1.0
)
_PORTS = {
  name: flags.DEFINE_integer(name, port, f"{what}; 0 takes a free one.", 0, upper_bound=65535)
  for name, port, what in (
    ("rest_port", 8081, "Port of Flink's page, to which jobs are sent"),
    ("rpc_port", 6123, "Port on which TaskManagers reach the JobManager"),
    ("job_port", 8099, "Port of Beam's job server"),
    ("artifact_port", 8098, "Port on which Beam's job server takes files"),
    ("pool_port", 50000, "Port of the workers on the loopback interface"),
  )
}


def main(arguments: Sequence[str]) -> None:
  """Starts what is not running, waits for it, and says how to use it."""
  del arguments
  folder = places.folder()
  folder.mkdir(parents=True, exist_ok=True)
  settings = _settings(folder)
  there = jars.fetch(places.cache())
  cluster.save(settings, folder)
  started = cluster.start_missing(settings, folder, there)
  _wait(settings, folder, started)
  _tell(settings, folder)


def _settings(folder: pathlib.Path) -> cluster.Settings:
  """Returns what the flags ask for: what runs already, where something does."""
  for flag in (_HOST, _JOBMANAGER):
    _check_address(flag.name, flag.value)
  asked = cluster.Settings(
    host=_HOST.value,
    jobmanager=_JOBMANAGER.value or _HOST.value,
    taskmanagers=_TASKMANAGERS.value,
    slots=_SLOTS.value or max(1, len(os.sched_getaffinity(0)) // _TASKMANAGERS.value),
    **{name: flag.value or cluster.free_port(_HOST.value) for name, flag in _PORTS.items()},
  )
  running = cluster.load(folder)
  if not running or not any(process.alive for process in processes.read(folder)):
    return asked
  for name, value in vars(running).items():
    chosen = name not in _PORTS or _PORTS[name].value  # A free port is as good as another.
    if chosen and value != getattr(asked, name):
      raise cli.UserError(
        f"the cluster in {folder} runs with `{name}`={value}, not `{name}`={getattr(asked, name)}; "
        "stop it (python -m tools.flink.stop), or give another `dir`"
      )
  return running


def _check_address(name: str, value: str) -> None:
  """Raises UserError for a name: the JobManager looks none up, not to leave its own address."""
  try:
    ipaddress.IPv4Address(value or cluster.LOOPBACK)
  except ValueError as error:
    raise cli.UserError(
      f"`{name}`={value} is no IPv4 address; give numbers, such as 10.0.0.1"
    ) from error


def _wait(settings: cluster.Settings, folder: pathlib.Path, started: Sequence[str]) -> None:
  """Returns when the TaskManagers that were started have registered.

  Raises:
    UserError: A process has ended, or it takes too long.
  """
  until = time.monotonic() + _SECONDS.value
  while True:
    for process in processes.read(folder):
      if not process.alive:
        raise cli.UserError(
          f"{process.name} ended at once; {processes.log(folder, process.name)} says why"
        )
    registered = overview.task_managers(settings.page)
    if registered is not None and registered.issuperset(started):
      return
    if time.monotonic() > until:
      what = "no JobManager answers" if registered is None else "TaskManagers are missing"
      raise cli.UserError(
        f"{what} at {settings.page} after {_SECONDS.value:g} s; the logs in {folder} say why"
      )
    time.sleep(0.2)


def _tell(settings: cluster.Settings, folder: pathlib.Path) -> None:
  print(
    f"Flink {jars.FLINK_VERSION} runs on {settings.host}: {settings.taskmanagers} TaskManagers of "
    f"{settings.slots} slots; {settings.page} is its page, and {folder} has the logs"
  )
  options = cluster.extract_flags(settings) | {"parallelism": overview.slots(settings.page)}
  extract = next_command.command(
    "python -m data_prep.extract", manifest="videos.csv", output_dir="data", **options
  )
  next_command.tell([extract, next_command.command("python -m tools.flink.stop", dir=folder)])


if __name__ == "__main__":
  cli.run(main)

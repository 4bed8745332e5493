"""A standalone Flink cluster on this machine: which processes it has, and what they are told.

    jobmanager         accepts jobs: one a cluster
    job_server         Beam's: turns pipelines into jobs; beside the JobManager
    worker_pool        starts Beam's Python workers for the TaskManagers of this machine
    taskmanager_1 ...  run jobs

The folder of a cluster holds `cluster.json`, Flink's configuration, a log of each process and their
record (processes.py).
"""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import sys
import uuid

from data_prep.common import cli
from tools.flink import jars as jars_lib
from tools.flink import java
from tools.flink import processes

JOB_MANAGER = "jobmanager"
JOB_SERVER = "job_server"
WORKER_POOL = "worker_pool"
TASK_MANAGER = "taskmanager_"
LOOPBACK = "127.0.0.1"

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SETTINGS = "cluster.json"
_CONFIGURATION = "conf"
_TEMPORARY = "tmp"
_HOSTS = "hosts"

# Megabytes. A TaskManager moves names of files; what needs memory are the Python workers.
_MEMORY = {
  "taskmanager.memory.framework.heap.size": 128,
  "taskmanager.memory.framework.off-heap.size": 128,
  "taskmanager.memory.task.heap.size": 384,
  "taskmanager.memory.task.off-heap.size": 64,
  "taskmanager.memory.managed.size": 64,
  "taskmanager.memory.network.min": 64,
  "taskmanager.memory.network.max": 64,
  "taskmanager.memory.jvm-metaspace.size": 256,
  "taskmanager.memory.jvm-overhead.min": 192,
  "taskmanager.memory.jvm-overhead.max": 192,
}
_TASK_MANAGER_JVM = ("-Xms512m", "-Xmx512m", "-XX:MaxDirectMemorySize=256m")
_JOB_MANAGER_JVM = ("-Xmx768m",)
_JOB_SERVER_JVM = ("-Xmx768m",)
_METASPACE = "-XX:MaxMetaspaceSize=256m"
_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1} - %m%n
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
  """What a cluster is, or this machine's part of it.

  Attributes:
    host: Address of this machine that the others reach.
    jobmanager: Address of the JobManager; that of this machine where it is to run here.
    taskmanagers: TaskManagers on this machine.
    slots: Subtasks of a job that a TaskManager runs at the same time.
    rest_port: Port of Flink's page, to which jobs are sent.
    rpc_port: Port on which TaskManagers reach the JobManager.
    job_port: Port of Beam's job server.
    artifact_port: Port on which that takes files of a job. Beam's own choice would be one of its
      machine's loopback interface.
    pool_port: Port of the worker pool on every machine's loopback interface.
  """

  host: str
  jobmanager: str
  taskmanagers: int
  slots: int
  rest_port: int
  rpc_port: int
  job_port: int
  artifact_port: int
  pool_port: int

  @property
  def leads(self) -> bool:
    """Whether the JobManager runs on this machine."""
    return self.host == self.jobmanager

  @property
  def page(self) -> str:
    """The URL of Flink's page."""
    return f"http://{self.jobmanager}:{self.rest_port}"

  def names(self) -> tuple[str, ...]:
    """Returns the names of the processes, in the order of their start."""
    first = (JOB_MANAGER, JOB_SERVER) if self.leads else ()
    last = (f"{TASK_MANAGER}{number}" for number in range(1, self.taskmanagers + 1))
    return (*first, WORKER_POOL, *last)


def load(folder: pathlib.Path) -> Settings | None:
  """Returns the settings of the cluster that was started in a folder; None if there is none."""
  path = folder / _SETTINGS
  return Settings(**json.loads(path.read_text())) if path.exists() else None


def save(settings: Settings, folder: pathlib.Path) -> None:
  """Writes the settings, and the configuration that Flink reads."""
  configuration = folder / _CONFIGURATION
  configuration.mkdir(parents=True, exist_ok=True)
  lines = [f"{key}: {json.dumps(value)}\n" for key, value in _flink_options(settings).items()]
  (configuration / "config.yaml").write_text("".join(lines))
  (configuration / "log4j.properties").write_text(_LOG4J)
  names = ("localhost", socket.gethostname())
  (configuration / _HOSTS).write_text("".join(f"{settings.host} {name}\n" for name in names))
  (folder / _TEMPORARY).mkdir(exist_ok=True)
  (folder / _SETTINGS).write_text(json.dumps(dataclasses.asdict(settings), indent=1))


def forget(folder: pathlib.Path) -> None:
  """Removes what `save` wrote and what Flink left; the logs stay."""
  (folder / _SETTINGS).unlink(missing_ok=True)
  for name in (_CONFIGURATION, _TEMPORARY):
    shutil.rmtree(folder / name, ignore_errors=True)


def start_missing(settings: Settings, folder: pathlib.Path, jars: jars_lib.Jars) -> list[str]:
  """Starts the processes that do not run; returns the ids of the TaskManagers among them."""
  alive = {process.name for process in processes.read(folder) if process.alive}
  missing = [name for name in settings.names() if name not in alive]
  _check_ports(settings, missing)
  found, started = java.find(), []
  for name in missing:
    resource = f"{settings.host}-{name}-{uuid.uuid4().hex[:8]}"
    command = _command(name, settings, folder, jars, found, resource)
    processes.start(folder, name, command, _environment())
    if name.startswith(TASK_MANAGER):
      started.append(resource)
  return started


def extract_flags(settings: Settings) -> dict[str, str | int]:
  """Returns the flags by which data_prep.extract runs on this cluster."""
  return {
    "runner": "FlinkRunner",
    "flink_master": f"{settings.jobmanager}:{settings.rest_port}",
    "job_endpoint": f"{settings.jobmanager}:{settings.job_port}",
    "environment_type": "EXTERNAL",
    "environment_config": f"{LOOPBACK}:{settings.pool_port}",
  }


def free_port(host: str) -> int:
  """Returns a port of an address that nobody uses."""
  with socket.socket() as listener:
    listener.bind((host, 0))
    return listener.getsockname()[1]


def _flink_options(settings: Settings) -> Mapping[str, str | int]:
  return {
    "jobmanager.rpc.address": settings.jobmanager,
    "jobmanager.rpc.port": settings.rpc_port,
    "jobmanager.bind-host": settings.host,
    "rest.address": settings.jobmanager,
    "rest.port": settings.rest_port,
    "rest.bind-address": settings.host,
    "taskmanager.host": settings.host,
    "taskmanager.bind-host": settings.host,
    "taskmanager.cpu.cores": settings.slots,
    "taskmanager.numberOfTaskSlots": settings.slots,
    "cluster.evenly-spread-out-slots": "true",
    # A TaskManager that was lost is noticed in ten seconds instead of fifty.
    "heartbeat.interval": "2000",
    "heartbeat.timeout": "10000",
    **{name: f"{megabytes}m" for name, megabytes in _MEMORY.items()},
  }


def _command(
  name: str,
  settings: Settings,
  folder: pathlib.Path,
  jars: jars_lib.Jars,
  java_path: str,
  resource: str,
) -> Sequence[str]:
  """Returns the command line of a process."""
  configuration, temporary = folder / _CONFIGURATION, folder / _TEMPORARY
  machine = [java_path, f"-Djava.io.tmpdir={temporary}", *java.OPTIONS]
  flink = [f"-Dlog4j.configurationFile={configuration / 'log4j.properties'}", "-cp"]
  told = ["--configDir", str(configuration), "-D", f"io.tmp.dirs={temporary}"]
  entry = "org.apache.flink.runtime"
  if name == JOB_MANAGER:
    main = f"{entry}.entrypoint.StandaloneSessionClusterEntrypoint"
    # It gives the files of a job to itself at `localhost`, but listens on the host's address alone.
    names = f"-Djdk.net.hosts.file={configuration / _HOSTS}"
    own = [*machine, names, *_JOB_MANAGER_JVM, _METASPACE]
    return [*own, *flink, f"{jars.lib}/*", main, *told]
  if name == JOB_SERVER:
    ports = [f"--job-port={settings.job_port}", f"--artifact-port={settings.artifact_port}"]
    ports.append("--expansion-port=-1")
    places = [f"--job-host={settings.host}", f"--artifacts-dir={temporary / 'artifacts'}"]
    master = f"--flink-master={settings.jobmanager}:{settings.rest_port}"
    own = [*machine, *_JOB_SERVER_JVM, "-jar", str(jars.job_server)]
    return [*own, *ports, *places, master]
  if name == WORKER_POOL:
    return [sys.executable, "-m", "tools.flink.worker_pool", f"--port={settings.pool_port}"]
  main = f"{entry}.taskexecutor.TaskManagerRunner"
  told += ["-D", f"taskmanager.resource-id={resource}"]
  return [*machine, *_TASK_MANAGER_JVM, _METASPACE, *flink, f"{jars.lib}/*", main, *told]


def _environment() -> dict[str, str]:
  """Returns what the processes' environment has besides ours: workers import this checkout."""
  paths = (str(_ROOT), os.environ.get("PYTHONPATH"))
  return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _check_ports(settings: Settings, missing: Sequence[str]) -> None:
  """Raises UserError if the port of a process that is to start is in use."""
  for flag, host, port in _ports(settings, missing):
    try:
      with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
      raise cli.UserError(
        f"port {port} of {host} cannot be used ({error.strerror or error}); end what listens "
        f"there (python -m tools.flink.stop, if it is another cluster), or give `{flag}` another "
        "value, or `host`"
      ) from error


def _ports(settings: Settings, missing: Sequence[str]) -> Iterator[tuple[str, str, int]]:
  """Yields (flag, address, port)."""
  if JOB_MANAGER in missing:
    yield "rest_port", settings.host, settings.rest_port
    yield "rpc_port", settings.host, settings.rpc_port
  if JOB_SERVER in missing:
    yield "job_port", settings.host, settings.job_port
    yield "artifact_port", settings.host, settings.artifact_port
  if WORKER_POOL in missing:
    yield "pool_port", LOOPBACK, settings.pool_port

"""Candidates on the machines of a Ray cluster: one remote task and one process per candidate.

Ray finds a node with free cores and GPUs, and says when it is lost. The task that runs there is a
`Local` executor with one worker: the candidate has a process of its own, forked from a server that
imported TensorFlow once, ends with its signals and exit status told (Ray tells a crash from a
crash by nothing), and dies with the Ray worker that watches it. Ray retries nothing: whether a lost
candidate is tried again is the driver's business.

A node whose machine is cut off, or loses its power, closes no connection, and Ray tells whoever
waits for one of its tasks only when gRPC has given up, after minutes. The head knows much sooner
(its health checks). So a task writes where it runs into its folder (node.json), and the executor
asks the head every few seconds which nodes are dead.

The model directory must be on a file system that all nodes share. The code need not be: it is
uploaded, and comes before the nodes' own `official`, which would be tf-models-official's.
"""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import os
import signal
import sys
import threading
import time
from typing import Any
import uuid

from data_prep.common import faults
from data_prep.common.cli import UserError
from official.runs import json_files
from official.runs.executors import base
from official.runs.executors import local
from official.runs.executors.base import Outcome
from official.runs.executors.base import Task

_INSTALL = "pip install -e '.[cluster]' in the checkout installs it"
_SECONDS_TO_END = 30.0
_POLL_SECONDS = 0.5
_SECONDS_BETWEEN_LOOKS = 3.0
_LOST = "its node was lost"
_NODE = "node.json"
_NODE_SHAPE = {"submission": str, "node": str}
_QUIET = {
  "RAY_USAGE_STATS_ENABLED": "0",
  "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
  "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
# Ray's only word for the loopback interface.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@dataclasses.dataclass(kw_only=True)
class _Submission:
  """A task on the cluster.

  Attributes:
    key, directory: The task's.
    name: What tells it from others of the same key.
    node: Where it runs, as far as known.
  """

  key: str
  directory: str
  name: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)
  node: str | None = None

  def runs_on(self) -> str | None:
    """Returns the node on which it runs, None if it has not begun or its folder is behind a URL."""
    if self.node is None and not json_files.is_url(self.directory):
      path = os.path.join(self.directory, _NODE)
      content = json_files.read_json(path, _NODE_SHAPE, "delete it")
      if content is not None and content["submission"] == self.name:
        self.node = content["node"]
    return self.node

  def note_node(self, node: str) -> None:
    """Says on the node where it runs."""
    if not json_files.is_url(self.directory):
      content = {"submission": self.name, "node": node}
      json_files.write_json(os.path.join(self.directory, _NODE), content)


class Ray(base.Executor):
  """Runs tasks on a cluster, or on one that it starts on this machine."""

  def __init__(
    self,
    *,
    workers: int,
    threads: int,
    address: str | None = None,
    gpus_per_candidate: int = 0,
    preload: Sequence[str] = ("tensorflow",),
    imports: Sequence[str] = (),
  ):
    """Makes the executor, and connects this process unless it is connected.

    Args:
      workers: Tasks at a time.
      threads: CPU threads of one operation in a worker, and cores that a task takes of its node.
      address: "auto" or HOST:PORT of a running cluster; None starts one on this machine, of
        `workers` slots, on the loopback interface, or uses what this process has started already.
      gpus_per_candidate: GPUs that a task takes of its node.
      preload: Modules that are imported once for every slot.
      imports: Modules from outside the tree that a worker imports before its task.

    Raises:
      UserError: Ray is not installed, no cluster is there, or no node of it is large enough.
    """
    self._ray = _import_ray(address)
    self._workers = workers
    self._submitted: dict[Any, _Submission] = {}
    self._ending: set[str] = set()
    self._owned = not self._ray.is_initialized()
    if self._owned:
      _connect(self._ray, address, workers * threads, workers * gpus_per_candidate)
    try:
      _check_size(self._ray, address, threads, gpus_per_candidate)
    except UserError:
      self._disconnect()
      raise
    self._function = self._ray.remote(
      num_cpus=threads, num_gpus=gpus_per_candidate, max_retries=0, max_calls=0
    )(_serve)
    self._arguments = (threads, tuple(preload), gpus_per_candidate, tuple(imports))

  @property
  def capacity(self) -> int:
    return self._workers

  def submit(self, task: Task) -> None:
    submission = _Submission(key=task.key, directory=task.directory)
    self._submitted[self._function.remote(task, submission, *self._arguments)] = submission

  def wait_any(self, timeout: float | None = None) -> Outcome | None:
    if not self._submitted:
      raise LookupError("no task was submitted")
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    while True:
      left = max(0.0, deadline - time.monotonic())
      ready, _ = self._ray.wait(
        list(self._submitted), timeout=min(left, _SECONDS_BETWEEN_LOOKS), fetch_local=True
      )
      if ready:
        key = self._submitted.pop(ready[0]).key
        return self._as_asked(self._outcome(key, ready[0]))
      if lost := self._on_dead_nodes():
        key = self._submitted.pop(lost[0]).key
        return self._as_asked(Outcome(key=key, kind="lost", reason=_LOST))
      if left <= _SECONDS_BETWEEN_LOOKS:
        return None

  def _as_asked(self, outcome: Outcome) -> Outcome:
    if outcome.key in self._ending:
      self._ending.discard(outcome.key)
      if outcome.kind != "returned":
        return Outcome(key=outcome.key, kind="cancelled", reason="cancelled")
    return outcome

  def _on_dead_nodes(self) -> list[Any]:
    dead = {node["NodeID"] for node in self._ray.nodes() if not node["Alive"]}
    return [
      at for at, submission in self._submitted.items() if dead and submission.runs_on() in dead
    ]

  def cancel(self, key: str) -> None:
    for reference in [at for at, submission in self._submitted.items() if submission.key == key]:
      self._ending.add(key)
      self._ray.cancel(reference, force=True)

  def close(self) -> None:
    if self._submitted and self._ray.is_initialized():
      references = list(self._submitted)
      for force, seconds in ((False, _SECONDS_TO_END), (True, _POLL_SECONDS)):
        for reference in references:
          self._ray.cancel(reference, force=force)
        _, references = self._ray.wait(references, num_returns=len(references), timeout=seconds)
        if not references:
          break
    self._submitted.clear()
    self._ending.clear()
    self._disconnect()

  def _disconnect(self) -> None:
    if self._owned and self._ray.is_initialized():
      self._ray.shutdown()
    self._owned = False

  def _outcome(self, key: str, reference: Any) -> Outcome:
    errors = self._ray.exceptions
    try:
      return self._ray.get(reference)
    except errors.TaskCancelledError:
      return Outcome(key=key, kind="cancelled", reason="cancelled")
    except errors.OutOfMemoryError:
      return Outcome(key=key, kind="killed", reason="Ray ended it: its node was short of memory")
    except (errors.NodeDiedError, errors.LocalRayletDiedError, errors.ObjectLostError):
      return Outcome(key=key, kind="lost", reason=_LOST)
    except (errors.WorkerCrashedError, errors.RaySystemError):
      # Not the candidate's process, whose ending the Ray worker would have told.
      return Outcome(key=key, kind="lost", reason="its Ray worker died, or its node was lost")
    except Exception as error:
      fault = faults.describe(getattr(error, "cause", None) or error)
      if fault is not None:
        return Outcome(key=key, kind="environment", reason=fault)
      name = type(error).__name__
      text = " ".join(str(error).split())[:500]
      return Outcome(key=key, kind="raised", reason=f"{name}: {text}", signature=name)


def _serve(
  task: Task,
  submission: _Submission,
  threads: int,
  preload: Sequence[str],
  gpus_per_candidate: int,
  imports: Sequence[str],
) -> Outcome:
  """Runs on the node, in a Ray worker, which may serve several tasks one after the other."""
  import ray

  # Without its file, multiprocessing does not run Ray's main module in every candidate's process.
  vars(sys.modules["__main__"]).pop("__file__", None)
  submission.note_node(ray.get_runtime_context().get_node_id())
  gpus = [str(name) for name in ray.get_gpu_ids()]
  with local.Local(
    workers=1,
    threads=threads,
    preload=preload,
    gpus=gpus,
    gpus_per_candidate=gpus_per_candidate,
    imports=imports,
  ) as executor:
    executor.submit(task)
    while (outcome := executor.wait_any(timeout=_POLL_SECONDS)) is None:
      pass  # A cancellation is an exception between two calls.
    return outcome


def _import_ray(address: str | None) -> Any:
  for name, value in {**_QUIET, **({} if address else _LOOPBACK)}.items():
    os.environ.setdefault(name, value)
  try:
    import ray
    import ray.exceptions
  except ImportError as error:
    raise UserError(f"--executor=ray needs Ray, which is not installed; {_INSTALL}") from error
  return ray


def _connect(ray: Any, address: str | None, cpus: int, gpus: int) -> None:
  root = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 3))
  environment: dict[str, Any] = {
    "env_vars": {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
  }
  if address is None:
    place = {"num_cpus": cpus, "_node_ip_address": "127.0.0.1", "include_dashboard": False}
    if gpus:
      place["num_gpus"] = gpus
  else:
    environment["py_modules"] = [os.path.join(root, name) for name in ("official", "data_prep")]
    environment["excludes"] = ["__pycache__"]
    place = {"address": address}
  try:
    with _handlers_kept():
      ray.init(**place, runtime_env=environment, log_to_driver=False, logging_level="ERROR")
  except (ConnectionError, ValueError, RuntimeError) as error:
    text = " ".join(str(error).split())[:300]
    raise UserError(
      f"no Ray cluster at {address or 'this machine'}: {text}; start one with "
      "`ray start --head`, or leave out --ray_address"
    ) from error


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
  """Gives the driver its own signal handlers back: Ray takes SIGTERM."""
  kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
  try:
    yield
  finally:
    if threading.current_thread() is threading.main_thread():
      for number, handler in kept.items():
        signal.signal(number, handler)


def _check_size(ray: Any, address: str | None, threads: int, gpus: int) -> None:
  """A task that fits no node would wait for ever."""
  nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
  if any(node.get("CPU", 0) >= threads and node.get("GPU", 0) >= gpus for node in nodes):
    return
  has = "; ".join(f"{node.get('CPU', 0):g} and {node.get('GPU', 0):g}" for node in nodes)
  raise UserError(
    f"no node of the Ray cluster at {address or 'this machine'} has the {threads} CPUs and "
    f"{gpus} GPUs that a candidate takes (--threads_per_candidate, --gpus_per_candidate); "
    f"they have {has}"
  )

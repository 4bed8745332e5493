"""Executors: they run candidates, in the driver, in local processes, or on a cluster.

base         the interface: tasks in, outcomes out
inline       runs candidates in the driver's own process
leases       the CPU cores and GPUs that a running candidate has to itself
local        runs each candidate in a process of its own
ray_cluster  runs candidates on the machines of a Ray cluster
server       the server from which local processes are forked
worker       runs one task and catches everything, wherever it runs
"""

from collections.abc import Callable, Sequence

from data_prep.common import lookup
from data_prep.common.cli import UserError
from official.runs.executors import base
from official.runs.executors.base import Resources

Maker = Callable[[Resources], base.Executor]


def make(
  name: str,
  *,
  workers: int,
  threads: int,
  gpus_per_candidate: int = 0,
  ray_address: str | None = None,
  preload: Sequence[str] = ("tensorflow",),
  imports: Sequence[str] = (),
) -> base.Executor:
  """Makes an executor.

  Args:
    name: One of `names()`.
    workers: Candidates at a time.
    threads: CPU threads of one operation in a worker.
    gpus_per_candidate: GPUs of a candidate; a process of its own sees no others.
    ray_address: "auto" or HOST:PORT of a running cluster; None starts one here.
    preload: Modules that are imported once and not for every candidate.
    imports: Modules from outside the tree that a task may need (extensions.py).

  Raises:
    UserError: These do not go together, or Ray or GPUs are missing.
  """
  if ray_address is not None and name != "ray":
    raise UserError(f"--ray_address={ray_address} needs --executor=ray, and it is {name}")
  return _MAKERS[name](
    Resources(
      workers=workers,
      threads=threads,
      gpus_per_candidate=gpus_per_candidate,
      ray_address=ray_address,
      preload=tuple(preload),
      imports=tuple(imports),
    )
  )


def register(name: str) -> Callable[[Maker], Maker]:
  """Returns a decorator that makes an executor known by its name, which must be new.

  It decorates a class, or a function that returns an executor, which is called with Resources.
  """

  def enter(maker: Maker) -> Maker:
    return lookup.add(_MAKERS, name, maker, "executor")

  return enter


def names() -> tuple[str, ...]:
  """Returns the names of all executors, in the order in which they were registered."""
  return tuple(_MAKERS)


def _local(resources: Resources) -> base.Executor:
  from official.runs.executors import leases
  from official.runs.executors import local

  return local.Local(
    workers=resources.workers,
    threads=resources.threads,
    preload=resources.preload,
    gpus=leases.list_gpus(),
    gpus_per_candidate=resources.gpus_per_candidate,
    imports=resources.imports,
  )


def _inline(resources: Resources) -> base.Executor:
  if resources.workers > 1:
    raise UserError(
      f"--executor=inline runs one candidate at a time, not --workers={resources.workers}; "
      "give --workers=1 or --executor=local"
    )
  from official.runs.executors import inline

  return inline.Inline(threads=resources.threads)


def _ray(resources: Resources) -> base.Executor:
  from official.runs.executors import ray_cluster

  return ray_cluster.Ray(
    workers=resources.workers,
    threads=resources.threads,
    preload=resources.preload,
    address=resources.ray_address,
    gpus_per_candidate=resources.gpus_per_candidate,
    imports=resources.imports,
  )


_MAKERS: dict[str, Maker] = {"local": _local, "inline": _inline, "ray": _ray}

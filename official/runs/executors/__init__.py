"""Executors: they run candidates, in the driver, in local processes, or on a cluster.

base         the interface: tasks in, outcomes out
inline       runs candidates in the driver's own process
leases       the CPU cores and GPUs that a running candidate has to itself
local        runs each candidate in a process of its own
ray_cluster  runs candidates on the machines of a Ray cluster
server       the server from which local processes are forked
worker       runs one task and catches everything, wherever it runs
"""

from collections.abc import Sequence

from data_prep.common.cli import UserError
from official.runs.executors import base

NAMES = ("local", "inline", "ray")


def make(
  name: str,
  *,
  workers: int,
  threads: int,
  gpus_per_candidate: int = 0,
  ray_address: str | None = None,
  preload: Sequence[str] = ("tensorflow",),
) -> base.Executor:
  """Makes an executor.

  Args:
    name: One of NAMES.
    workers: Candidates at a time.
    threads: CPU threads of one operation in a worker.
    gpus_per_candidate: GPUs of a candidate; a process of its own sees no others.
    ray_address: "auto" or HOST:PORT of a running cluster; None starts one here.
    preload: Modules that are imported once and not for every candidate.

  Raises:
    UserError: These do not go together, or Ray or GPUs are missing.
  """
  if ray_address is not None and name != "ray":
    raise UserError(f"--ray_address={ray_address} needs --executor=ray, and it is {name}")
  if name == "inline":
    if workers > 1:
      raise UserError(
        f"--executor=inline runs one candidate at a time, not --workers={workers}; "
        "give --workers=1 or --executor=local"
      )
    from official.runs.executors import inline

    return inline.Inline(threads=threads)
  if name == "local":
    from official.runs.executors import leases
    from official.runs.executors import local

    return local.Local(
      workers=workers,
      threads=threads,
      preload=preload,
      gpus=leases.list_gpus(),
      gpus_per_candidate=gpus_per_candidate,
    )
  from official.runs.executors import ray_cluster

  return ray_cluster.Ray(
    workers=workers,
    threads=threads,
    preload=preload,
    address=ray_address,
    gpus_per_candidate=gpus_per_candidate,
  )

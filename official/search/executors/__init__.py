"""Who runs candidates: `inline` in the driver's own process, `local` in one process each, `ray` in
one process each on the machines of a cluster."""

from collections.abc import Sequence

from data_prep.cli import UserError
from official.search.executors import base

NAMES = ("inline", "local", "ray")


def make(name: str, *, workers: int, threads: int, timeout: float | None = None,
         gpus_per_candidate: int = 0, ray_address: str | None = None,
         preload: Sequence[str] = ("tensorflow",)) -> base.Executor:
  """Makes an executor.

  Args:
    name: One of NAMES.
    workers: Candidates at a time.
    threads: CPU threads of one operation in a worker.
    timeout: Seconds that a candidate may take.
    gpus_per_candidate: GPUs of a candidate. 0: on this machine, a lone worker sees them all, and
      several have one each where there are enough; on a cluster, none.
    ray_address: "auto" or HOST:PORT of a running cluster; None starts one here.
    preload: Modules that are imported once and not for every candidate.

  Raises:
    UserError: These do not go together, or Ray or GPUs are missing.
  """
  if ray_address is not None and name != "ray":
    raise UserError(f"--ray_address={ray_address} needs --executor=ray, which is now {name}")
  if name == "inline":
    return _inline(workers, threads, timeout)
  if name == "local":
    from official.search.executors import leases
    from official.search.executors import local
    gpus = leases.list_gpus()
    if not gpus_per_candidate and 1 < workers <= len(gpus):
      gpus_per_candidate = 1
    return local.Local(workers=workers, threads=threads, timeout=timeout, preload=preload,
                       gpus=gpus, gpus_per_candidate=gpus_per_candidate)
  if name == "ray":
    from official.search.executors import ray_cluster
    return ray_cluster.Ray(workers=workers, threads=threads, timeout=timeout, preload=preload,
                           address=ray_address, gpus_per_candidate=gpus_per_candidate)
  raise UserError(f"--executor={name} is none of {', '.join(NAMES)}")


def _inline(workers: int, threads: int, timeout: float | None) -> base.Executor:
  if workers > 1:
    raise UserError(f"--executor=inline runs one candidate at a time, not --workers={workers}; "
                    "give --workers=1 or --executor=local")
  if timeout is not None:
    raise UserError(f"--executor=inline cannot end a candidate after {timeout:g} s; "
                    "leave out --candidate_timeout or give --executor=local")
  from official.search.executors import inline
  return inline.Inline(threads=threads)

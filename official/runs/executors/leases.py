"""Leases: the CPU cores and GPUs that a running candidate has to itself.

A lease is a slot of an executor. Its candidate's process takes it before it computes anything, and
the slot is free again when that process has ended.
"""

from collections.abc import Sequence
import dataclasses
import glob
import os
import re
import shutil
import subprocess

from data_prep.common.cli import UserError

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_PROC = "/proc/driver/nvidia/gpus"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lease:
  """The share of one slot.

  Attributes:
    cores: Numbers of the CPU cores it runs on; empty: wherever the system likes.
    gpus: As CUDA_VISIBLE_DEVICES names them; the process sees no others.
  """

  cores: tuple[int, ...] = ()
  gpus: tuple[str, ...] = ()

  def take(self) -> None:
    """Confines this process; threads that it already has stay where they are."""
    if self.cores:
      os.sched_setaffinity(0, self.cores)
    os.environ[_VISIBLE] = ",".join(self.gpus)


def share_out(
  *, workers: int, threads: int, gpus: Sequence[str] = (), gpus_per_candidate: int = 0
) -> list[Lease]:
  """Returns a lease for every worker.

  Cores are shared out evenly, all of them; where there are fewer than `workers * threads`, nobody
  is confined.

  Args:
    workers: Slots.
    threads: CPU threads of one operation in a worker.
    gpus: Names of the GPUs to share out.
    gpus_per_candidate: GPUs of a slot.

  Raises:
    UserError: There are too few GPUs.
  """
  if gpus_per_candidate and len(gpus) < workers * gpus_per_candidate:
    raise UserError(
      f"--workers={workers} with --gpus_per_candidate={gpus_per_candidate} need "
      f"{workers * gpus_per_candidate} GPUs, of which there are {len(gpus)}; "
      f"give --workers={len(gpus) // gpus_per_candidate} or less, "
      "or a smaller --gpus_per_candidate"
      if len(gpus) >= gpus_per_candidate
      else f"--gpus_per_candidate={gpus_per_candidate} needs as many GPUs, of which there are "
      f"{len(gpus)} ({_VISIBLE}={os.environ.get(_VISIBLE, '(not set)')})"
    )
  cores = _cores()
  each = len(cores) // workers if workers * threads <= len(cores) else 0
  return [
    Lease(
      cores=tuple(cores[slot * each : (slot + 1) * each]),
      gpus=tuple(gpus[slot * gpus_per_candidate : (slot + 1) * gpus_per_candidate]),
    )
    for slot in range(workers)
  ]


def list_gpus() -> list[str]:
  """Returns the names of the GPUs that this process may use, without initialising any."""
  visible = os.environ.get(_VISIBLE)
  if visible is not None:
    return [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
  if found := glob.glob(f"{_PROC}/*"):
    return [str(number) for number in range(len(found))]
  if shutil.which("nvidia-smi") is None:
    return []
  listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
  return re.findall(r"^GPU (\d+):", listed.stdout, flags=re.MULTILINE)


def _cores() -> list[int]:
  try:
    return sorted(os.sched_getaffinity(0))
  except AttributeError:  # Linux only.
    return []

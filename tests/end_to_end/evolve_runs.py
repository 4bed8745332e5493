"""Runs of official.evolve in processes of their own, and what their folders hold at a moment."""

from collections.abc import Sequence
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
LONGEST = 900  # Seconds after which a run is taken to hang.


def start(data: str, run: pathlib.Path, flags: Sequence[str]) -> subprocess.Popen:
  """Starts a run, or resumes it, as the leader of a process group; what it says is appended
  to RUN.log."""
  with open(run.with_suffix(".log"), "a", encoding="utf-8") as log:
    return subprocess.Popen(
      [sys.executable, "-m", "official.evolve", f"--data_dir={data}", f"--model_dir={run}", *flags],
      cwd=ROOT,
      stdout=log,
      stderr=log,
      start_new_session=True,
    )


def said(run: pathlib.Path) -> str:
  """Returns what all lives of the driver have said so far."""
  return run.with_suffix(".log").read_text()


def candidate(run: pathlib.Path, name: str) -> pathlib.Path:
  """Returns the folder of a candidate."""
  return run / "candidates" / name


def results(run: pathlib.Path) -> dict[str, tuple[int, int, bytes]]:
  """Inode, time and bytes of every finished result: all stay if it is never written again."""
  paths = sorted(run.glob("candidates/*/result.json"))
  return {
    path.parent.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
    for path in paths
  }


def in_flight(run: pathlib.Path) -> list[str]:
  """Names of the candidates that are proposed and not finished."""
  return sorted(
    path.parent.name
    for path in run.glob("candidates/*/candidate.json")
    if not (path.parent / "result.json").exists()
  )


def newest_checkpoint(folder: pathlib.Path) -> int:
  """Returns the step of the newest whole checkpoint of a candidate, 0 if it has none."""
  state = folder / "training" / "checkpoint"
  return int(state.read_text().split("ckpt-")[1].split('"')[0]) if state.exists() else 0


def starts(folder: pathlib.Path) -> list[int]:
  """Returns the step at which each training of a candidate that got so far began."""
  log = folder / "log.txt"
  text = log.read_text() if log.exists() else ""
  return [int(step) for step in re.findall(r"step: +(\d+) \| training until step", text)]

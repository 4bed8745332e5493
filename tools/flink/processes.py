"""Processes that go on when the program that started them has ended, and are found again by it.

A folder has the record `processes.json` and a log of each process. A process is known by its id and
its start time, so that another one that received the id later is not taken for it.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import time

_RECORD = "processes.json"
_SECONDS_TO_END = 10.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Process:
  """A process of ours, the leader of a group of its own.

  Attributes:
    name: What it is, unique in its folder.
    pid: Its id, and that of its group.
    started: Ticks of the clock from the start of the machine to its own.
  """

  name: str
  pid: int
  started: int

  @property
  def alive(self) -> bool:
    """Whether it still runs."""
    return _start_of(self.pid) == self.started


def read(folder: pathlib.Path) -> tuple[Process, ...]:
  """Returns the processes of a folder, alive or not, in the order of their start."""
  path = folder / _RECORD
  return tuple(Process(**one) for one in json.loads(path.read_text())) if path.exists() else ()


def log(folder: pathlib.Path, name: str) -> pathlib.Path:
  """Returns the path of what a process says."""
  return folder / f"{name}.log"


def start(
  folder: pathlib.Path, name: str, command: Sequence[str], environment: Mapping[str, str]
) -> Process:
  """Starts a process, which replaces the one of the same name in the record."""
  with open(log(folder, name), "wb") as output:
    child = subprocess.Popen(
      command,
      cwd=folder,
      env={**os.environ, **environment},
      stdin=subprocess.DEVNULL,
      stdout=output,
      stderr=subprocess.STDOUT,
      start_new_session=True,
    )
  process = Process(name=name, pid=child.pid, started=_start_of(child.pid) or 0)
  _write(folder, [*(one for one in read(folder) if one.name != name), process])
  return process


def stop_all(folder: pathlib.Path) -> list[str]:
  """Ends all processes of a folder, the last one first; returns the names of those that ran."""
  ended = [process for process in reversed(read(folder)) if process.alive]
  for process in ended:
    _stop(process)
  (folder / _RECORD).unlink(missing_ok=True)
  return [process.name for process in ended]


def _write(folder: pathlib.Path, processes: Sequence[Process]) -> None:
  temporary = folder / (_RECORD + ".incomplete")
  temporary.write_text(json.dumps([dataclasses.asdict(one) for one in processes], indent=1))
  temporary.replace(folder / _RECORD)


def _stop(process: Process) -> None:
  """Asks a group to end, and makes it."""
  for number in (signal.SIGTERM, signal.SIGKILL):
    try:
      os.killpg(process.pid, number)
    except ProcessLookupError:
      return
    until = time.monotonic() + _SECONDS_TO_END
    while _members(process.pid) and time.monotonic() < until:
      time.sleep(0.05)


def _members(group: int) -> list[int]:
  """Returns the ids of the processes of a group that run."""
  found = []
  for path in pathlib.Path("/proc").iterdir():
    if path.name.isdecimal() and (fields := _stat(int(path.name))):
      if fields[0] != "Z" and int(fields[2]) == group:
        found.append(int(path.name))
  return found


def _start_of(pid: int) -> int | None:
  """Returns when a process started, in ticks; None if it does not run."""
  fields = _stat(pid)
  return None if not fields or fields[0] == "Z" else int(fields[19])


def _stat(pid: int) -> list[str] | None:
  """Returns the fields of /proc/PID/stat after the name: state, parent, group, ..."""
  try:
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
  except (FileNotFoundError, ProcessLookupError):
    return None
  return text.rpartition(")")[2].split()

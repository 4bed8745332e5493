"""Locks that die with their holder.

A lock is `flock` on a file: the kernel gives it up when the process that holds it ends, however it
ends, so the lock of a dead driver never blocks. The file itself stays, with the holder's process id
and host, for whoever is refused. Behind a URL there are no locks; a single driver is assumed there.
"""

from collections.abc import Iterator
import contextlib
import errno
import fcntl
import glob
import json
import os
import signal
import socket
import time

from official.runs import json_files

FILE = "lock"
_POLL_SECONDS = 0.1
_SECONDS_TO_DIE = 10.0


class Held(Exception):
  """Another process holds the lock; `holder` says which, as far as known."""

  def __init__(self, path: str, holder: str):
    super().__init__(f"{path} is held by {holder}")
    self.holder = holder


@contextlib.contextmanager
def locked(directory: str, *, patience: float = 0.0, evict: bool = False) -> Iterator[None]:
  """Holds the lock of a folder.

  Args:
    directory: Where the lock file lies.
    patience: Seconds to wait for another holder to end.
    evict: Kills a holder on this host that outlasts the patience: an orphan whose driver is gone.

  Raises:
    Held: The lock is still somebody else's.
  """
  if json_files.is_url(directory):
    yield
    return
  path = os.path.join(directory, FILE)
  descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
  try:
    if not _acquired(descriptor, patience):
      if not (evict and _kill_holder(descriptor, path) and _acquired(descriptor, _SECONDS_TO_DIE)):
        raise Held(path, _describe(_holder(descriptor)))
    os.ftruncate(descriptor, 0)
    os.pwrite(
      descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0
    )
    yield
  finally:
    os.close(descriptor)


def holder(directory: str) -> str | None:
  """Returns who holds the lock of a folder, without trying it, or None if nobody does.

  A holder on another host cannot be looked at: it is told as it was written. A process of this host
  that may not be looked into, another user's, is taken for one that got a dead holder's number.
  """
  path = os.path.join(directory, FILE)
  if json_files.is_url(directory) or not os.path.exists(path):
    return None
  descriptor = os.open(path, os.O_RDONLY)
  try:
    named = _holder(descriptor)
  finally:
    os.close(descriptor)
  if named is None:
    return None
  if named["host"] == socket.gethostname():
    try:
      if not _has_open(named, path):
        return None
    except PermissionError:
      return None
  return _describe(named)


def _acquired(descriptor: int, patience: float) -> bool:
  deadline = time.monotonic() + patience
  while True:
    try:
      fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
      return True
    except OSError as error:
      if error.errno not in (errno.EAGAIN, errno.EACCES):
        raise
    if time.monotonic() >= deadline:
      return False
    time.sleep(_POLL_SECONDS)


def _holder(descriptor: int) -> dict | None:
  try:
    content = json.loads(os.pread(descriptor, 4096, 0))
    return {"pid": int(content["pid"]), "host": str(content["host"])}
  except (ValueError, TypeError, KeyError):  # Damaged, or not written yet.
    return None


def _kill_holder(descriptor: int, path: str) -> bool:
  """Kills the process named in the file, if it is one of this host that has the file open and is
  not ourselves."""
  holder = _holder(descriptor)
  if holder is None or holder["host"] != socket.gethostname() or holder["pid"] == os.getpid():
    return False
  if not _has_open(holder, path):
    return False
  with contextlib.suppress(ProcessLookupError, PermissionError):
    os.kill(holder["pid"], signal.SIGKILL)
  return True


def _has_open(holder: dict, path: str) -> bool:
  """Returns whether a process of this host has a file open, as far as we may look."""
  for link in glob.glob(f"/proc/{holder['pid']}/fd/*"):
    with contextlib.suppress(OSError):  # Closed by now, or of another user.
      if os.path.samefile(link, path):
        return True
  return False


def _describe(holder: dict | None) -> str:
  return f"process {holder['pid']} on {holder['host']}" if holder else "another process"

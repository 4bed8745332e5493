"""Locks that die with their holder.

A lock is `flock` on a file: the kernel gives it up when the process that holds it ends, however it
ends, so the lock of a dead driver never blocks. The file itself stays, with the holder's process id
and host, for whoever is refused. Behind a URL there are no locks; a single driver is assumed there.

Hosts may share a folder. One that is cut off from its driver can still reach it and train on, where
its successor waits for the lock, and nobody can kill it from here. So it is asked to leave: the
successor writes that into the file, and whoever works in a folder reads the file every second and
kills itself if it is asked to, or finds there the name of another holder, to whom the file system
gave a lock that it took for lost.
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
import threading
import time

from official.runs import json_files

FILE = "lock"
_POLL_SECONDS = 0.1
_SECONDS_TO_DIE = 10.0
_SECONDS_BETWEEN_LOOKS = 1.0
# An NFS server takes a lock from a client of which it hears nothing after 90 s.
_SECONDS_TO_LEAVE = 120.0
_Content = dict[str, int | str | bool]


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
    evict: Ends a holder that outlasts the patience, an orphan whose driver is gone: kills it if it
      is on this host, else asks it to leave. In turn this process, within the block, kills itself
      when it is asked to leave.

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
      if not (evict and _evicted(descriptor, path)):
        raise Held(path, _describe(_holder(descriptor)))
    ours: _Content = {"pid": os.getpid(), "host": socket.gethostname()}
    _write(descriptor, ours)
    with _leaving_when_asked(path, ours) if evict else contextlib.nullcontext():
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


def _write(descriptor: int, content: _Content) -> None:
  os.ftruncate(descriptor, 0)
  os.pwrite(descriptor, json.dumps(content).encode(), 0)


def _evicted(descriptor: int, path: str) -> bool:
  """Ends the holder, and returns whether the lock is ours now."""
  holder = _holder(descriptor)
  if holder is None or holder["host"] == socket.gethostname():
    return _kill_holder(descriptor, path) and _acquired(descriptor, _SECONDS_TO_DIE)
  _write(descriptor, {**holder, "leave": True})
  return _acquired(descriptor, _SECONDS_TO_LEAVE)


@contextlib.contextmanager
def _leaving_when_asked(path: str, ours: _Content) -> Iterator[None]:
  """Within the block, the process is killed within seconds after a successor asked it to leave, or
  has taken the lock."""
  done = threading.Event()

  def watch() -> None:
    while not done.wait(_SECONDS_BETWEEN_LOOKS):
      with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        # Opened anew: NFS looks at its server then, and only then.
        with open(path, "rb") as file:
          content = json.loads(file.read())
        is_ours = all(content[name] == value for name, value in ours.items())
        if is_ours == bool(content.get("leave")):
          os.kill(os.getpid(), signal.SIGKILL)

  watcher = threading.Thread(target=watch, name="lock watch", daemon=True)
  watcher.start()
  try:
    yield
  finally:
    done.set()
    watcher.join()


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

"""Counts the file operations of a driver, so that a simulation can let each of them take a while.

    with FileOperations() as operations:
      ...
    operations.count

Counted are the calls of `os`, and of `open`, that a client of a network file system sends to its
server: to look at a path, to open, create, rename or delete, to list a folder, and to flush.
Reading, writing and closing are not: a file of a few kB goes with the call before or after. Only
the thread that made the object counts; the console's heartbeat is another.
"""

import builtins
from collections.abc import Callable
import contextlib
import functools
import os
import threading
from typing import Any
from unittest import mock

_CALLS = (
  "fsync",
  "listdir",
  "lstat",
  "mkdir",
  "open",
  "remove",
  "rename",
  "replace",
  "scandir",
  "stat",
  "unlink",
)


class FileOperations(contextlib.AbstractContextManager):
  """Counts while it is entered.

  Attributes:
    count: Operations so far.
    by_call: The same by call.
  """

  def __init__(self) -> None:
    self.by_call: dict[str, int] = {}
    self._thread = threading.get_ident()
    self._patches = contextlib.ExitStack()

  @property
  def count(self) -> int:
    return sum(self.by_call.values())

  def __enter__(self) -> "FileOperations":
    for name in _CALLS:
      call = self._counted(name, getattr(os, name))
      self._patches.enter_context(mock.patch.object(os, name, call))
    self._patches.enter_context(
      mock.patch.object(builtins, "open", self._counted("open", builtins.open))
    )
    return self

  def __exit__(self, *unused: object) -> None:
    self._patches.close()

  def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def counted(*arguments: Any, **named: Any) -> Any:
      if threading.get_ident() == self._thread:
        self.by_call[name] = self.by_call.get(name, 0) + 1
      return call(*arguments, **named)

    return counted

"""The run of one task in a worker, wherever that is.

A worker catches everything and returns plain data: an exception that cannot be pickled, or a result
that holds a tensor, must not take the pool with it. It holds the candidate's lock while it works,
so that there is never a second writer on a checkpoint: an orphan of a dead driver ends by itself in
a moment, and is ended if it does not.
"""

from collections.abc import Iterator, Sequence
import contextlib
import os
import sys
import tempfile
import traceback
from typing import Any

from data_prep.common import faults
from official.runs import extensions
from official.runs import json_files
from official.runs import locks
from official.runs.executors.base import Task

_SECONDS_FOR_AN_ORPHAN = 20.0
_REASON_CHARACTERS = 500
_TEMPORARY = "temporary"


def run(task: Task, *, for_one_task: bool, imports: Sequence[str] = ()) -> dict[str, Any]:
  """Runs the task; returns the fields of its Outcome, all but the key.

  Args:
    task: What to run.
    for_one_task: Whether the process ends with the task. Then its temporary files go into the
      task's folder and with the task: a process that is ended has no time to clean up, and
      TensorFlow writes a file for every function that it traces.
    imports: Modules from outside the tree that are imported first.
  """
  try:
    with contextlib.ExitStack() as stack:
      stack.enter_context(locks.locked(task.directory, patience=_SECONDS_FOR_AN_ORPHAN, evict=True))
      if for_one_task and not json_files.is_url(task.directory):
        stack.enter_context(_own_temporary_folder(task.directory))
      extensions.load(imports)
      value = task.function(task.candidate, task.directory)
    return {"kind": "returned", "value": json_files.plain(dict(value))}
  except (Exception, SystemExit) as error:
    _keep_traceback(task.directory)
    return told(error)


def told(error: BaseException) -> dict[str, Any]:
  """Returns what an Outcome says of an exception, all but the key."""
  if faults.out_of_memory(error):
    return {"kind": "exhausted", "reason": f"out of memory: {_line(error)}"}
  fault = _line(error) if isinstance(error, locks.Held) else faults.describe(error)
  if fault is not None:
    return {"kind": "environment", "reason": fault}
  return {"kind": "raised", "reason": _line(error), "signature": _signature(error)}


def limit_threads(threads: int) -> None:
  """Sets the threads of an operation; TensorFlow reads the number when it first computes."""
  os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
  os.environ["OMP_NUM_THREADS"] = str(threads)


@contextlib.contextmanager
def _own_temporary_folder(directory: str) -> Iterator[None]:
  """Lets temporary files go where they vanish with the block, or with its next try."""
  folder = os.path.join(directory, _TEMPORARY)
  json_files.remove_tree(folder)
  json_files.make_directory(folder)
  tempfile.tempdir = folder
  try:
    yield
  finally:
    with contextlib.suppress(OSError):
      json_files.remove_tree(folder)


def _line(error: BaseException) -> str:
  """Returns type and text of an exception in one line; an exception's text may itself raise."""
  try:
    text = " ".join(str(error).split())
  except Exception as other:
    text = f"(its text cannot be had: {type(other).__name__})"
  return f"{type(error).__name__}: {text}"[:_REASON_CHARACTERS] if text else type(error).__name__


def _signature(error: BaseException) -> str:
  """Returns the exception's type and the place where it was raised."""
  frames = traceback.extract_tb(error.__traceback__)
  place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "nowhere"
  return f"{type(error).__name__} at {place}"


def _keep_traceback(directory: str) -> None:
  """Appends the exception being handled to the candidate's log."""
  text = "".join(traceback.format_exception(*sys.exc_info(), chain=True))
  if json_files.is_url(directory):
    sys.stderr.write(text)
    return
  with (
    contextlib.suppress(OSError),  # The disk may be full.
    open(os.path.join(directory, "log.txt"), "a", encoding="utf-8") as file,
  ):
    file.write(text)

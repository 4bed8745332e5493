"""The output folder of a preparation: finished, ours while we write it, or left by a run that was
killed.

The folder is a dataset from the moment that dataset.json is in it. A finished one is recognised and
never changed. In an unfinished one the names that a preparation writes are ours to remove; other
files are left alone.
"""

from collections.abc import Iterator, Mapping
import contextlib
import fcntl
import os
import re
from typing import IO, Any

from data_prep import cli
from data_prep import dataset
from data_prep import files
from data_prep import shards

_OURS = re.compile(
    rf"(({'|'.join(dataset.SPLITS)})-\d{{5}}-of-\d{{5}}\.tfrecord|{re.escape(dataset.FAILURES_NAME)}|"
    rf"{re.escape(dataset.FILE_NAME)})(\.[0-9a-f]{{8}}{re.escape(files.TEMPORARY_SUFFIX)})?")


def finished(directory: str, settings: Mapping[str, Any],
             manifest_sha256: str) -> dataset.DatasetInfo | None:
  """Returns the dataset in the folder; None where there is none; raises UserError where it is
  another one."""
  if not files.exists(files.join(directory, dataset.FILE_NAME)):
    return None
  info = dataset.load(directory)
  remedy = "give another --output_dir, or delete that folder"
  for flag, asked in settings.items():
    there = info.settings.get(flag)
    if there != asked:
      raise cli.UserError(
          f"{directory} was prepared with --{flag}={there}, not --{flag}={asked}; {remedy}")
  if info.manifest_sha256 != manifest_sha256:
    raise cli.UserError(
        f"{directory} was prepared from another --manifest, or from other rows of it; {remedy}")
  return info


@contextlib.contextmanager
def owned(directory: str) -> Iterator[None]:
  """Makes the folder, or takes over an unfinished one, and keeps other runs out until the block
  ends.

  Where the block raises a UserError, the folder is left as if the run had never been; where it ends
  well, only the dataset is left. Another error leaves what there is, which the next run removes.
  """
  made = _make(directory)
  with contextlib.ExitStack() as held:
    if not files.is_url(directory):
      held.enter_context(_locked(directory))
    if files.exists(files.join(directory, dataset.FILE_NAME)):
      raise cli.UserError(
          f"{directory} has just been prepared by another run; start again to see whether it fits")
    _remove_ours(directory)
    files.make_directory(shards.results_directory(directory))
    try:
      yield
    except cli.UserError:
      _remove_ours(directory)
      files.remove_tree(shards.unfinished_directory(directory))
      for folder in made:
        with contextlib.suppress(OSError):  # Something else is in it by now.
          os.rmdir(folder)
      raise
    files.remove_tree(shards.unfinished_directory(directory))


def _make(directory: str) -> list[str]:
  """Makes the folder with its parents; returns those that were not there, innermost first."""
  missing, folder = [], directory
  while not files.is_url(directory) and not os.path.isdir(folder):
    missing.append(folder)
    folder = os.path.dirname(folder)
  try:
    files.make_directory(directory)
    files.make_directory(shards.unfinished_directory(directory))
  except OSError as error:
    raise cli.UserError(
        f"--output_dir={directory} cannot be made: {error.strerror or error}") from error
  return missing


def _locked(directory: str) -> IO[str]:
  """Returns an open file that other runs cannot lock while it is open."""
  file = open(os.path.join(shards.unfinished_directory(directory), "lock"), "w")
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as error:
    file.close()
    raise cli.UserError(
        f"another data_prep.extract is writing {directory}; wait for it, or stop it") from error
  return file


def _remove_ours(directory: str) -> None:
  """Removes whatever a preparation writes, the lock apart."""
  files.remove(
      [files.join(directory, name) for name in files.names(directory) if _OURS.fullmatch(name)])
  results, unfinished = shards.results_directory(directory), shards.unfinished_directory(directory)
  files.remove([files.join(results, name) for name in files.names(results)])
  files.remove([
      files.join(unfinished, name)
      for name in files.names(unfinished)
      if name not in ("lock", os.path.basename(results))
  ])

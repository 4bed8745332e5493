"""The output folder of a preparation: finished, ours while we write it, or left by a run that was
killed.

The folder is a dataset from the moment that dataset.json is in it. Until then
`.unfinished/job.json` says what is being prepared there: the flags that shape the bytes, the
manifest, the libraries. The same command resumes with the shards that are missing; another one is
refused, by flag name, unless the caller says that it may overwrite. Files with the names that a
preparation writes are taken for ours only where one of the two JSON files is; other names are left
alone.
"""

from collections.abc import Collection, Iterator, Mapping
import contextlib
import dataclasses
import fcntl
import json
import os
import re
from typing import IO, Any

from data_prep.common import cli
from data_prep.common import files
from data_prep.dataset import metadata
from data_prep.job import shards
from data_prep.job import windowing

_OURS = re.compile(
  rf"(({'|'.join(metadata.SPLITS)})-\d{{5}}-of-\d{{5}}\.tfrecord|{re.escape(metadata.FAILURES_NAME)}|"
  rf"{re.escape(metadata.FILE_NAME)})(\.[0-9a-f]{{8}}{re.escape(files.TEMPORARY_SUFFIX)})?"
)


_LENGTHS = re.compile(rf"{windowing.PREFIX}[0-9a-f]+\.json")
_JOB_NAME = "job.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Identity:
  """The settings that decide a dataset's bytes: equal identities give equal bytes on one CPU type.

  Attributes:
    settings: Flags by name.
    manifest_sha256: `rows.digest` of the manifest.
    versions: Versions of the libraries, by name.
  """

  settings: Mapping[str, Any]
  manifest_sha256: str
  versions: Mapping[str, str]


def finished(
  directory: str, identity: Identity, *, overwrite: bool = False
) -> metadata.DatasetInfo | None:
  """Returns the dataset in the folder, or None if there is none.

  The versions of libraries are not compared: what is finished is used as it is.

  Raises:
    UserError: It was prepared with other flags or from another manifest, and `overwrite` is false.
  """
  if not files.exists(files.join(directory, metadata.FILE_NAME)):
    return None
  info = metadata.load(directory)
  difference = _difference(
    Identity(
      settings=info.settings, manifest_sha256=info.manifest_sha256, versions=identity.versions
    ),
    identity,
  )
  if difference and overwrite:
    return None
  if difference:
    raise cli.UserError(
      f"{directory} was prepared {difference}; give another `directory`, or "
      "`overwrite` to lose what is there"
    )
  _remove_unfinished(directory)  # A run may have been killed in its last moment.
  return info


@contextlib.contextmanager
def owned(directory: str, identity: Identity, *, overwrite: bool = False) -> Iterator[None]:
  """Creates or takes over the folder, and keeps other runs out until the block ends.

  Where the block raises a `Discard`, the folder is left as if the run had never been; where it ends
  well, only the dataset is left. Another error leaves what there is, and the next run of the same
  identity resumes it.

  Raises:
    UserError: The folder cannot be made, another run holds it, or it holds another preparation and
      `overwrite` is false.
  """
  made = _make(directory)
  with contextlib.ExitStack() as held:
    if not files.is_url(directory):
      held.enter_context(_locked(directory))
    _take_over(directory, identity, overwrite)
    try:
      yield
    except Discard:
      _remove_ours(directory)
      _remove_unfinished(directory)
      for folder in made:
        with contextlib.suppress(OSError):  # Something else is in it by now.
          os.rmdir(folder)
      raise
    _remove_unfinished(directory)


class Discard(cli.UserError):
  """A mistake of the caller's after which nothing is worth keeping."""


def _take_over(directory: str, identity: Identity, overwrite: bool) -> None:
  """Removes everything from the folder except finished shards of this very identity."""
  if files.exists(files.join(directory, metadata.FILE_NAME)):
    if finished(directory, identity, overwrite=overwrite):
      raise cli.UserError(f"{directory} has just been prepared by another run; nothing to do")
    files.remove([files.join(directory, metadata.FILE_NAME)])  # First, so that it is none any more.
    _remove_ours(directory)
  job = files.join(shards.unfinished_directory(directory), _JOB_NAME)
  if files.exists(job):
    difference = _difference(Identity(**json.loads(files.read_bytes(job))), identity)
    if difference and not overwrite:
      raise cli.UserError(
        f"{directory} holds an unfinished preparation {difference}; give the command that began "
        "it to resume it, another `directory`, or `overwrite` to lose what is there"
      )
    _remove_ours(directory, keep=() if difference else _reusable(directory))
  else:
    strange = [name for name in files.names(directory) if _OURS.fullmatch(name)]
    if strange and not overwrite:
      raise cli.UserError(
        f"{directory} has {strange[0]}, but nothing says what made it; give another "
        "`directory`, or `overwrite` to lose it"
      )
    _remove_ours(directory)
  files.make_directory(shards.results_directory(directory))
  files.write_bytes(job, json.dumps(dataclasses.asdict(identity)).encode())


def _difference(there: Identity, asked: Identity) -> str | None:
  """Returns how the identities differ, or None if they are equal."""
  for name, value in asked.settings.items():
    if there.settings.get(name) != value:
      return f"with `{name}`={there.settings.get(name)}, not `{name}`={value}"
  if there.manifest_sha256 != asked.manifest_sha256:
    return "from another `manifest`, or from other rows of it"
  for library, version in asked.versions.items():
    before = there.versions.get(library, "of an earlier release")
    if before != version:
      return f"by {library} {before}, and this is {library} {version}"
  return None


def _make(directory: str) -> list[str]:
  """Creates the folder with its parents; returns those that did not exist, innermost first."""
  missing, folder = [], directory
  while not files.is_url(directory) and not os.path.isdir(folder):
    missing.append(folder)
    folder = os.path.dirname(folder)
  try:
    files.make_directory(directory)
    files.make_directory(shards.unfinished_directory(directory))
  except OSError as error:
    raise cli.UserError(
      f"`directory`={directory} cannot be made: {error.strerror or error}"
    ) from error
  return missing


def _locked(directory: str) -> IO[str]:
  """Returns an open file that other runs cannot lock while it is open."""
  file = open(os.path.join(shards.unfinished_directory(directory), "lock"), "w")
  try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as error:
    file.close()
    raise cli.UserError(
      f"another data_prep.extract is writing {directory}; wait for it, or stop it"
    ) from error
  return file


def _reusable(directory: str) -> set[str]:
  """Returns the names of finished work to keep: shards, lengths of videos."""
  names = files.names(shards.unfinished_directory(directory))
  return shards.finished_names(directory) | {name for name in names if _LENGTHS.fullmatch(name)}


def _remove_ours(directory: str, keep: Collection[str] = ()) -> None:
  """Removes whatever a preparation writes, except the lock, what says whose it is, and what is
  named in `keep`, with the results of shards."""
  files.remove(
    [
      files.join(directory, name)
      for name in files.names(directory)
      if _OURS.fullmatch(name) and name not in keep
    ]
  )
  results, unfinished = shards.results_directory(directory), shards.unfinished_directory(directory)
  files.remove(
    [
      files.join(results, name)
      for name in files.names(results)
      if name.removesuffix(".json") not in keep
    ]
  )
  files.remove(
    [
      files.join(unfinished, name)
      for name in files.names(unfinished)
      if name not in ("lock", _JOB_NAME, os.path.basename(results)) and name not in keep
    ]
  )


def _remove_unfinished(directory: str) -> None:
  with contextlib.suppress(FileNotFoundError):  # The run that just ended may be doing the same.
    files.remove_tree(shards.unfinished_directory(directory))

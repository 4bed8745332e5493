"""Files that are written whole or not at all, on a local disk or behind a URL.

Local paths use `os`: a file is flushed to the disk, then appears under its final name by one atomic
rename, and the rename is flushed, too, so that a power loss leaves the old content or the new one.
Paths with a scheme
(`gs://...`, `s3://...`) are url_files.py's.
"""

from collections.abc import Iterable, Iterator
import contextlib
import os
import shutil
import tempfile
from typing import IO
import uuid

from data_prep.common import cli
from data_prep.common import url_files

VIDEO_EXTENSIONS = (
  ".3gp",
  ".asf",
  ".avi",
  ".flv",
  ".m2ts",
  ".m4v",
  ".mkv",
  ".mov",
  ".mp4",
  ".mpeg",
  ".mpg",
  ".mts",
  ".ogv",
  ".ts",
  ".vob",
  ".webm",
  ".wmv",
)
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png")
TEMPORARY_SUFFIX = ".incomplete"


def is_url(path: str) -> bool:
  """Returns whether `path` has a scheme, so that Beam's filesystems and not `os` must open it."""
  return "://" in path


def join(directory: str, name: str) -> str:
  """Returns the path of `name` in `directory`."""
  return f"{directory.rstrip('/')}/{name}" if is_url(directory) else os.path.join(directory, name)


def exists(path: str) -> bool:
  """Returns whether there is a file or folder at `path`."""
  return url_files.exists(path) if is_url(path) else os.path.exists(path)


def read_bytes(path: str) -> bytes:
  """Returns the content of a file; raises OSError when it cannot be read."""
  with open_to_read(path) as file:
    return file.read()


def open_to_read(path: str) -> IO[bytes]:
  """Opens a file for reading bytes, uncompressed whatever its name says."""
  return url_files.open_to_read(path) if is_url(path) else open(path, "rb")


@contextlib.contextmanager
def written_whole(path: str, *, flush_name: bool = True) -> Iterator[IO[bytes]]:
  """Yields a file to write; it appears at `path` when the block ends, and never if the block
  raises.

  Until then it has a name of its own that ends in `TEMPORARY_SUFFIX`, so that two processes that
  write the same file do not mix; this is what a killed process leaves behind.
  """
  temporary = f"{path}.{uuid.uuid4().hex[:8]}{TEMPORARY_SUFFIX}"
  try:
    if is_url(path):
      with url_files.create(temporary) as file:
        yield file
    else:
      with open(temporary, "wb") as file:
        yield file
        settle(file)
  except BaseException:
    with contextlib.suppress(OSError):
      remove([temporary])
    raise
  try:
    rename(temporary, path, flush_name=flush_name)
  except OSError:
    with contextlib.suppress(OSError):
      remove([temporary])
    raise


def write_bytes(path: str, content: bytes, *, flush_name: bool = True) -> None:
  """Writes a file whole; whoever reads meanwhile sees the old content or the new."""
  with written_whole(path, flush_name=flush_name) as file:
    file.write(content)


def rename(source: str, target: str, *, flush_name: bool = True) -> None:
  """Moves a file over `target`, atomically and durably on a local disk.

  Args:
    source: The file.
    target: Its new name.
    flush_name: Whether the new name is flushed to the disk. Without that it outlasts a power loss
      only once another name in the folder is flushed.
  """
  if is_url(target):
    url_files.rename(source, target)
  else:
    os.replace(source, target)
    if flush_name:
      settle_folder(os.path.dirname(target))


def settle(file: IO) -> None:
  """Flushes what was written to a local file to its disk."""
  file.flush()
  os.fsync(file.fileno())


def settle_folder(directory: str) -> None:
  """Flushes the names in a local folder to its disk, where the system can do that."""
  with contextlib.suppress(OSError):  # Some network file systems refuse it, and need none.
    descriptor = os.open(directory or ".", os.O_RDONLY)
    try:
      os.fsync(descriptor)
    finally:
      os.close(descriptor)


def settle_tree(directory: str) -> None:
  """Flushes all files below a local folder, and the folder itself, to their disk."""
  for folder, _, names_there in os.walk(directory):
    for name in names_there:
      with open(os.path.join(folder, name), "rb") as file:
        os.fsync(file.fileno())
    settle_folder(folder)


def make_directory(path: str) -> None:
  """Creates a folder, with its parents, unless it exists."""
  if is_url(path):
    url_files.make_directory(path)
  else:
    os.makedirs(path, exist_ok=True)


def check_writable(directory: str, what: str, *, keep: bool = False) -> None:
  """Raises UserError unless a local folder can be written; one that is missing is made and removed.

  Args:
    directory: The folder; URLs are not looked at.
    what: The flag and its value, for the message.
    keep: Whether what is made stays: where several processes begin at once, one must not remove
      what another has just made.
  """
  if is_url(directory):
    return
  missing, place = [], os.path.abspath(directory)
  while not os.path.lexists(place):
    missing.append(place)
    place = os.path.dirname(place)
  if not os.path.isdir(place):
    raise cli.UserError(f"{what}: {place} is no folder; give another one")
  try:
    os.makedirs(directory, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory):
      pass
  except OSError as error:
    raise cli.UserError(
      f"{what}: {directory} cannot be written ({error.strerror or error}); make it writable, or "
      "give another one"
    ) from error
  finally:
    for folder in () if keep else missing:
      with contextlib.suppress(OSError):  # Not made, or somebody else's by now.
        os.rmdir(folder)


def names(directory: str) -> list[str]:
  """Returns, sorted, the names of the files in `directory`; none when there is no such folder."""
  if is_url(directory):
    return url_files.names(directory)
  return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def remove(paths: Iterable[str]) -> None:
  """Deletes files; those that do not exist are no error."""
  behind_urls = []
  for path in paths:
    if is_url(path):
      behind_urls.append(path)
      continue
    with contextlib.suppress(FileNotFoundError):
      os.unlink(path)
  url_files.remove(behind_urls)


def remove_tree(directory: str) -> None:
  """Deletes a folder with everything in it; no folder is no error."""
  if is_url(directory):
    url_files.remove_tree(directory)
    return
  with contextlib.suppress(FileNotFoundError):
    shutil.rmtree(directory)

"""Numbered versions that appear whole or not at all.

A server serves the largest number it finds and looks once a second, so that a version is written
under a name that is no number, flushed to the disk, and renamed. Of a process that is killed
meanwhile, a folder
`writing-...` stays, which servers ignore and anyone may delete.
"""

from collections.abc import Callable
import itertools
import os
import shutil
import tempfile

from data_prep.common import files


def write(base: str, fill: Callable[[str], None]) -> str:
  """Makes the next version below `base` and returns its folder.

  Args:
    base: Folder of the versions; made where missing.
    fill: Called with an empty folder, to write the version into it.
  """
  os.makedirs(base, exist_ok=True)
  folder = tempfile.mkdtemp(prefix="writing-", dir=base)
  try:
    fill(folder)
    os.chmod(folder, 0o755)  # mkdtemp's is for the owner alone, and a server is somebody else
    files.settle_tree(folder)
    return _take_next_number(folder, base)
  except BaseException:
    shutil.rmtree(folder, ignore_errors=True)
    raise


def _take_next_number(folder: str, base: str) -> str:
  taken = [int(name) for name in os.listdir(base) if name.isdecimal()]
  for number in itertools.count(max(taken, default=0) + 1):
    target = os.path.join(base, str(number))
    try:
      os.rename(folder, target)
      files.settle_folder(base)
      return target
    except OSError:
      if not os.path.isdir(target):
        raise

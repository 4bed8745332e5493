"""Versions appear whole, under numbers of their own."""

import concurrent.futures
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from official.serving import versions

ROOT = pathlib.Path(__file__).parents[2]
_FILES = 40


def _fill(folder: str) -> None:
  for number in range(_FILES):
    pathlib.Path(folder, str(number)).write_text(folder)


def test_takes_the_next_free_number(tmp_path):
  tmp_path.joinpath("7").mkdir()
  assert versions.write(str(tmp_path), _fill) == str(tmp_path / "8")
  assert sorted(os.listdir(tmp_path)) == ["7", "8"]


def test_what_raises_leaves_no_folder(tmp_path):
  def fail(folder: str) -> None:
    _fill(folder)
    raise ValueError("no")

  with pytest.raises(ValueError, match="no"):
    versions.write(str(tmp_path), fail)
  assert not os.listdir(tmp_path)


def test_others_may_read_a_version(tmp_path):
  assert os.stat(versions.write(str(tmp_path), _fill)).st_mode & 0o777 == 0o755


def test_exports_at_once_get_numbers_of_their_own(tmp_path):
  with concurrent.futures.ThreadPoolExecutor(8) as pool:
    taken = list(pool.map(lambda _: versions.write(str(tmp_path), _fill), range(20)))
  assert sorted(map(os.path.basename, taken), key=int) == [str(n) for n in range(1, 21)]
  assert len({pathlib.Path(path, "0").read_text() for path in taken}) == 20


_FOREVER = """
import sys
from official.serving import versions
from tests.serving import versions_test
while True:
  print(versions.write(sys.argv[1], versions_test._fill), flush=True)
"""


def test_killed_at_any_moment_no_version_is_half_written(tmp_path):
  for seconds in (0.0, 0.001, 0.002, 0.003):
    process = subprocess.Popen(
      [sys.executable, "-c", _FOREVER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
  found = [path for path in tmp_path.iterdir() if path.name.isdecimal()]
  assert found
  assert all(len(os.listdir(path)) == _FILES for path in found)

"""tools/setup.sh, in a checkout whose lock names one small package that lies beside it."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = ("awk", "bash", "cut", "df", "dirname", "flock", "grep", "ls", "mkdir", "mv", "rm",
            "sed", "sha256sum", "sleep", "tail", "uname")


def _make_checkout(directory: pathlib.Path) -> pathlib.Path:
  (directory / "tools").mkdir()
  for name in ("lib.sh", "setup.sh"):
    shutil.copy(ROOT / "tools" / name, directory / "tools")
  wheel = directory / "sample-1.0-py3-none-any.whl"
  with zipfile.ZipFile(wheel, "w") as archive:
    archive.writestr("sample.py", "")
    archive.writestr("sample-1.0.dist-info/METADATA",
                     "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
    archive.writestr("sample-1.0.dist-info/WHEEL",
                     "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr("sample-1.0.dist-info/RECORD", "".join(f"{n},,\n" for n in archive.namelist()))
  digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
  (directory / "requirements.lock").write_text(
      f"--no-index\n--find-links {directory}\nsample==1.0 \\\n    --hash=sha256:{digest}\n")
  return directory


@pytest.fixture
def checkout(tmp_path_factory) -> pathlib.Path:
  return _make_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def ready_checkout(tmp_path_factory) -> pathlib.Path:
  """A checkout with its environment; every test leaves it in order."""
  directory = _make_checkout(tmp_path_factory.mktemp("ready_checkout"))
  done = _setup(directory)
  assert done.returncode == 0, done.stderr
  return directory


@pytest.fixture
def bare_path(tmp_path) -> pathlib.Path:
  """A folder for PATH with what the script calls, and no Python."""
  directory = tmp_path / "bin"
  directory.mkdir()
  for name in COMMANDS:
    (directory / name).symlink_to(shutil.which(name))
  return directory


def _setup(checkout: pathlib.Path, **environment) -> subprocess.CompletedProcess:
  return subprocess.run(
      ["bash", checkout / "tools/setup.sh"],
      env={**os.environ, "PYTHON": sys.executable, **environment},
      capture_output=True, text=True, check=False)


def _has_sample(checkout: pathlib.Path) -> bool:
  python = checkout / ".venv/bin/python"
  return subprocess.run([python, "-c", "import sample"], check=False).returncode == 0


@pytest.mark.slow
def test_installs_what_the_lock_names(ready_checkout):
  assert _has_sample(ready_checkout)


@pytest.mark.slow
def test_a_second_run_says_and_does_nothing(ready_checkout):
  log = ready_checkout / ".venv/install.log"
  before = log.stat().st_mtime_ns
  done = _setup(ready_checkout)
  assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
  assert log.stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [
    lambda checkout: (checkout / ".venv/made-from").write_text("unfinished\n"),
    lambda checkout: (checkout / "requirements.lock").open("a").write("# another lock\n"),
], ids=["killed installation", "changed lock"])
def test_an_environment_that_does_not_fit_is_made_anew(ready_checkout, spoil):
  stray = ready_checkout / ".venv/stray"
  stray.touch()
  spoil(ready_checkout)
  done = _setup(ready_checkout)
  assert done.returncode == 0, done.stderr
  assert _has_sample(ready_checkout)
  assert not stray.exists()


@pytest.mark.slow
def test_a_failed_installation_is_told_and_not_taken_for_a_finished_one(checkout):
  lock = checkout / "requirements.lock"
  lock.write_text(lock.read_text()[:-9] + "00000000\n")
  done = _setup(checkout)
  assert done.returncode == 1
  assert "DO NOT MATCH THE HASHES" in done.stderr
  assert "error: the installation failed; run tools/setup.sh again" in done.stderr
  assert (checkout / ".venv/made-from").read_text() == "unfinished\n"


def test_an_environment_of_somebody_else_is_left_alone(checkout):
  (checkout / ".venv").mkdir()
  (checkout / ".venv/pyvenv.cfg").write_text("theirs")
  done = _setup(checkout)
  assert done.returncode == 2
  assert "was not made by tools/setup.sh; move it away" in done.stderr
  assert (checkout / ".venv/pyvenv.cfg").read_text() == "theirs"


def test_no_python_and_no_uv_is_told_with_the_remedy(checkout, bare_path):
  done = _setup(checkout, PATH=str(bare_path), PYTHON="")
  assert done.returncode == 2
  assert done.stderr.startswith("error: Python 3.11 is missing")
  assert "apt-get install python3.11 python3.11-venv" in done.stderr
  assert len(done.stderr.splitlines()) == 1


def test_a_python_of_another_version_is_told(checkout, bare_path):
  _write_program(bare_path / "python3", "echo 3.13")
  done = _setup(checkout, PATH=str(bare_path), PYTHON="")
  assert done.returncode == 2
  assert "python3 is Python 3.13" in done.stderr


def test_a_python_without_venv_is_told_with_the_remedy(checkout, bare_path):
  _write_program(bare_path / "python3.11", 'case "$2" in *venv*) exit 1 ;; *) echo 3.11 ;; esac')
  done = _setup(checkout, PATH=str(bare_path), PYTHON="")
  assert done.returncode == 2
  assert "python3.11 is Python 3.11 but has no venv module" in done.stderr
  assert "apt-get install python3.11-venv" in done.stderr


def test_a_full_disk_is_told(checkout, bare_path):
  (bare_path / "df").unlink()
  _write_program(bare_path / "df", 'echo Filesystem; echo "disk 100 99 1048576 99% /"')
  done = _setup(checkout, PATH=str(bare_path))
  assert done.returncode == 2
  assert f"needs 5 GB on the disk of {checkout}, which has 1 GB free" in done.stderr


def _write_program(path: pathlib.Path, script: str) -> None:
  path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
  path.chmod(0o755)

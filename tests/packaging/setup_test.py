"""tools/setup.sh, in a checkout whose lock names uv and small packages that lie beside it."""

from collections.abc import Mapping
import hashlib
import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[2]
COMMANDS = (
  "awk",
  "bash",
  "cut",
  "df",
  "dirname",
  "find",
  "flock",
  "grep",
  "ls",
  "mkdir",
  "mv",
  "paste",
  "rm",
  "sed",
  "sha256sum",
  "sleep",
  "tail",
  "uname",
  "wc",
)
# The whole of a build backend, in the wheel "builder"; {error} may end every build.
BUILDER = """
import pathlib
import zipfile

def build_wheel(directory, settings=None, metadata=None):
  {error}
  name = "built-1.0-py3-none-any.whl"
  with zipfile.ZipFile(pathlib.Path(directory, name), "w") as archive:
    archive.writestr("built.py", "")
    archive.writestr("built-1.0.dist-info/METADATA",
                     "Metadata-Version: 2.1\\nName: built\\nVersion: 1.0\\n")
    archive.writestr("built-1.0.dist-info/WHEEL",
                     "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    archive.writestr("built-1.0.dist-info/RECORD", "")
  return name
"""


def _write_wheel(
  directory: pathlib.Path, name: str, version: str, files: Mapping[str, str | pathlib.Path]
) -> pathlib.Path:
  path = directory / f"{name}-{version}-py3-none-any.whl"
  information = f"{name}-{version}.dist-info"
  with zipfile.ZipFile(path, "w") as archive:
    for file, contents in files.items():
      if isinstance(contents, pathlib.Path):
        archive.write(contents, file)
      else:
        archive.writestr(file, contents)
    archive.writestr(
      f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    archive.writestr(
      f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    archive.writestr(f"{information}/RECORD", "".join(f"{n},,\n" for n in archive.namelist()))
  return path


def _write_source(directory: pathlib.Path) -> pathlib.Path:
  """Writes the package "built", which comes as source only and is built with "builder"."""
  project = directory / "built-1.0"
  project.mkdir()
  (project / "pyproject.toml").write_text(
    '[build-system]\nrequires = ["builder"]\nbuild-backend = "builder"\n'
    '[project]\nname = "built"\nversion = "1.0"\n'
  )
  (project / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
  path = directory / "built-1.0.tar.gz"
  with tarfile.open(path, "w:gz") as archive:
    archive.add(project, project.name)
  return path


@pytest.fixture(scope="session")
def packages(tmp_path_factory) -> pathlib.Path:
  """A folder with the wheels `sample` and `uv` (that of this environment)."""
  directory = tmp_path_factory.mktemp("packages")
  _write_wheel(directory, "sample", "1.0", {"sample.py": ""})
  version = importlib.metadata.version("uv")
  program = pathlib.Path(sysconfig.get_path("scripts"), "uv")
  _write_wheel(directory, "uv", version, {f"uv-{version}.data/scripts/uv": program})
  return directory


def _make_checkout(directory: pathlib.Path, packages: pathlib.Path) -> pathlib.Path:
  (directory / "tools").mkdir()
  for name in ("lib.sh", "setup.sh"):
    shutil.copy(ROOT / "tools" / name, directory / "tools")
  lock = directory / "requirements.lock"
  lock.write_text(f"--no-index\n--find-links {packages}\n--find-links {directory}\n")
  for wheel in sorted(packages.iterdir()):
    _add_to_lock(directory, wheel)
  return directory


def _add_to_lock(checkout: pathlib.Path, package: pathlib.Path) -> None:
  name, version = re.match(r"(.+?)-([\d.]+\d)", package.name).groups()
  digest = hashlib.sha256(package.read_bytes()).hexdigest()
  with (checkout / "requirements.lock").open("a") as lock:
    lock.write(f"{name}=={version} \\\n    --hash=sha256:{digest}\n")


@pytest.fixture
def checkout(tmp_path_factory, packages) -> pathlib.Path:
  return _make_checkout(tmp_path_factory.mktemp("checkout"), packages)


@pytest.fixture(scope="module")
def ready_checkout(tmp_path_factory, packages) -> pathlib.Path:
  """A checkout with its environment; every test leaves it in order."""
  directory = _make_checkout(tmp_path_factory.mktemp("ready_checkout"), packages)
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
    env={
      **os.environ,
      "PYTHON": sys.executable,
      "UV_CACHE_DIR": str(checkout / "cache"),
      **environment,
    },
    capture_output=True,
    text=True,
    check=False,
  )


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
@pytest.mark.parametrize("setting", ["1", ""])
def test_where_python_may_not_keep_byte_code_the_packages_are_compiled(checkout, setting):
  done = _setup(checkout, PYTHONDONTWRITEBYTECODE=setting)
  assert done.returncode == 0, done.stderr
  compiled = list((checkout / ".venv").rglob("sample.cpython-311.pyc"))
  assert len(compiled) == len(setting)


@pytest.mark.slow
@pytest.mark.parametrize(
  "spoil",
  [
    lambda checkout: (checkout / ".venv/made-from").write_text("unfinished\n"),
    lambda checkout: (checkout / "requirements.lock").open("a").write("# another lock\n"),
  ],
  ids=["killed installation", "changed lock"],
)
def test_an_environment_that_does_not_fit_is_made_anew(ready_checkout, spoil):
  stray = ready_checkout / ".venv/stray"
  stray.touch()
  spoil(ready_checkout)
  done = _setup(ready_checkout)
  assert done.returncode == 0, done.stderr
  assert _has_sample(ready_checkout)
  assert not stray.exists()


def _spoil_hash(checkout: pathlib.Path, name: str) -> None:
  lock = checkout / "requirements.lock"
  lock.write_text(
    re.sub(rf"({name}==.* \\\n    --hash=sha256:)\w{{64}}", r"\g<1>" + "0" * 64, lock.read_text())
  )


@pytest.mark.slow
@pytest.mark.parametrize(
  "name, reason",
  [
    ("sample", "Hash mismatch for `sample==1.0`"),
    ("uv", "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.*: uv=="),
  ],
)
def test_a_failed_installation_is_told_and_not_taken_for_a_finished_one(checkout, name, reason):
  _spoil_hash(checkout, name)
  done = _setup(checkout)
  assert done.returncode == 1
  last = done.stderr.splitlines()[-1]
  assert re.match(f"error: the installation failed: .*{reason}", last)
  assert "run tools/setup.sh again" in last
  assert (checkout / ".venv/made-from").read_text() == "unfinished\n"


@pytest.mark.slow
def test_a_source_package_is_built_with_what_the_lock_names(checkout):
  _add_to_lock(checkout, _write_source(checkout))
  _add_to_lock(
    checkout, _write_wheel(checkout, "builder", "1.0", {"builder.py": BUILDER.format(error="pass")})
  )
  done = _setup(checkout)
  assert done.returncode == 0, done.stderr
  assert (checkout / ".venv/lib/python3.11/site-packages/built.py").is_file()


@pytest.mark.slow
def test_a_build_requirement_that_the_lock_lacks_is_not_fetched(checkout):
  _write_wheel(checkout, "builder", "1.0", {"builder.py": BUILDER.format(error="pass")})
  _add_to_lock(checkout, _write_source(checkout))
  done = _setup(checkout)
  assert done.returncode == 1
  assert "no trusted hash was provided for: `builder`" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_wrong_hash_of_a_build_requirement_ends_the_installation(checkout):
  _add_to_lock(checkout, _write_source(checkout))
  _add_to_lock(
    checkout, _write_wheel(checkout, "builder", "1.0", {"builder.py": BUILDER.format(error="pass")})
  )
  _spoil_hash(checkout, "builder")
  done = _setup(checkout)
  assert done.returncode == 1
  assert "Hash mismatch for `builder==1.0`" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_build_that_fails_is_told_with_its_package_and_last_line(checkout):
  _add_to_lock(checkout, _write_source(checkout))
  _add_to_lock(
    checkout,
    _write_wheel(checkout, "builder", "1.0", {"builder.py": BUILDER.format(error="1 / 0")}),
  )
  done = _setup(checkout)
  assert done.returncode == 1
  assert re.match(
    "error: the installation failed: .*`built==1.0`: ZeroDivisionError: division by zero; run",
    done.stderr.splitlines()[-1],
  )


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

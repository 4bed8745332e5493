"""Our wheel beside tf-models-official's, in a throwaway environment for each order of installation.

tf-models-official's wheel is packed again from the files that are installed here, so that nothing
is downloaded; every other package comes from the environment that runs the test.
"""

import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def our_wheel(tmp_path_factory) -> pathlib.Path:
  # Building leaves files behind: in a copy, not in the checkout.
  copy = tmp_path_factory.mktemp("checkout")
  for name in ("LICENSE", "README.md", "pyproject.toml", "setup.py"):
    shutil.copy(ROOT / name, copy)
  for name in ("data_prep", "official"):
    shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
  directory = tmp_path_factory.mktemp("our_wheel")
  _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", directory, copy)
  (wheel,) = directory.iterdir()
  return wheel


@pytest.fixture(scope="module")
def their_wheel(tmp_path_factory) -> pathlib.Path:
  distribution = importlib.metadata.distribution("tf-models-official")
  wheel = tmp_path_factory.mktemp("their_wheel") / (
    f"tf_models_official-{distribution.version}-py2.py3-none-any.whl"
  )
  with zipfile.ZipFile(wheel, "w") as archive:
    for file in distribution.files:
      if "__pycache__" not in file.parts and file.name not in ("INSTALLER", "REQUESTED", "RECORD"):
        archive.write(file.locate(), file.as_posix())
    record = f"tf_models_official-{distribution.version}.dist-info/RECORD"
    archive.writestr(record, "".join(f"{name},,\n" for name in [*archive.namelist(), record]))
  return wheel


@pytest.fixture(scope="module", params=["ours first", "theirs first"])
def interpreter(request, our_wheel, their_wheel, tmp_path_factory) -> pathlib.Path:
  """An environment's Python with both wheels installed, in one order or the other."""
  environment = tmp_path_factory.mktemp("environment")
  venv.create(environment, with_pip=False)
  python = environment / "bin" / "python"
  wheels = [our_wheel, their_wheel] if request.param == "ours first" else [their_wheel, our_wheel]
  for wheel in wheels:
    _pip("--python", python, "install", "--no-deps", "--no-index", "--no-compile", wheel)
  site_packages = _run(python, "import sysconfig; print(sysconfig.get_path('purelib'))")
  # Behind its own packages come those of the environment that runs the test.
  pathlib.Path(site_packages, "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
  return python


def _pip(*arguments) -> None:
  command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stdout + done.stderr


def _run(python: pathlib.Path, code: str) -> str:
  """Runs code in the root of the file system, where no checkout is on the path."""
  environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
  done = subprocess.run(
    [python, "-c", code], cwd="/", env=environment, capture_output=True, text=True, check=False
  )
  assert done.returncode == 0, done.stderr
  return done.stdout.strip()


def _names(wheel: pathlib.Path) -> set[str]:
  with zipfile.ZipFile(wheel) as archive:
    return set(archive.namelist())


def test_the_wheel_leaves_out_the_shared_init(our_wheel):
  assert "official/__init__.py" not in _names(our_wheel)


def test_the_wheel_has_every_other_module_search_space_and_type_marker(our_wheel):
  files = {
    path.relative_to(ROOT).as_posix()
    for folder in ("data_prep", "official")
    for pattern in ("*.py", "*.json", "py.typed")
    for path in (ROOT / folder).rglob(pattern)
  }
  assert files - _names(our_wheel) == {"official/__init__.py"}


def test_the_wheel_has_nothing_but_our_two_packages(our_wheel):
  tops = {name.split("/")[0] for name in _names(our_wheel)}
  assert {top for top in tops if not top.endswith(".dist-info")} == {"data_prep", "official"}


def test_both_halves_of_the_namespace_come_from_the_environment(interpreter):
  code = (
    "import importlib.util\n"
    "import official.common\n"
    "import official.evolve\n"
    "print(official.evolve.__file__)\n"
    "print(official.common.__file__)\n"
    "print(importlib.util.find_spec('official.core').origin)\n"
  )
  environment = str(interpreter.parents[1])
  origins = _run(interpreter, code).splitlines()
  assert [origin.startswith(environment) for origin in origins] == [True] * 3, origins


def test_official_core_imports(interpreter):
  assert _run(interpreter, "import official.core, official.evolve; print('both')") == "both"


def test_a_named_search_space_is_found(interpreter):
  code = "from official.architecture import space; print(space.load_space('small').name)"
  assert _run(interpreter, code) == "small"

"""Which room may import which: the arrows of the house, in BUILD files and in what runs."""

import ast
from collections.abc import Iterable
import pathlib
import re
import subprocess
import sys

import bazel_targets
import pytest

ROOT = bazel_targets.ROOT
TARGETS = bazel_targets.read()
MODULE_NAME = re.compile(r"(data_prep|official|tools)(\.\w+)+")


def _imports(source: pathlib.Path) -> set[pathlib.Path]:
  """Returns the files of ours that a file imports, or names for another process to run."""
  names = set()
  for node in ast.walk(ast.parse(source.read_text())):
    if isinstance(node, ast.Import):
      names |= {alias.name for alias in node.names}
    elif isinstance(node, ast.ImportFrom):
      names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    elif isinstance(node, ast.Constant) and MODULE_NAME.fullmatch(str(node.value)):
      names.add(node.value)
  paths = {ROOT / name.replace(".", "/") for name in names}
  modules = {path.with_suffix(".py") for path in paths} | {path / "__init__.py" for path in paths}
  return {module for module in modules if module.is_file()}


@pytest.mark.parametrize("label", sorted(TARGETS))
def test_a_target_depends_on_what_its_files_import(label):
  reachable = bazel_targets.reachable_sources(label, TARGETS)
  missing = {
    f"{source.relative_to(ROOT)} imports {imported.relative_to(ROOT)}"
    for source in TARGETS[label].sources
    for imported in _imports(source) - reachable
  }
  assert not missing, f"add to the deps of {label}"


@pytest.mark.parametrize(
  "room, others",
  [
    ("//data_prep:data_prep", "//official"),
    ("//data_prep/common:common", "//data_prep/"),
    ("//data_prep/dataset:dataset", "//data_prep/job"),
    ("//official:official", "//data_prep/job"),
    ("//official/architecture:architecture", "//official/"),
    ("//official/layers:layers", "//official/"),
    ("//official/layers:layers", "//data_prep"),
    ("//official/inputs:inputs", "//official/architecture"),
    ("//official/inputs:inputs", "//official/serving"),
    ("//official/inputs:inputs", "//official/tasks"),
    ("//official/inputs:inputs", "//official/training"),
    ("//official/programs:programs", "//data_prep/job"),
    ("//official/reports:reports", "//official/layers"),
    ("//official/reports:reports", "//official/serving"),
    ("//official/reports:reports", "//official/training"),
    ("//official/runs:runs", "//official/reports"),
    ("//official/runs:runs", "//official/search"),
    ("//official/runs:runs", "//official/training"),
    ("//official/runs:runs", "//official/inputs"),
    ("//official/runs:runs", "//official:network"),
    ("//official/search:search", "//official/reports"),
    ("//official/search:search", "//official/training"),
    ("//official/search:search", "//official:network"),
    ("//official/tasks:tasks", "//official/"),
    ("//official/training:training", "//official/search"),
    ("//official/training:training", "//official/garden"),
  ],
)
def test_a_room_knows_nothing_of(room, others):
  known = {label for label in bazel_targets.closure(room, TARGETS) if label.startswith(others)}
  assert known - {room} == set()


def test_every_python_file_is_in_a_target():
  declared = {source for target in TARGETS.values() for source in target.sources}
  files = {
    path
    for folder in ("data_prep", "official", "tests", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if (ROOT / "tests/packaging") not in path.parents
  }
  assert files - declared - {ROOT / "tests/pytest_main.py"} == set()


def _modules(sources: Iterable[pathlib.Path]) -> list[str]:
  names = (source.relative_to(ROOT).with_suffix("").as_posix() for source in sources)
  return sorted(name.replace("/", ".").removesuffix(".__init__") for name in names)


MAINS = _modules(
  source for target in TARGETS.values() if target.is_main for source in target.sources
)


def _assert_no_tensorflow_after_importing(modules: Iterable[str]) -> None:
  code = (
    "import importlib, sys\n"
    "for name in sys.argv[1:]:\n"
    "  importlib.import_module(name)\n"
    "  assert 'tensorflow' not in sys.modules, name + ' imports tensorflow'\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", code, *modules], cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
  "room",
  [
    "//data_prep/common:common",
    "//data_prep/dataset:dataset",
    "//data_prep/job:job",
    "//official/architecture:architecture",
    "//official/reports:reports",
    "//official/runs:runs",
    "//official/search:search",
  ],
)
def test_a_room_without_tensorflow_imports_none(room):
  # Mains apart: their flags have the same names.
  _assert_no_tensorflow_after_importing(set(_modules(TARGETS[room].sources)) - set(MAINS))


def test_what_a_task_is_and_how_it_is_served_is_known_without_tensorflow():
  """Only what a task learns by needs it: its module `task`, and what those stand on."""
  learning = {
    "task.py",
    "answer.py",
    "confusion.py",
    "report.py",
    "learning.py",
    "label_learning.py",
    "pixel_learning.py",
  }
  sources = TARGETS["//official/tasks:tasks"].sources
  _assert_no_tensorflow_after_importing(
    _modules(source for source in sources if source.name not in learning | {"average_precision.py"})
  )


@pytest.mark.parametrize("main", MAINS)
def test_a_main_imports_no_tensorflow_before_it_has_read_its_flags(main):
  _assert_no_tensorflow_after_importing([main])

"""Names of ours that a file uses exist, also in benchmarks that nobody has run lately.

So do the modules that the map of a room names. The docstring of every package is its map; a line
of a map is a module or sub-package, two blanks or more, and what the name stands for:

    architecture  the graph and its rules
"""

import ast
import functools
import pathlib
import re

import bazel_targets
import pytest

ROOT = bazel_targets.ROOT
FOLDERS = ("data_prep", "official", "tools", "tests")
ROOMS = sorted(
  file.parent for top in ("data_prep", "official") for file in (ROOT / top).rglob("__init__.py")
)
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def _file(module: str) -> pathlib.Path | None:
  path = ROOT / module.replace(".", "/")
  files = (path.with_suffix(".py"), path / "__init__.py")
  return next((file for file in files if file.is_file()), None)


@functools.cache
def _top(file: pathlib.Path) -> dict[str, ast.AST]:
  """Returns what a module defines or imports at its top level."""
  names = {}
  for node in ast.walk(ast.parse(file.read_text())):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
      names[node.name] = node
    elif isinstance(node, ast.Import | ast.ImportFrom):
      names |= {(alias.asname or alias.name): node for alias in node.names}
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
      names[node.id] = node
  return names


def _problems(tree: ast.AST) -> list[str]:
  """Returns what is wrong with the uses of modules of ours in a file."""
  problems, modules = [], {}
  for node in ast.walk(tree):
    if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in FOLDERS:
      for alias in node.names:
        module, package = _file(f"{node.module}.{alias.name}"), _file(node.module)
        if module:
          modules[alias.asname or alias.name] = module
        elif package and alias.name not in _top(package):
          problems.append(f"line {node.lineno}: no {alias.name} in {node.module}")
  stored = {
    node.id
    for node in ast.walk(tree)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
  }
  stored |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
  modules = {name: file for name, file in modules.items() if name not in stored}
  for node in ast.walk(tree):
    if isinstance(node, ast.Attribute) and _of(node, modules):
      if node.attr not in _top(modules[node.value.id]) and not node.attr.startswith("__"):
        problems.append(f"line {node.lineno}: no {node.attr} in {node.value.id}")
    elif isinstance(node, ast.Call) and _of(node.func, modules):
      target = _top(modules[node.func.value.id]).get(node.func.attr)
      if isinstance(target, ast.FunctionDef) and not target.args.kwarg:
        taken = {arg.arg for arg in (*target.args.args, *target.args.kwonlyargs)}
        problems += [
          f"line {node.lineno}: {node.func.attr} has no argument {keyword.arg}"
          for keyword in node.keywords
          if keyword.arg and keyword.arg not in taken
        ]
  return problems


def _of(node: ast.AST, modules: dict[str, pathlib.Path]) -> bool:
  return (
    isinstance(node, ast.Attribute)
    and isinstance(node.value, ast.Name)
    and node.value.id in modules
  )


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_a_file_uses_of_ours_is_there(file):
  assert not _problems(ast.parse(file.read_text()))


@pytest.mark.parametrize(
  "code, problem",
  [
    ("from data_prep import nowhere", "line 1: no nowhere in data_prep"),
    ("from data_prep.common import cli\ncli.nothing()", "line 2: no nothing in cli"),
    (
      "from data_prep.common import cli\ncli.run(main, speed=1)",
      "line 2: run has no argument speed",
    ),
  ],
)
def test_a_name_that_is_not_there_is_found(code, problem):
  assert _problems(ast.parse(code)) == [problem]


def _named(docstring: str) -> list[str]:
  """Returns the names of a map, in order."""
  return re.findall(r"^ *(\w+) {2,}\S", docstring, re.MULTILINE)


def _present(room: pathlib.Path) -> list[str]:
  """Returns the modules and sub-packages of a folder, sorted."""
  modules = [file.stem for file in room.glob("*.py") if file.name != "__init__.py"]
  return sorted(modules + [file.parent.name for file in room.glob("*/__init__.py")])


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_a_map_names_each_module_once(room):
  docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text()))
  assert sorted(_named(docstring)) == _present(room), (
    f"put the docstring of {room.relative_to(ROOT)}/__init__.py right: one line per module"
  )


def test_a_map_is_read_line_by_line():
  assert _named("Two rooms.\n\nkitchen  has two blanks\n  hall    may be indented\nno line") == [
    "kitchen",
    "hall",
  ]

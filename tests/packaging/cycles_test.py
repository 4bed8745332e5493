"""No modules of ours import each other in a circle, not even for the sake of types.

Imports inside functions are left out: they are late on purpose, and cannot form a circle when a
module is loaded.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
import pathlib

import bazel_targets

ROOT = bazel_targets.ROOT
FOLDERS = ("data_prep", "official")


def _name(file: pathlib.Path) -> str:
  module = file.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
  return module.removesuffix(".__init__")


def _at_import_time(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
  """Yields the import statements that are not inside a function."""
  for child in ast.iter_child_nodes(node):
    if isinstance(child, ast.Import | ast.ImportFrom):
      yield child
    elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
      yield from _at_import_time(child)


def _imported(tree: ast.AST, ours: Iterable[str]) -> set[str]:
  """Returns the modules among `ours` that a module imports itself."""
  found = set()
  for node in _at_import_time(tree):
    if isinstance(node, ast.Import):
      found |= {alias.name for alias in node.names}
    else:
      submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(ours)
      # `from package import module` does not need what else the package's __init__ defines.
      found |= submodules if len(submodules) == len(node.names) else submodules | {node.module}
  return found & set(ours)


def _circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
  """Returns a circle of modules, its first one repeated at the end; empty if there is none."""
  done: set[str] = set()

  def visit(name: str, path: list[str]) -> list[str]:
    if name in path:
      return [*path[path.index(name) :], name]
    if name not in done:
      for other in sorted(graph[name]):
        if circle := visit(other, [*path, name]):
          return circle
      done.add(name)
    return []

  return next(filter(None, (visit(name, []) for name in sorted(graph))), [])


def test_no_module_imports_itself_by_way_of_others():
  files = {_name(file): file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")}
  graph = {name: _imported(ast.parse(file.read_text()), files) for name, file in files.items()}
  assert graph["official.evolve"], "the imports of official.evolve were not found"
  assert _circle(graph) == []


def test_a_circle_is_found():
  ours = ("a", "a.b", "a.c")
  sources = {
    "a": "",
    "a.b": "import typing\nif typing.TYPE_CHECKING:\n  from a.c import C",
    "a.c": "from a import b",
  }
  graph = {name: _imported(ast.parse(source), ours) for name, source in sources.items()}
  assert _circle(graph) == ["a.b", "a.c", "a.b"]


def test_an_import_inside_a_function_makes_no_circle():
  ours = ("a", "b")
  sources = {"a": "import b", "b": "def late():\n  import a"}
  graph = {name: _imported(ast.parse(source), ours) for name, source in sources.items()}
  assert _circle(graph) == []

"""Files and functions that fit into a head."""

import ast
from collections.abc import Iterator
import pathlib

import bazel_targets
import pytest

ROOT = bazel_targets.ROOT
FILES = sorted(
  path for top in ("data_prep", "official", "tests", "tools") for path in (ROOT / top).rglob("*.py")
)
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60


def _long_functions(text: str) -> Iterator[str]:
  for node in ast.walk(ast.parse(text)):
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
      lines = node.end_lineno - node.lineno + 1
      if lines > MOST_LINES_OF_A_FUNCTION:
        yield f"{node.name} has {lines} lines"


def test_there_are_files():
  assert len(FILES) > 300


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_and_its_functions_are_short(path: pathlib.Path):
  text = path.read_text()
  assert text.count("\n") <= MOST_LINES
  assert not list(_long_functions(text))


def test_a_long_function_is_found():
  body = "\n  pass" * MOST_LINES_OF_A_FUNCTION
  assert list(_long_functions(f"def long():{body}")) == ["long has 61 lines"]

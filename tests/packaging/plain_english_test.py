"""Texts that a user or a contributor reads are sentences or noun phrases, without riddles.

The test knows no grammar. It catches fragments that begin with "Of", and phrases that were here
once; RIDDLES has plain English for each.
"""

import ast
from collections.abc import Iterator
import pathlib
import re

import pytest

from tests import documentation

ROOT = documentation.ROOT
FILES = sorted(
  file
  for folder in ("data_prep", "official", "tools", "tests")
  for file in (ROOT / folder).rglob("*.py")
  if file != pathlib.Path(__file__)
)
PAGES = (*documentation.PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")
RIDDLES = {
  r"so-manieth": "every n-th",
  r"no matter of bits": "does not affect the bits",
  r"\b(is|are) let be\b": "is ignored",
  r"\b(gone|going|goes|go) on with\b": "resume",
  r"\bcommand goes on\b": "the command resumes",
  r"\banew\b": "again",
  r"\bOf everything\b": "all",
  r"\bWhat of a\b": "the part of a",
  r"\bwhatever the speed\b": "however fast",
}
# A fragment at the start of a docstring, or of the description of an argument or attribute.
FRAGMENT = re.compile(r"\A(?:Of|What of) |^ *\w+: Of ", re.MULTILINE)


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
  """Yields (line, text) of every string literal, docstrings included."""
  for node in ast.walk(tree):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
      yield node.lineno, node.value


def _fragments(tree: ast.AST) -> Iterator[tuple[int, str]]:
  """Yields (line, text) of docstrings and of help texts of flags that hold a fragment."""
  for node in ast.walk(tree):
    texts = []
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
      texts = [ast.get_docstring(node) or ""]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1].startswith("DEFINE_"):
      texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
    for text in texts:
      if isinstance(text, str) and (found := FRAGMENT.search(text)):
        yield getattr(node, "lineno", 1), found[0].strip()


def _riddles(text: str) -> list[str]:
  flat = " ".join(text.split())
  found = {plain: re.search(riddle, flat) for riddle, plain in RIDDLES.items()}
  return [f"{match[0]!r}: say {plain!r}" for plain, match in found.items() if match]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_texts_of_a_file_are_plain(file):
  tree = ast.parse(file.read_text())
  found = [f"line {line}: {text!r} is a fragment" for line, text in _fragments(tree)]
  for line, text in _texts(tree):
    found += [f"line {line}: {riddle}" for riddle in _riddles(text)]
  assert not found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_plain(page):
  assert not _riddles(page.read_text())


@pytest.mark.parametrize(
  "code", ['"""Of everything random."""', 'class A:\n  """A.\n\n  Attributes:\n    b: Of a.\n  """']
)
def test_a_fragment_is_found(code):
  assert list(_fragments(ast.parse(code)))


def test_a_riddle_is_found():
  assert _riddles("what stands there is\n  let be") == ["'is let be': say 'is ignored'"]

"""The recipes of CONTRIBUTING.md, followed: what they say to write is executed, and used.

A block of Python whose first line names a file is executed as an addition to that file or, where
there is none, as a new module; every other block uses the result. Each recipe runs in a process of
its own, so that what it registers is known nowhere else.
"""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
# Recipes that load TensorFlow.
SLOW = {"Add a block kind", "Add a stream kind"}

_FOLLOW = """
import importlib, sys, types


def follow(path, code):
  name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
  try:
    module = importlib.import_module(name)
  except ModuleNotFoundError as error:
    if error.name != name:
      raise
    module = sys.modules[name] = types.ModuleType(name)
    parent, _, child = name.rpartition(".")
    if parent:
      setattr(importlib.import_module(parent), child, module)
  exec(compile(code, path, "exec"), module.__dict__)

"""


def _recipes() -> dict[str, list[str]]:
  """Returns the blocks of Python code of each recipe, by its title."""
  sections = re.split(r"^### (.*)\n", TEXT.split("\n## Recipes\n")[1], flags=re.MULTILINE)[1:]
  return {
    title: re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for title, text in zip(sections[::2], sections[1::2])
  }


def _program(blocks: list[str]) -> str:
  program = _FOLLOW
  for block in blocks:
    file = re.match(r"# (\S+\.py)\n", block)
    program += f"follow({file[1]!r}, {block!r})\n" if file else block
  return program


@pytest.mark.parametrize(
  "title",
  [pytest.param(title, marks=[pytest.mark.slow] * (title in SLOW)) for title in _recipes()],
)
def test_a_recipe_leads_to_what_it_promises(title, tmp_path):
  blocks = _recipes()[title]
  assert len(blocks) > 1 and "assert " in blocks[-1]
  done = subprocess.run(
    [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{_program(blocks)}"],
    cwd=tmp_path,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr[-3000:]

"""The recipes of CONTRIBUTING.md, followed: what they say to write is executed, and used.

The first line of a block of Python says where the code belongs. `# FILE.py` is an addition to that
file or, if there is none, a new module; `# FILE.py, in class NAME` are more fields of a class; and
every other block uses the result. Each recipe runs in a process of its own, so that what it
registers is known nowhere else.
"""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
QUICK = {"Add a guidance", "Add an executor", "Add a training knob"}  # without TensorFlow
TITLES = (*QUICK, "Add a block kind", "Add a stream kind", "Add a task", "Add a metric")

_FOLLOW = """
import ast, importlib, importlib.machinery, pathlib, sys, types

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT))
sys.dont_write_bytecode = True


def follow(path, code):
  name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
  parent, _, child = name.rpartition(".")
  if parent and not (ROOT / parent.replace(".", "/")).is_dir() and parent not in sys.modules:
    sys.modules[parent] = types.ModuleType(parent)
    sys.modules[parent].__path__ = []
  try:
    module = importlib.import_module(name)
  except ModuleNotFoundError as error:
    if error.name != name:
      raise
    module = sys.modules[name] = types.ModuleType(name)
    if parent:
      setattr(importlib.import_module(parent), child, module)
  exec(compile(code, path, "exec"), module.__dict__)


def follow_in_class(path, name, code):
  lines = (ROOT / path).read_text().splitlines()
  (kind,) = (node for node in ast.walk(ast.parse("\\n".join(lines)))
             if isinstance(node, ast.ClassDef) and node.name == name)
  lines.insert(kind.body[0].end_lineno, code)
  compiled = compile("\\n".join(lines), path, "exec")
  loader = importlib.machinery.SourceFileLoader
  of_file = loader.get_code
  loader.get_code = lambda self, module: (
    compiled if self.path == str(ROOT / path) else of_file(self, module)
  )

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
    place = re.match(r"# (\S+\.py)(?:, in class (\w+))?\n", block)
    if place and place[2]:
      program += f"follow_in_class({place[1]!r}, {place[2]!r}, {block!r})\n"
    elif place:
      program += f"follow({place[1]!r}, {block!r})\n"
    else:
      program += block
  return program


def test_the_recipes():
  assert sorted(_recipes()) == sorted(TITLES)


@pytest.mark.parametrize(
  "title",
  [pytest.param(title, marks=[pytest.mark.slow] * (title not in QUICK)) for title in TITLES],
)
def test_a_recipe_leads_to_what_it_promises(title, tmp_path):
  blocks = _recipes()[title]
  assert len(blocks) > 1 and "assert " in blocks[-1]
  done = subprocess.run(
    [sys.executable, "-c", _program(blocks), str(ROOT)],
    cwd=tmp_path,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr[-3000:]

"""The image of a Dataflow worker."""

import ast
from importlib import metadata
import pathlib
import re
import sys

from packaging import requirements
from packaging import utils

ROOT = pathlib.Path(__file__).parents[2]
IMAGE = (ROOT / "tools/dataflow/Dockerfile").read_text()
PINNED = re.findall(r"([\w-]+==[\w.]+)", IMAGE)
_WORKERS_ROOMS = ("common", "dataset", "job")
_NOT_FOR_WORKERS = {"matplotlib"}  # Of preview pages.


def test_the_image_has_the_versions_of_the_lock():
  lock = (ROOT / "requirements.lock").read_text()
  beam = re.search(r"FROM apache/beam_python3.11_sdk:([\d.]+)", IMAGE)[1]
  assert PINNED
  assert [pin for pin in [*PINNED, f"apache-beam=={beam}"] if f"\n{pin} \\" not in lock] == []


def _needed(names: list[str]) -> set[str]:
  """Returns distributions and what they need, by their normal names."""
  found, left = set(), [requirements.Requirement(name) for name in names]
  while left:
    one = left.pop()
    key = (utils.canonicalize_name(one.name), frozenset(one.extras))
    if key in found:
      continue
    found.add(key)
    try:
      asked = metadata.requires(one.name) or []
    except metadata.PackageNotFoundError:  # For another platform.
      continue
    for line in asked:
      other = requirements.Requirement(line)
      extras = one.extras or {""}
      if not other.marker or any(other.marker.evaluate({"extra": extra}) for extra in extras):
        left.append(other)
  return {name for name, _ in found}


def _imported() -> set[str]:
  """Returns the modules of others that the rooms of a worker import, anywhere in a file."""
  found = set()
  for room in _WORKERS_ROOMS:
    for path in (ROOT / "data_prep" / room).rglob("*.py"):
      for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
          found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
          found.add(node.module.split(".")[0])
  return found - set(sys.stdlib_module_names) - {"data_prep"} - _NOT_FOR_WORKERS


def test_the_image_has_what_a_worker_imports():
  made_by, there = metadata.packages_distributions(), _needed([*PINNED, "apache-beam[gcp]"])
  missing = {
    name
    for name in _imported()
    if not {utils.canonicalize_name(one) for one in made_by.get(name, [name])} & there
  }
  assert missing == set()


def test_the_modules_that_the_image_tries_exist():
  (tried,) = re.findall(r'^RUN python -c "(.*)"$', IMAGE, re.MULTILINE | re.DOTALL)
  exec(compile(tried.replace("\\\n", ""), "Dockerfile", "exec"), {})

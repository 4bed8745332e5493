"""The Bazel targets of the checkout, read without Bazel.

A BUILD file is a restricted Python file: it is run here with functions that note what it declares.
"""

import dataclasses
import functools
import pathlib

ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Target:
  """Python files and the labels of the targets that they need; `is_main` if they are a program."""

  label: str
  sources: frozenset[pathlib.Path]
  deps: tuple[str, ...]
  is_main: bool


def read() -> dict[str, Target]:
  """Returns every Python target by its label, `//folder:name`."""
  targets = {}
  for build in sorted(ROOT.rglob("BUILD")):
    folder = build.parent.relative_to(ROOT)
    if build.is_file() and not any(part.startswith(".") for part in folder.parts):
      targets |= {target.label: target for target in _declared(build, folder.as_posix())}
  return targets


def reachable_sources(label: str, targets: dict[str, Target]) -> set[pathlib.Path]:
  """Returns the files of a target and of everything that it depends on, directly or not."""
  return {source for target in closure(label, targets) for source in targets[target].sources}


def closure(label: str, targets: dict[str, Target]) -> set[str]:
  """Returns the labels that a target depends on, directly or not, and its own."""
  seen, queue = set(), [label]
  while queue:
    current = queue.pop()
    if current not in seen:
      seen.add(current)
      queue.extend(targets[current].deps)
  return seen


def _declared(build: pathlib.Path, folder: str) -> list[Target]:
  found = []

  def declare(name, srcs=(), deps=(), is_main=False, **_):
    found.append(
      Target(
        label=f"//{folder}:{name}",
        sources=frozenset(build.parent / source for source in srcs),
        deps=tuple(_absolute(dep, folder) for dep in deps),
        is_main=is_main,
      )
    )

  def glob(include, exclude=(), **_):
    kept = {path for pattern in include for path in build.parent.glob(pattern)}
    kept -= {path for pattern in exclude for path in build.parent.glob(pattern)}
    # A folder below with a BUILD of its own is another package.
    return sorted(
      path.relative_to(build.parent).as_posix()
      for path in kept
      if path.is_file() and _package(path) == build.parent
    )

  def room_tests(name, deps=(), exclude=()):
    sources = glob(["**/*.py"], exclude=[*exclude, "pytest_main.py"])
    helpers = [source for source in sources if not source.endswith("_test.py")]
    deps = [*deps, "//tests:shared"]
    declare(f"{name}_helpers", helpers, deps)
    if sources != helpers:
      declare(name, sources, deps)

  functions = dict(
    glob=glob,
    py_binary=functools.partial(declare, is_main=True),
    py_library=declare,
    room_tests=room_tests,
  )
  functions |= {name: lambda *_, **__: None for name in ("exports_files", "load", "package")}
  exec(compile(build.read_text(), str(build), "exec"), functions)
  return found


def _package(path: pathlib.Path) -> pathlib.Path:
  return next(parent for parent in path.parents if (parent / "BUILD").is_file())


def _absolute(label: str, folder: str) -> str:
  label = label if label.startswith("//") else f"//{folder}{label}"
  return label if ":" in label else f"{label}:{label.rpartition('/')[2]}"

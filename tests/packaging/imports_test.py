"""Training and serving load nothing that only the preparation of videos needs."""

import subprocess
import sys

import bazel_targets
import pytest

ROOT = bazel_targets.ROOT
TARGETS = bazel_targets.read()
CODE = """
import importlib, sys
for name in sys.argv[1:]:
  importlib.import_module(name)
  loaded = {"av", "apache_beam"} & set(sys.modules)
  assert not loaded, f"{name} imports {loaded}"
"""


def _modules(room: str) -> list[str]:
  names = (one.relative_to(ROOT).with_suffix("").as_posix() for one in TARGETS[room].sources)
  return sorted(name.replace("/", ".").removesuffix(".__init__") for name in names)


@pytest.mark.slow
def test_neither_pyav_nor_beam_is_loaded():
  rooms = ("inputs", "serving", "training")
  modules = [name for room in rooms for name in _modules(f"//official/{room}:{room}")]
  assert "official.serving.windows" in modules
  done = subprocess.run(
    [sys.executable, "-c", CODE, *modules], cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert done.returncode == 0, done.stderr[-2000:]

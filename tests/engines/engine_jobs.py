"""What tests of data preparation on other engines share: clips, and looks at a job from outside.

The clips are some of the real recordings beside the checkout, or rendered ones where they are
missing, and a broken one.
"""

from collections.abc import Callable
import csv
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

import pytest

from data_prep.dataset import metadata
from data_prep.job import shards
from tools.flink import jars

ROOT = pathlib.Path(__file__).parents[2]
MARK = "ENGINES_TEST"  # In the environment of all processes of a test: its folder.
FLAGS = ("--fps=10", "--short_side=64")
_RECORDINGS = ROOT.parent / "shared" / "data" / "ut_interaction" / "manifest.csv"

# Marks of a test that needs a cluster.
NEEDS_FLINK = [
  pytest.mark.slow,
  pytest.mark.skipif(shutil.which("java") is None, reason="Java is missing, which runs Flink"),
  pytest.mark.skipif(
    jars.find(jars.default_cache()) is None,
    reason="Flink's jars are not there (python -m tools.flink.fetch gets them)",
  ),
]


def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
  """Runs Python to its end."""
  return subprocess.run(
    [sys.executable, *arguments],
    cwd=ROOT,
    env={**os.environ, **(environment or {})},
    text=True,
    capture_output=True,
    check=False,
    timeout=500,
  )


def clips(folder: pathlib.Path, every: int = 3) -> pathlib.Path:
  """Writes a manifest of every n-th recording, and links to them; returns its path.

  Its last rows are those of the test split, whose clips are prepared last.
  """
  source = _RECORDINGS
  if not source.exists():
    made = run("tools/make_sample_videos.py", f"--output_dir={folder}/videos")
    assert made.returncode == 0, made.stderr
    source = folder / "videos" / "manifest.csv"
  with open(source, newline="") as file:
    chosen = list(csv.DictReader(file))[::every]
  chosen.sort(key=lambda row: metadata.SPLITS.index(row["split"]))
  lines = ["path,label,split", f"broken.mp4,{chosen[0]['label']},train"]
  (folder / "broken.mp4").write_bytes(b"no video at all" * 50)
  for index, row in enumerate(chosen):
    video = source.parent / row["path"]
    link = folder / f"{index:03}{video.suffix}"
    link.symlink_to(video)
    lines.append(f"{link.name},{row['label']},{row['split']}")
  manifest = folder / "manifest.csv"
  manifest.write_text("\n".join(lines) + "\n")
  return manifest


def options(told: str) -> list[str]:
  """Returns the options of Beam's in the command that `tools.flink.start` tells."""
  (command,) = [line for line in told.splitlines() if "data_prep.extract" in line]
  words = shlex.split(command)
  return words[words.index("--runner=FlinkRunner") :]


def content(folder: pathlib.Path) -> dict[str, bytes]:
  """Returns the bytes of the files of a dataset, by name."""
  return {path.name: path.read_bytes() for path in folder.iterdir()}


def finished(output: pathlib.Path) -> dict[str, int]:
  """Returns the times of the last change of the files that are finished, by name."""
  return {name: (output / name).stat().st_mtime_ns for name in shards.finished_names(str(output))}


def processes(folder: pathlib.Path, name: str = "") -> dict[int, str]:
  """Returns, by id, the command lines with a name in them of processes that this test began."""
  found = {}
  for path in pathlib.Path("/proc").iterdir():
    if path.name.isdecimal() and int(path.name) != os.getpid():
      try:
        ours = f"{MARK}={folder}\0".encode() in (path / "environ").read_bytes()
        command = (path / "cmdline").read_text().replace("\0", " ")
      except OSError:  # It has ended, or is somebody else's.
        continue
      if ours and name in command:
        found[int(path.name)] = command
  return found


def wait(condition: Callable[[], bool], seconds: float = 200.0) -> None:
  """Waits until a condition holds."""
  until = time.monotonic() + seconds
  while not condition():
    assert time.monotonic() < until, "it takes too long"
    time.sleep(0.05)

"""Data preparation on a Flink cluster of this machine, one of whose TaskManagers is killed.

The jars have to be there (python -m tools.flink.fetch), and Java. The clips are every third one of
the real recordings beside the checkout, or rendered ones where they are missing, and a broken one.
"""

from collections.abc import Callable
import csv
import dataclasses
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

from data_prep.job import shards
from tools.flink import jars
from tools.flink import processes

ROOT = pathlib.Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "data" / "ut_interaction" / "manifest.csv"
FLAGS = ("--fps=10", "--short_side=64")
PORTS = tuple(f"--{name}_port=0" for name in ("rest", "rpc", "job", "pool"))
MARK = "ENGINES_TEST"
LOST = "taskmanager_2"

pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(shutil.which("java") is None, reason="Java is missing, which runs Flink"),
  pytest.mark.skipif(
    jars.find(jars.default_cache()) is None,
    reason="Flink's jars are not there (python -m tools.flink.fetch gets them)",
  ),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Story:
  """What happened.

  Attributes:
    folder: Has the datasets `local`, made without a cluster, and `flink`.
    alone: The run without a cluster.
    killed: The run in which a TaskManager was killed.
    status: What `tools.flink.status` said after that.
    kept: Times of the last change, by name, of the files that it left finished.
    resumed: The same command again.
    interrupted: Another job, which received SIGTERM.
    stopped: `tools.flink.stop`.
    left: The processes that ran after that.
  """

  folder: pathlib.Path
  alone: subprocess.CompletedProcess
  killed: subprocess.CompletedProcess
  status: subprocess.CompletedProcess
  kept: dict[str, int]
  resumed: subprocess.CompletedProcess
  interrupted: subprocess.CompletedProcess
  stopped: subprocess.CompletedProcess
  left: dict[int, str]


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
  """Prepares the clips alone and on a cluster of 1 + 2, which is stopped whatever happens."""
  folder = tmp_path_factory.mktemp("engines")
  cluster, environment = folder / "cluster", {**os.environ, MARK: str(folder)}

  def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
      [sys.executable, *arguments],
      cwd=ROOT,
      env=environment,
      text=True,
      capture_output=True,
      check=False,
      timeout=500,
    )

  def tool(name: str, *arguments: str) -> subprocess.CompletedProcess:
    return run("-m", f"tools.flink.{name}", f"--dir={cluster}", *arguments)

  extract = ("-m", "data_prep.extract", f"--manifest={_clips(folder, run)}", *FLAGS)
  alone = run(*extract, f"--output_dir={folder / 'local'}")
  try:
    start = ("start", "--taskmanagers=2", *PORTS)
    started = tool(*start)
    assert started.returncode == 0, started.stderr
    on_flink = (*extract, f"--output_dir={folder / 'flink'}", *_options(started.stderr))
    (lost,) = [process for process in processes.read(cluster) if process.name == LOST]
    killed = _disturbed(
      on_flink, environment, folder / "flink", lambda job: os.kill(lost.pid, signal.SIGKILL)
    )
    status = tool("status")
    _await(lambda: not _processes(folder, "local_worker"))
    kept = _finished(folder / "flink")
    again = tool(*start)
    assert again.returncode == 0, again.stderr
    resumed = run(*on_flink)
    interrupted = _disturbed(
      (*on_flink, f"--output_dir={folder / 'other'}"),
      environment,
      folder / "other",
      lambda job: job.terminate(),
    )
    _await(lambda: "jobs: 0 running" in tool("status").stdout)
  finally:
    stopped = tool("stop")
  return Story(
    folder=folder,
    alone=alone,
    killed=killed,
    status=status,
    kept=kept,
    resumed=resumed,
    interrupted=interrupted,
    stopped=stopped,
    left=_processes(folder),
  )


def test_a_job_that_loses_a_task_manager_fails_in_one_line(story):
  assert story.killed.returncode == 1, story.killed.stderr
  (line,) = [one for one in story.killed.stderr.splitlines() if not one.startswith("prepared ")]
  assert line.startswith("error: the job failed: ") and line.endswith("; the same command resumes")


def test_the_status_names_the_task_manager_that_died(story):
  assert story.status.returncode == 1
  (dead,) = [line for line in story.status.stdout.splitlines() if "has died" in line]
  assert dead.startswith(LOST)


def test_the_same_command_makes_only_what_is_missing(story):
  assert story.resumed.returncode == 0, story.resumed.stderr
  files = {path.name: path for path in (story.folder / "flink").glob("*.tfrecord")}
  assert story.kept and story.kept.keys() < files.keys()
  assert {name: files[name].stat().st_mtime_ns for name in story.kept} == story.kept
  told = f"resuming: {len(story.kept)} of the {len(files)} files are finished"
  assert told in story.resumed.stdout.splitlines()


def test_the_bytes_are_those_of_this_machine_alone(story):
  local, flink = (
    {path.name: path.read_bytes() for path in (story.folder / name).iterdir()}
    for name in ("local", "flink")
  )
  assert len(local) > 20 and local == flink


def test_clips_and_failures_are_counted_as_without_a_cluster(story):
  alone, resumed = (
    run.stdout.splitlines()[-1].split(" in ")[0].partition(": ")[2]
    for run in (story.alone, story.resumed)
  )
  assert "train" in alone and alone == resumed
  for run in (story.alone, story.resumed):
    assert "; 1 clips could not be used: see " in run.stdout
  assert [line for line in story.resumed.stderr.splitlines() if line.startswith("error")] == []


def test_a_job_that_is_told_to_end_is_cancelled_on_the_cluster(story):
  assert story.interrupted.returncode == 128 + signal.SIGTERM
  assert [
    one for one in story.interrupted.stderr.splitlines() if not one.startswith("prepared ")
  ] == []
  assert not (story.folder / "other" / "dataset.json").exists()


def test_stopping_leaves_no_process(story):
  assert story.stopped.returncode == 0
  assert story.stopped.stdout.startswith(f"stopped {LOST}, taskmanager_1, worker_pool, job_server")
  assert story.left == {}


def _clips(folder: pathlib.Path, run) -> pathlib.Path:
  """Writes the manifest, and the videos where there are none; returns its path."""
  source = RECORDINGS
  if not source.exists():
    made = run("tools/make_sample_videos.py", f"--output_dir={folder}/videos")
    assert made.returncode == 0, made.stderr
    source = folder / "videos" / "manifest.csv"
  with open(source, newline="") as file:
    all_rows = list(csv.DictReader(file))
  broken = folder / "broken.mp4"
  broken.write_bytes(b"no video at all" * 50)
  lines = [f"{source.parent / row['path']},{row['label']},{row['split']}" for row in all_rows[::3]]
  lines.append(f"{broken},{all_rows[0]['label']},train")
  manifest = folder / "manifest.csv"
  manifest.write_text("\n".join(["path,label,split", *lines]) + "\n")
  return manifest


def _options(told: str) -> list[str]:
  """Returns the options of Beam's in the command that `tools.flink.start` tells."""
  (command,) = [line for line in told.splitlines() if "data_prep.extract" in line]
  words = shlex.split(command)
  return words[words.index("--runner=FlinkRunner") :]


def _disturbed(
  command: tuple[str, ...],
  environment: dict[str, str],
  output: pathlib.Path,
  disturb: Callable[[subprocess.Popen], None],
) -> subprocess.CompletedProcess:
  """Runs a job until some files are finished, does something, and waits for the job's end."""
  job = subprocess.Popen(
    [sys.executable, *command],
    cwd=ROOT,
    env=environment,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
  )
  _await(lambda: len(_finished(output)) >= 4 or job.poll() is not None)
  disturb(job)
  out, error = job.communicate(timeout=200)
  return subprocess.CompletedProcess(command, job.returncode, out, error)


def _finished(output: pathlib.Path) -> dict[str, int]:
  """Returns the times of the last change of the files that are finished, by name."""
  return {name: (output / name).stat().st_mtime_ns for name in shards.finished_names(str(output))}


def _processes(folder: pathlib.Path, name: str = "") -> dict[int, str]:
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


def _await(condition, seconds: float = 200.0) -> None:
  until = time.monotonic() + seconds
  while not condition():
    assert time.monotonic() < until, "it takes too long"
    time.sleep(0.05)

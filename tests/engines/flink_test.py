"""Data preparation on a Flink cluster of this machine, one of whose TaskManagers is killed.

The jars have to be there (python -m tools.flink.fetch), and Java.
"""

from collections.abc import Callable
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys

import engine_jobs
import pytest

from tools.flink import processes

PORTS = tuple(f"--{name}_port=0" for name in ("rest", "rpc", "job", "artifact", "pool"))
LOST = "taskmanager_2"

pytestmark = engine_jobs.NEEDS_FLINK


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
  cluster, environment = folder / "cluster", {**os.environ, engine_jobs.MARK: str(folder)}

  def run(*arguments: str) -> subprocess.CompletedProcess:
    return engine_jobs.run(*arguments, environment=environment)

  def tool(name: str, *arguments: str) -> subprocess.CompletedProcess:
    return run("-m", f"tools.flink.{name}", f"--dir={cluster}", *arguments)

  extract = (
    "-m",
    "data_prep.extract",
    f"--manifest={engine_jobs.clips(folder)}",
    *engine_jobs.FLAGS,
  )
  alone = run(*extract, f"--output_dir={folder / 'local'}")
  try:
    start = ("start", "--taskmanagers=2", *PORTS)
    started = tool(*start)
    assert started.returncode == 0, started.stderr
    on_flink = (*extract, f"--output_dir={folder / 'flink'}", *engine_jobs.options(started.stderr))
    (lost,) = [process for process in processes.read(cluster) if process.name == LOST]
    killed = _disturbed(
      on_flink, environment, folder / "flink", lambda job: os.kill(lost.pid, signal.SIGKILL)
    )
    status = tool("status")
    engine_jobs.wait(lambda: not engine_jobs.processes(folder, "local_worker"))
    kept = engine_jobs.finished(folder / "flink")
    again = tool(*start)
    assert again.returncode == 0, again.stderr
    resumed = run(*on_flink)
    interrupted = _disturbed(
      (*on_flink, f"--output_dir={folder / 'other'}"),
      environment,
      folder / "other",
      lambda job: job.terminate(),
    )
    engine_jobs.wait(lambda: "jobs: 0 running" in tool("status").stdout)
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
    left=engine_jobs.processes(folder),
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
  local, flink = (engine_jobs.content(story.folder / name) for name in ("local", "flink"))
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


def _disturbed(
  command: tuple[str, ...],
  environment: dict[str, str],
  output: pathlib.Path,
  disturb: Callable[[subprocess.Popen], None],
) -> subprocess.CompletedProcess:
  """Runs a job until some files are finished, does something, and waits for the job's end."""
  job = subprocess.Popen(
    [sys.executable, *command],
    cwd=engine_jobs.ROOT,
    env=environment,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
  )
  engine_jobs.wait(lambda: len(engine_jobs.finished(output)) >= 4 or job.poll() is not None)
  disturb(job)
  out, error = job.communicate(timeout=200)
  return subprocess.CompletedProcess(command, job.returncode, out, error)

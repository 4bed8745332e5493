"""Data preparation on a Flink cluster of three hosts: one is cut off, then the JobManager's.

Every host has a TaskManager, a worker pool and a disk of its own (hosts.py); the first one has the
JobManager, and the command is given on the second. The third has the checkout at another place. The
videos and the dataset are in a folder that the hosts share.

A job does not end before its host is cut off, because its last videos are pipes into which nobody
writes, and whoever opens one waits.
"""

from collections.abc import Iterator
import contextlib
import csv
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import time

import engine_jobs
import hosts
import pytest

from data_prep.common import progress
from data_prep.job import shards
from tools.flink import jars

pytestmark = [*engine_jobs.NEEDS_FLINK, pytest.mark.timeout(1200)]

_LEADER, _DRIVER, _ELSEWHERE = 1, 2, 3
_SECONDS_TO_NOTICE = 60
_LONGEST = 300  # Seconds after which whatever is waited for is taken to hang.


class Cluster:
  """A Flink cluster of `tools.flink.start` on three hosts."""

  def __init__(self, folder: pathlib.Path, network: hosts.Network):
    self._folder, self._network = folder, network
    self.hosts = {number: network.add(number) for number in (_LEADER, _DRIVER, _ELSEWHERE)}
    self._checkouts = dict.fromkeys(self.hosts, engine_jobs.ROOT)
    self._checkouts[_ELSEWHERE] = folder / "elsewhere"
    for name in ("data_prep", "tools"):
      shutil.copytree(
        engine_jobs.ROOT / name,
        self._checkouts[_ELSEWHERE] / name,
        ignore=shutil.ignore_patterns("__pycache__", "target"),
      )

  def run(self, number: int, log: str, *arguments: str) -> subprocess.Popen:
    """Starts a command of the checkout on a host."""
    command = ["env", f"--chdir={self._checkouts[number]}", sys.executable, *arguments]
    disk = self._folder / f"disk{number}"
    disk.mkdir(exist_ok=True)
    return self.hosts[number].start(command, self._folder / log, {"TMPDIR": str(disk)})

  def start(self, number: int) -> str:
    """Has a host lead the cluster, or join it; returns what it was told."""
    flags = [f"--host={self.hosts[number].address}", "--taskmanagers=1", "--slots=1"]
    if number != _LEADER:
      flags.append(f"--jobmanager={self.hosts[_LEADER].address}")
    where, log = f"--cache={jars.default_cache()}", f"start{number}.log"
    started = self.run(number, log, "-m", "tools.flink.start", where, *flags)
    assert started.wait(_LONGEST) == 0, self.said(log)
    return self.said(log)

  def replace(self, number: int) -> None:
    """Puts a fresh host in the place of one, and has it do what that did."""
    self.hosts[number].kill()
    self.hosts[number] = self._network.add(number)
    self.start(number)

  def stop(self) -> list[str]:
    """Stops the cluster; returns the command lines of what still runs on the hosts."""
    for number in reversed(self.hosts):
      stopped = self.run(number, f"stop{number}.log", "-m", "tools.flink.stop")
      assert stopped.wait(_LONGEST) == 0, self.said(f"stop{number}.log")
    return [line for host in self.hosts.values() for line in host.processes().values()]

  def said(self, log: str) -> str:
    """Returns what was said to a log."""
    return (self._folder / log).read_text()

  def at_work(self, output: pathlib.Path) -> set[int]:
    """Returns the hosts that have made clips of the running job: the processes that do so hold
    their counts open."""
    return {
      number
      for number, host in self.hosts.items()
      if any(_clips(path) for pid in host.processes() for path in _counters(pid, output))
    }


def _counters(pid: int, output: pathlib.Path) -> list[pathlib.Path]:
  """Returns the counts of a job that a process holds open."""
  try:
    links = [link.readlink() for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
  except OSError:  # It has ended, or has just closed a file.
    return []
  folder = output / shards.UNFINISHED
  return [path for path in links if path.parent == folder and path.name.startswith("progress-")]


def _clips(counter: pathlib.Path) -> int:
  content = counter.read_bytes() if counter.exists() else b""
  return progress.Counts(*progress._COUNTS.unpack(content)).done if content else 0


@contextlib.contextmanager
def _withheld(manifest: pathlib.Path, count: int) -> Iterator[None]:
  """Keeps the last videos of a manifest back from whoever opens them."""
  with open(manifest, newline="") as file:
    paths = [manifest.parent / row["path"] for row in csv.DictReader(file)][-count:]
  targets = {path: path.readlink() for path in paths}
  for path in paths:
    path.unlink()
    os.mkfifo(path)
  yield
  for path, target in targets.items():
    path.unlink()
    path.symlink_to(target)


@dataclasses.dataclass(frozen=True)
class Ended:
  """The end of a command.

  Attributes:
    status: Its exit status.
    lines: What it said, without progress.
    seconds: Time since a host was cut off, 0 if none was.
    kept: Times of the last change, by name, of the files that were finished when it began.
  """

  status: int
  lines: list[str]
  seconds: float
  kept: dict[str, int]


class Job:
  """The same command, given again and again on one host."""

  def __init__(self, cluster: Cluster, output: pathlib.Path, *arguments: str):
    self._cluster, self._output = cluster, output
    self._arguments = ("-m", "data_prep.extract", *arguments, f"--output_dir={output}")
    self._begun = 0

  def run(self, cut_off: int | None = None) -> Ended:
    """Gives the command; cuts a host off, if one is named, when all hosts have made clips of it."""
    self._begun += 1
    kept = engine_jobs.finished(self._output)
    log = f"job{self._begun}.log"
    process = self._cluster.run(_DRIVER, log, *self._arguments)
    cut = time.monotonic()
    if cut_off:
      everyone = set(self._cluster.hosts)
      engine_jobs.wait(
        lambda: self._cluster.at_work(self._output) == everyone or process.poll() is not None
      )
      assert process.poll() is None, self._cluster.said(log)
      self._cluster.hosts[cut_off].disconnect()
      cut = time.monotonic()
    status = process.wait(_LONGEST)
    lines = [
      line for line in self._cluster.said(log).splitlines() if not line.startswith("prepared ")
    ]
    return Ended(status, lines, time.monotonic() - cut, kept)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Story:
  """What happened.

  Attributes:
    folder: Has the datasets `local`, made without a cluster, and `flink`.
    one_lost: The command during which a host with a TaskManager was cut off.
    leader_lost: The same command again, during which the JobManager's host was.
    last: The same command once more.
    left: Command lines of what still ran on the hosts when the cluster had been stopped.
    hosts: All hosts, after the end.
  """

  folder: pathlib.Path
  one_lost: Ended
  leader_lost: Ended
  last: Ended
  left: list[str]
  hosts: list[hosts.Host]


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
  """Prepares the clips alone, and on three hosts two of which are cut off and replaced."""
  folder = tmp_path_factory.mktemp("hosts")
  with hosts.network() as network:
    cluster = Cluster(folder, network)
    manifest = engine_jobs.clips(folder)
    given = (f"--manifest={manifest}", *engine_jobs.FLAGS)
    alone = engine_jobs.run("-m", "data_prep.extract", *given, f"--output_dir={folder / 'local'}")
    assert alone.returncode == 0, alone.stderr
    for number in (_LEADER, _ELSEWHERE, _DRIVER):
      told = cluster.start(number)
    options = engine_jobs.options(told)
    assert options[-1] == f"--parallelism={len(cluster.hosts)}"
    job = Job(cluster, folder / "flink", *given, *options)
    with _withheld(manifest, 9):
      one_lost = job.run(cut_off=_ELSEWHERE)
    cluster.replace(_ELSEWHERE)
    with _withheld(manifest, 3):
      leader_lost = job.run(cut_off=_LEADER)
    cluster.replace(_LEADER)
    last = job.run()
    left = cluster.stop()
  return Story(
    folder=folder,
    one_lost=one_lost,
    leader_lost=leader_lost,
    last=last,
    left=left,
    hosts=network.hosts,
  )


def test_a_job_that_loses_a_host_fails_in_one_line_within_a_minute(story):
  ended = story.one_lost
  assert ended.status == 1 and ended.seconds < _SECONDS_TO_NOTICE
  assert ended.lines[-1].startswith("error: the job failed: Heartbeat of TaskManager with id 10.")
  assert ended.lines[-1].endswith(" timed out.; the same command resumes")
  assert [line.split()[0] for line in ended.lines] == ["preparing", "error:"]


def test_a_command_whose_job_server_is_cut_off_ends_in_one_line_within_a_minute(story):
  ended = story.leader_lost
  assert ended.status == 1 and ended.seconds < _SECONDS_TO_NOTICE
  assert ended.lines[-1].startswith("error: Beam's job server has not answered at --job_endpoint=")
  assert [line.split()[0] for line in ended.lines] == ["preparing", "resuming:", "error:"]


def test_the_same_command_makes_only_what_is_missing(story):
  files = {path.name: path for path in (story.folder / "flink").glob("*.tfrecord")}
  first, second = story.leader_lost.kept, story.last.kept
  assert first and first.items() < second.items() and second.keys() < files.keys()
  assert {name: files[name].stat().st_mtime_ns for name in second} == second
  for ended in (story.leader_lost, story.last):
    assert f"resuming: {len(ended.kept)} of the {len(files)} files are finished" in ended.lines


def test_the_bytes_are_those_of_one_machine_alone(story):
  assert story.last.status == 0, story.last.lines
  local, flink = (engine_jobs.content(story.folder / name) for name in ("local", "flink"))
  assert len(local) > 20 and local == flink


def test_stopping_leaves_no_process_and_no_host(story):
  assert story.left == []
  assert [host.name for host in story.hosts if host.alive or host.processes()] == []

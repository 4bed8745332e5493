"""The tools around a Flink cluster, as far as they need no Flink; tests/engines starts one."""

import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from tools.flink import overview
from tools.flink import processes

ROOT = pathlib.Path(__file__).parents[2]


def _run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
  return subprocess.run(
    [sys.executable, "-m", f"tools.flink.{name}", *arguments],
    cwd=ROOT,
    env=os.environ | environment,
    text=True,
    capture_output=True,
    check=False,
    timeout=60,
  )


@pytest.fixture
def process(tmp_path):
  """A process that starts another one of its group, both of which ignore SIGTERM."""
  script = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "child = subprocess.Popen(['sleep', '1000']); print(child.pid, flush=True); time.sleep(1000)"
  )
  started = processes.start(tmp_path, "sleeper", [sys.executable, "-c", script], {})
  yield started
  processes.stop_all(tmp_path)


def test_a_process_is_found_again_and_stopped_with_its_children(process, tmp_path, monkeypatch):
  monkeypatch.setattr(processes, "_SECONDS_TO_END", 0.2)
  said = processes.log(tmp_path, "sleeper")
  while not said.read_text().endswith("\n"):
    time.sleep(0.01)
  child = int(said.read_text())
  assert processes.read(tmp_path) == (process,) and process.alive
  assert processes.stop_all(tmp_path) == ["sleeper"]
  assert not process.alive and processes.read(tmp_path) == ()
  assert processes._start_of(child) is None


def test_another_process_that_received_the_id_is_not_taken_for_it(process):
  other = processes.Process(name="other", pid=process.pid, started=process.started - 1)
  assert not other.alive


@pytest.mark.parametrize(
  "java, message",
  [
    (None, "Java is missing in JAVA_HOME={home}; install Java 17 (apt-get install openjdk-17"),
    ('openjdk version "1.8.0_392"', "{home}/bin/java is Java 8, and Flink needs Java 11 to 21"),
    ("no idea", "{home}/bin/java does not tell its version, but 'no idea'"),
  ],
)
def test_without_a_fitting_java_one_line_says_what_to_install(tmp_path, java, message):
  if java:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").write_text(f"#!/bin/sh\necho '{java}' >&2\n")
    (tmp_path / "bin" / "java").chmod(0o755)
  run = _run("fetch", f"--cache={tmp_path}/cache", JAVA_HOME=str(tmp_path))
  assert run.returncode == 2
  assert message.format(home=tmp_path) in run.stderr and run.stderr.count("\n") == 1


def test_without_a_cluster_status_says_how_to_start_one_and_stop_does_nothing(tmp_path):
  status, stop = (_run(name, f"--dir={tmp_path}") for name in ("status", "stop"))
  assert status.returncode == 2 and "python -m tools.flink.start does it" in status.stderr
  assert (stop.returncode, stop.stdout) == (
    0,
    f"nothing was running; the logs are in {tmp_path}\n",
  )


@pytest.mark.parametrize("flag", ["host", "jobmanager"])
def test_a_machine_is_named_by_its_address(tmp_path, flag):
  run = _run("start", f"--dir={tmp_path}", f"--{flag}=node1")
  assert run.returncode == 2
  assert run.stderr == f"error: --{flag}=node1 is no IPv4 address; give numbers, such as 10.0.0.1\n"


def test_a_worker_pool_whose_port_is_in_use_says_so():
  with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    run = _run("worker_pool", f"--port={port}")
  assert run.returncode == 2
  assert run.stderr.splitlines()[-1].startswith(
    f"error: --port={port} cannot be used: is it in use?"
  )


@pytest.mark.parametrize("name", ["fetch", "start", "status", "stop", "worker_pool"])
def test_help_teaches(name):
  run = _run(name, "--help")
  assert run.returncode == 0
  assert f"    python -m tools.flink.{name}" in run.stdout and "Flags:" in run.stdout
  assert "--dir" in run.stdout or name == "worker_pool"


def test_a_task_manager_counts_when_it_has_told_its_slots(monkeypatch):
  registered = [{"id": "a", "slotsNumber": 2}, {"id": "b", "slotsNumber": 0}]
  monkeypatch.setattr(overview, "ask", lambda page, path: {"taskmanagers": registered})
  assert overview.task_managers("http://127.0.0.1:8081") == {"a"}

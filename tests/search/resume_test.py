"""Drivers and workers killed at random moments, in real processes.

The interrupted search must leave the files that the uninterrupted one leaves, byte for byte.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fake_search.py")
ROOT = str(pathlib.Path(PROGRAM).parents[2])


def start(directory, workers=1):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  return subprocess.Popen(
    [sys.executable, PROGRAM, str(directory), str(workers)],
    env=environment,
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    start_new_session=True,
  )


def finish(directory, workers=1):
  process = start(directory, workers)
  output, _ = process.communicate(timeout=120)
  assert process.returncode == 0, output
  return output


def records(directory):
  """Returns what must be equal between equal runs."""
  return {
    str(path.relative_to(directory)): path.read_bytes()
    for name in ("candidate.json", "result.json", "search.json", "final.json")
    for path in [*pathlib.Path(directory).glob(name), *found(directory, name)]
  }


def found(directory, name):
  """Returns the files of that name in the folders of trainings; below, folders come and go."""
  return [
    *pathlib.Path(directory).glob(f"candidates/*/{name}"),
    *pathlib.Path(directory).glob(f"final/{name}"),
  ]


def starts(directory):
  """Returns, by folder, the steps at which its training was started."""
  return {
    path.parent.name: [int(step) for step in path.read_text().split()]
    for path in found(directory, "starts.txt")
  }


def holders(directory):
  """Returns the processes that hold, or were the last to hold, a candidate's lock."""
  texts = [path.read_text() for path in found(directory, "lock")]
  return [json.loads(text)["pid"] for text in texts if text]


def alive(pid):
  try:
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
      return file.read().split(") ")[1][0] != "Z"
  except FileNotFoundError:
    return False


def wait_for(condition, seconds=60):
  deadline = time.monotonic() + seconds
  while not condition():
    assert time.monotonic() < deadline, "it never happened"
    time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  """A search that was never interrupted."""
  directory = tmp_path_factory.mktemp("whole")
  finish(directory)
  return directory


def test_a_whole_search_leaves_eight_candidates_and_a_final_training(whole):
  assert len([path for path in records(whole) if path.endswith("result.json")]) == 9
  assert starts(whole) == {**{f"{number:06d}": [0] for number in range(8)}, "final": [0]}


@pytest.mark.slow
def test_killed_at_random_moments_it_gives_the_same(whole, tmp_path):
  rng = random.Random(5)
  for _ in range(4):
    started = sum(map(len, starts(tmp_path).values()))
    process = start(tmp_path)
    wait_for(lambda before=started: sum(map(len, starts(tmp_path).values())) > before)
    time.sleep(0.5 * rng.random())
    process.kill()
    process.wait()
    wait_for(lambda: not any(alive(worker) for worker in holders(tmp_path)), seconds=10)
  finish(tmp_path)
  assert records(tmp_path) == records(whole)
  interrupted = {name: steps for name, steps in starts(tmp_path).items() if len(steps) > 1}
  assert interrupted
  for steps in interrupted.values():
    assert steps == sorted(steps)
    assert set(steps) <= {0, 5, 10, 15, 20}


def test_a_worker_killed_at_a_random_moment_changes_nothing(whole, tmp_path):
  process = start(tmp_path)
  directory = tmp_path / "candidates" / "000001"
  wait_for((directory / "starts.txt").exists)
  os.kill(json.loads((directory / "lock").read_text())["pid"], signal.SIGKILL)
  output, _ = process.communicate(timeout=120)
  assert process.returncode == 0, output
  assert records(tmp_path) == records(whole)
  assert "its process was ended by SIGKILL; trying again" in output


@pytest.mark.parametrize(
  "number, status, name", [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_signal_ends_the_search_in_time_and_the_same_command_goes_on(
  whole, tmp_path, number, status, name
):
  process = start(tmp_path)
  wait_for(lambda: starts(tmp_path))
  if number == signal.SIGINT:
    os.killpg(process.pid, number)  # What a terminal does.
  else:
    process.send_signal(number)
  began = time.monotonic()
  output, _ = process.communicate(timeout=30)
  assert time.monotonic() - began < 10
  assert process.returncode == status
  assert output.splitlines()[-1] == (
    f"left after {name}; nothing is lost, the same command resumes in {tmp_path}"
  )
  assert not any(alive(worker) for worker in holders(tmp_path))
  if number == signal.SIGTERM:
    output = finish(tmp_path)
    assert f"going on in {tmp_path}: 1 candidates proposed, 1 of them in flight" in output
    assert records(tmp_path) == records(whole)


def test_a_finished_search_has_nothing_left_to_do(whole):
  before, started = records(whole), starts(whole)
  output = finish(whole)
  assert f"exported to {whole}/export/1" in output
  assert (records(whole), starts(whole)) == (before, started)


@pytest.mark.slow
def test_two_workers_killed_lose_nothing_finished(tmp_path):
  for candidates in (3, 6):
    process = start(tmp_path, workers=2)
    wait_for(lambda least=candidates: len(starts(tmp_path)) >= least)
    process.kill()
    process.wait()
  before = {
    path: content
    for path, content in records(tmp_path).items()
    if path.endswith(("result.json", "candidate.json"))
  }
  finish(tmp_path, workers=2)
  after = records(tmp_path)
  assert all(after[path] == content for path, content in before.items())
  assert len([path for path in after if path.endswith("result.json")]) == 9

import signal
import subprocess
import sys
import time

import pytest

from official.runs import locks

HOLD = """
import sys, time
from official.runs import locks
with locks.locked(sys.argv[1]):
  print("held", flush=True)
  time.sleep(float(sys.argv[2]))
"""


# The same on a host of another name, where nobody from here can kill it.
WORK_ELSEWHERE = """
import socket, sys, time
from official.runs import locks
socket.gethostname = lambda: "elsewhere"
with locks.locked(sys.argv[1], evict=True):
  print("held", flush=True)
  time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
  """Starts a process that holds the lock of tmp_path for some seconds."""
  started = []

  def hold(seconds, program=HOLD):
    process = subprocess.Popen(
      [sys.executable, "-c", program, str(tmp_path), str(seconds)],
      stdout=subprocess.PIPE,
      text=True,
    )
    started.append(process)
    assert process.stdout.readline() == "held\n"
    return process

  yield hold
  for process in started:
    process.kill()
    process.wait()


def test_a_held_lock_is_refused_with_its_holder(tmp_path, holder):
  process = holder(60)
  with pytest.raises(locks.Held, match=f"is held by process {process.pid} on "):
    with locks.locked(str(tmp_path)):
      pass


def test_the_lock_of_a_killed_holder_does_not_block(tmp_path, holder):
  process = holder(60)
  process.kill()
  process.wait()
  with locks.locked(str(tmp_path)):
    pass


def test_a_lock_can_be_taken_again_and_again(tmp_path):
  for _ in range(3):
    with locks.locked(str(tmp_path)):
      pass


def test_patience_outlasts_a_holder_that_ends(tmp_path, holder):
  holder(0.5)
  with locks.locked(str(tmp_path), patience=30):
    pass


def test_a_holder_that_does_not_end_is_evicted(tmp_path, holder):
  process = holder(60)
  with locks.locked(str(tmp_path), patience=0.2, evict=True):
    assert process.wait(timeout=5) == -9


def test_a_holder_on_another_host_leaves_when_its_successor_asks(tmp_path, holder):
  process = holder(60, WORK_ELSEWHERE)
  with locks.locked(str(tmp_path), patience=0.2, evict=True):
    assert process.wait(1) == -signal.SIGKILL
  assert "leave" not in (tmp_path / "lock").read_text()


def test_a_holder_whose_lock_was_given_to_another_host_leaves(tmp_path, holder):
  process = holder(60, WORK_ELSEWHERE)
  # What another client of the file server writes to whom it gave the lock of a silent one.
  (tmp_path / "lock").write_text('{"pid": 1, "host": "third"}')
  assert process.wait(30) == -signal.SIGKILL


def test_a_request_to_somebody_else_is_none_of_ours(tmp_path, holder):
  process = holder(60, WORK_ELSEWHERE)
  (tmp_path / "lock").write_text('{"pid": 1, "host": "third", "leave": true}')
  with pytest.raises(subprocess.TimeoutExpired):
    process.wait(3)


def test_one_never_evicts_oneself(tmp_path):
  with locks.locked(str(tmp_path)):
    start = time.monotonic()
    with pytest.raises(locks.Held):
      with locks.locked(str(tmp_path), evict=True):
        pass
    assert time.monotonic() - start < 1

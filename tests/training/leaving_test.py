"""SIGTERM in processes of their own: what is saved first, and how they end."""

import pathlib
import signal
import subprocess
import sys
import textwrap
import threading

from official.training import leaving

ROOT = pathlib.Path(__file__).parents[2]
_PREFIX = """
import os, signal
from official.training import leaving
def ask(): os.kill(os.getpid(), signal.SIGTERM)
def save(): print("saved")
"""


def _run(program: str) -> tuple[int, list[str]]:
  """Returns the status (a signal is negative) and the lines printed by a Python program."""
  done = subprocess.run(
    [sys.executable, "-c", _PREFIX + textwrap.dedent(program)],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert not done.stderr
  return done.returncode, done.stdout.split()


def test_saves_and_ends_by_the_signal_when_there_was_something_to_save():
  status, lines = _run("""
    with leaving.listening() as asked:
      asked.wait_for(save)
      ask()
      print("stepping", flush=True)
      asked.leave()
      print("never")
  """)
  assert status == -signal.SIGTERM
  assert lines == ["stepping", "saved"]


def test_ends_at_once_while_there_is_nothing_to_save():
  status, lines = _run("""
    with leaving.listening() as asked:
      print("tracing", flush=True)
      ask()
      print("never", flush=True)
  """)
  assert status == -signal.SIGTERM
  assert lines == ["tracing"]


def test_ends_at_the_end_of_the_block_if_asked_in_its_last_steps():
  status, lines = _run("""
    with leaving.listening() as asked:
      asked.wait_for(save)
      ask()
      print("saving", flush=True)
    print("never")
  """)
  assert status == -signal.SIGTERM
  assert lines == ["saving"]


def test_a_process_with_a_handler_of_its_own_keeps_it():
  status, lines = _run("""
    signal.signal(signal.SIGTERM, lambda *_: print("own"))
    with leaving.listening() as asked:
      asked.wait_for(save)
      ask()
      assert not asked.asked
    print("after")
  """)
  assert status == 0
  assert lines == ["own", "after"]


def test_the_default_action_is_back_after_the_block():
  before = signal.getsignal(signal.SIGTERM)
  with leaving.listening():
    assert signal.getsignal(signal.SIGTERM) is not before
  assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_than_the_main_one_changes_nothing():
  seen = []

  def train():
    with leaving.listening() as asked:
      seen.append((signal.getsignal(signal.SIGTERM), asked.asked))

  thread = threading.Thread(target=train)
  thread.start()
  thread.join()
  assert seen == [(signal.SIG_DFL, False)]

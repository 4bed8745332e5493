"""Clips made in a child process, and its death."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from data_prep.common import progress
from data_prep.dataset import clip_examples
from data_prep.dataset import isolation
from data_prep.dataset import rows

SETTINGS = clip_examples.Settings(fps=10, short_side=48)


def row_of(path):
  return rows.Row(
    clip_id=path.name, path=path.name, location=str(path), labels=("a",), split="train"
  )


@pytest.fixture(scope="module")
def counts_directory(tmp_path_factory):
  return str(tmp_path_factory.mktemp("counts"))


@pytest.fixture(scope="module")
def maker(counts_directory):
  isolated = isolation.IsolatedMaker(SETTINGS, ["a"], counts_directory, clip_timeout=30)
  yield isolated
  isolated.close()


@pytest.fixture(scope="module")
def video(write_video, tmp_path_factory):
  return write_video(tmp_path_factory.mktemp("video") / "a.mp4")


def test_a_clip_has_the_bytes_that_it_has_in_this_process(maker, video):
  assert maker.make(row_of(video)) == clip_examples.ClipMaker(SETTINGS, ["a"]).make(row_of(video))


def test_a_clip_that_cannot_be_used_says_why(maker, tmp_path):
  with pytest.raises(clip_examples.ClipError, match="No such file or directory") as error:
    maker.make(row_of(tmp_path / "none.mp4"))
  assert error.value.stage == "decode"


@pytest.mark.parametrize(
  "signal_number, message",
  [
    (signal.SIGSEGV, "the process that decoded it died of SIGSEGV"),
    (signal.SIGKILL, "the process that decoded it was killed; memory may have run out"),
  ],
)
def test_a_crash_costs_one_clip(maker, video, tmp_path, counts_directory, signal_number, message):
  maker.make(row_of(video))
  failed = progress.read(counts_directory).failed
  children = [child.pid for child in multiprocessing.active_children()]
  os.mkfifo(tmp_path / "never")  # Opening it for reading waits for a writer.
  kill = threading.Timer(0.3, lambda: [os.kill(child, signal_number) for child in children])
  kill.start()
  with pytest.raises(clip_examples.ClipError, match=message) as error:
    maker.make(row_of(tmp_path / "never"))
  assert error.value.stage == "crash"
  assert progress.read(counts_directory).failed == failed + 1
  assert maker.make(row_of(video))[1] == 8


def test_a_decoder_that_hangs_is_ended(tmp_path):
  os.mkfifo(tmp_path / "never")
  maker = isolation.IsolatedMaker(SETTINGS, ["a"], None, clip_timeout=0.5)
  with pytest.raises(
    clip_examples.ClipError, match="took longer than --clip_timeout=0.5 s"
  ) as error:
    maker.make(row_of(tmp_path / "never"))
  maker.close()
  assert error.value.stage == "limit"


def _work_until_killed(path, connection):
  maker = isolation.IsolatedMaker(SETTINGS, ["a"], None)
  threading.Thread(target=maker.make, args=(row_of(path),), daemon=True).start()
  while not multiprocessing.active_children():
    time.sleep(0.01)
  connection.send(multiprocessing.active_children()[0].pid)
  time.sleep(60)


def test_the_child_ends_with_a_worker_that_is_killed(tmp_path):
  os.mkfifo(tmp_path / "never")
  context = multiprocessing.get_context("spawn")
  receiver, sender = context.Pipe(duplex=False)
  worker = context.Process(target=_work_until_killed, args=(tmp_path / "never", sender))
  worker.start()
  child = receiver.recv()
  worker.kill()
  worker.join()
  deadline = time.monotonic() + 20
  while os.path.exists(f"/proc/{child}/cmdline") and open(f"/proc/{child}/cmdline").read():
    assert time.monotonic() < deadline, "the child stays"
    time.sleep(0.1)

"""Counts of the workers, and the line that tells them."""

import contextlib
import io
import os
import pty
import re
import sys

from data_prep.common import progress


def test_counts_of_several_workers_add_up(tmp_path):
  one, two = progress.Counter(str(tmp_path)), progress.Counter(str(tmp_path))
  one.clip(10)
  one.clip(None)
  two.clip(5)
  assert progress.read(str(tmp_path)) == progress.Counts(done=2, failed=1, frames=15)


def test_frames_of_a_clip_in_work_count_until_it_is_done(tmp_path):
  counter = progress.Counter(str(tmp_path))
  counter.frame()
  assert progress.read(str(tmp_path)).frames == 1
  counter.clip(7)
  assert progress.read(str(tmp_path)).frames == 7


def test_a_counter_without_a_folder_counts_nowhere(tmp_path):
  progress.Counter(str(tmp_path / "remote")).clip(1)
  assert not list(tmp_path.iterdir())


def test_the_line_tells_clips_failures_rate_and_time_left(tmp_path):
  reporter = progress.Reporter(progress.Counts, 12)
  reporter._began -= 8
  assert re.fullmatch(
    r"prepared 3 of 12 clips \(1 failed\), 50 frames, 0\.50 clips/s, "
    r"0:08 so far, time left: 0:16",
    reporter.line(progress.Counts(3, 1, 50)),
  )


def test_what_was_done_before_does_not_make_the_rate_better():
  reporter = progress.Reporter(progress.Counts, 12, begin=progress.Counts(3, 1, 50))
  reporter._began -= 8
  assert "prepared 5 of 12 clips (1 failed), 80 frames, 0.25 clips/s" in reporter.line(
    progress.Counts(5, 1, 80)
  )


def test_lines_appear_while_the_block_runs(monkeypatch):
  monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.01)
  output = io.StringIO()
  with progress.Reporter(progress.Counts, 2, interval=0.01, output=output) as reporter:
    while not output.getvalue():
      reporter._ended.wait(0.01)
  assert output.getvalue().startswith("prepared 0 of 2 clips")


def test_a_terminal_that_does_not_tell_its_size_shows_a_bar(monkeypatch):
  terminal, end = pty.openpty()
  with open(end, "w") as output:
    monkeypatch.setattr(sys, "stderr", output)
    with progress.Reporter(lambda: progress.Counts(3, 1, 50), 12):
      pass
  shown = b""
  with contextlib.suppress(OSError):  # At the end, since the other side is closed.
    while more := os.read(terminal, 10_000):
      shown += more
  os.close(terminal)
  assert b"preparing:" in shown and b"4/12" in shown and b"failed=1, frames=50" in shown


def test_durations():
  assert [progress.duration(seconds) for seconds in (5, 65, 3665)] == ["0:05", "1:05", "1:01:05"]

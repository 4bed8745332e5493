"""The status of a search on one screen, again and again until nobody is at work in it.

On a terminal every look replaces the one before; elsewhere looks follow each other, with their
time. What does not fit into the height of a terminal is cut, with a line that says so.
"""

from collections.abc import Callable
import shutil
import sys
import time
from typing import TextIO

from data_prep.common import cli
from official.search import overview

_CLEAR = "\x1b[H\x1b[2J"
_ALIVE = "alive"


def watch(
  look: Callable[[], overview.Status],
  seconds: float,
  *,
  out: TextIO | None = None,
  sleep: Callable[[float], None] = time.sleep,
  clock: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
) -> overview.Status:
  """Shows the status until the search ends, and returns the last.

  Args:
    look: Reads the status.
    seconds: Time between two looks.
    out: Where it is shown; standard output by default.
    sleep: Waits.
    clock: Returns the time of day.
  """
  out = out or sys.stdout
  while True:
    status = look()
    text = overview.text(status)
    again = f"every {seconds:g} s; Ctrl-C ends" if status.condition == _ALIVE else "the last look"
    text += f"\n{clock()}, {again}"
    out.write(_CLEAR + _cut(text) + "\n" if out.isatty() else text + "\n\n")
    out.flush()
    if status.condition != _ALIVE:
      return status
    sleep(seconds)


def _cut(text: str) -> str:
  """Returns the lines that fit on the screen, the last one included."""
  width, height = shutil.get_terminal_size()
  lines = [cli.printable(line) for line in text.splitlines()]
  heights = [max(1, -(-len(line) // width)) for line in lines]
  if sum(heights) < height:
    return "\n".join(lines)
  room = height - 2 - heights[-1]
  shown = 0
  while shown < len(lines) - 1 and room >= heights[shown]:
    room -= heights[shown]
    shown += 1
  left = f"... and {len(lines) - 1 - shown} more lines: a higher window shows them"
  return "\n".join([*lines[:shown], left[:width], lines[-1]])

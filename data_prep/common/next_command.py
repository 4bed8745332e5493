"""The line at the end of a program that names the next command, ready to be pasted.

    next: python -m data_prep.extract --manifest=videos.csv --output_dir=data

It goes to stderr, so that what a program prints for other programs stays as it is.
"""

from collections.abc import Iterable
import shlex
import sys


def command(program: str, *arguments: str, **flags: object) -> str:
  """Returns a command line.

  Args:
    program: What comes first, as `python -m data_prep.extract`.
    arguments: What comes last, as it is.
    flags: Values of flags by name.
  """
  given = [f"--{name}={value}" for name, value in flags.items()]
  return " ".join([program, shlex.join([*given, *arguments])])


def tell(commands: Iterable[str]) -> None:
  """Says what to do next, a line per command."""
  for line in commands:
    print(f"next: {line}", file=sys.stderr, flush=True)

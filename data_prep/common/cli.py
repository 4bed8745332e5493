"""The behaviour that all command lines of this package share.

* A mistake of the caller's is one line on stderr that says what is wrong and what to do, and exit
  status 2. So is a fault of the environment, such as a full disk (faults.py).
* Libraries raise errors in terms of their own arguments, in backquotes: `overwrite`. `run` shows
  them as the flags that they come from: --overwrite.
* `--help` prints the main's module docstring and its flags, and exits 0.
* Relative paths are the caller's, also under `bazel run`, which starts a program in a folder of its
  own and leaves the caller's in `BUILD_WORKING_DIRECTORY`.

A main is a page: flags, `main(arguments)`, and `cli.run(main)` at the bottom.
"""

from collections.abc import Callable, Mapping, Sequence
import contextlib
import math
import os
import re
import signal
import sys
import types
from typing import NoReturn

from absl import app
from absl import flags
from absl import logging

_PATTERN = "[]*?\\"
flags.disclaim_key_flags()  # A flag that is defined here for a main is the main's.
INTERRUPTED = 128 + signal.SIGINT  # The exit status after Ctrl-C.


class UserError(Exception):
  """A mistake that the caller can correct; its text is one line with the values and the remedy."""


def resolve_path(path: str) -> str:
  """Returns `path`, absolute, seen from the caller's folder; URLs stay as they are."""
  if not path or "://" in path:
    return path
  return os.path.normpath(
    os.path.join(os.environ.get("BUILD_WORKING_DIRECTORY", os.getcwd()), os.path.expanduser(path))
  )


def printable(text: str) -> str:
  """Returns `text` on one line, with escapes for what a terminal cannot show, or would obey."""
  return "".join(
    character
    if character.isprintable()
    else character.encode("unicode_escape", "backslashreplace").decode()
    for character in text
  )


def plain_path(flag: str, path: str) -> str:
  """Returns `resolve_path(path)` for a folder of checkpoints, or of a SavedModel.

  Raises:
    UserError: TensorFlow would take it for a pattern of names, and find nothing.
  """
  resolved = resolve_path(path)
  found = [character for character in _PATTERN if character in resolved]
  if found:
    raise UserError(
      f"--{flag}={path}: TensorFlow takes {' and '.join(found)} in the path {resolved} for a "
      "pattern and finds no checkpoint there; give a path without"
    )
  return resolved


def fail(message: object) -> NoReturn:
  """Prints one line on stderr and exits with status 2."""
  print("error: " + one_line(str(message)), file=sys.stderr, flush=True)
  sys.exit(2)


def one_line(text: str) -> str:
  """Returns a message without line breaks, and without the text that gin adds to it."""
  return " ".join(text.split("\n  In call to configurable ")[0].split())


def with_flags(message: str, flag_of: Mapping[str, str] = types.MappingProxyType({})) -> str:
  """Returns a library's message in terms of this program's flags.

  Libraries put their arguments in backquotes: `overwrite` becomes --overwrite, and `fps`=25 becomes
  --fps=25, where the program has such a flag.

  Args:
    message: The text of an error.
    flag_of: Names of flags by the arguments that are called otherwise.
  """

  def flag(argument: re.Match) -> str:
    name = flag_of.get(argument[1], argument[1])
    return f"--{name}" if name in flags.FLAGS else argument[0]

  return re.sub(r"`(\w+)`", flag, message)


def at_least(flag: str, value: float, least: float, *, exclusive: bool = False) -> None:
  """Raises UserError unless `value` is finite and at least (if `exclusive`, above) `least`."""
  if not math.isfinite(value) or value < least or (exclusive and value == least):
    bound = f"above {least}" if exclusive else f"of at least {least}"
    raise UserError(f"--{flag}={value} is out of range; give a number {bound}")


def define_choice(
  name: str,
  default: str,
  choices: Callable[[], Sequence[str]],
  text: str,
  into: flags.FlagValues = flags.FLAGS,
) -> None:
  """Defines a flag whose choices are asked for when flags are read: more may be registered by then.

  Args:
    name: Name of the flag.
    default: Its value if it is not given.
    choices: Returns what it may be.
    text: What --help says, after the choices.
    into: Flags to which it is added.
  """
  flags.DEFINE_flag(_Choice(name, default, choices, text), flag_values=into)

  def check(value: str) -> bool:
    if value not in (*choices(), default):
      raise flags.ValidationError(f"value should be one of <{'|'.join(choices())}>")
    return True

  flags.register_validator(name, check, flag_values=into)  # Runs when all flags are read.


class _Choice(flags.Flag):
  """A flag whose help lists the choices of the moment."""

  def __init__(self, name: str, default: str, choices: Callable[[], Sequence[str]], text: str):
    self._choices = choices
    super().__init__(flags.ArgumentParser(), flags.ArgumentSerializer(), name, default, text)

  @property
  def help(self) -> str:
    return f"<{'|'.join(self._choices())}>: {self._text}"

  @help.setter
  def help(self, text: str) -> None:
    self._text = text


def run(
  main: Callable[[Sequence[str]], int | None],
  *,
  pass_unknown: bool = False,
  positional: bool = False,
  flag_of: Mapping[str, str] = types.MappingProxyType({}),
) -> NoReturn:
  """Parses absl flags, runs `main` with the remaining arguments and exits.

  Args:
    main: Called with the arguments that are no flags; its return value is the exit status (None is
      0).
    pass_unknown: Hands unknown flags on to `main` (for options of a library) instead of refusing
      them.
    positional: Hands arguments that are no flags on to `main` instead of refusing them.
    flag_of: For messages of libraries, see `with_flags`.
  """

  def parse(argv: Sequence[str]) -> list[str]:
    try:
      rest = flags.FLAGS(_with_resolved_flagfiles(argv), known_only=pass_unknown)
    except flags.Error as error:
      fail(f"{error} (--help lists the flags)")
    if not (pass_unknown or positional) and len(rest) > 1:
      fail(f"unexpected argument {rest[1]!r} (flags are written --name=value; --help lists them)")
    return rest

  def guarded(argv: Sequence[str]) -> int | None:
    try:
      return main(argv[1:])
    except UserError as error:
      fail(with_flags(str(error), flag_of))
    except KeyboardInterrupt:
      print("interrupted", file=sys.stderr, flush=True)
      return INTERRUPTED
    except Exception as error:
      from data_prep.common import faults

      told = faults.describe(error)
      if told is None:
        raise
      fail(told)

  logging.set_verbosity(logging.WARNING)
  if _wants_help(sys.argv[1:]):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # the reader of --help | head leaves early
    # Other flags may change what there is to tell (define_choice); wrong ones need not be told.
    with contextlib.suppress(flags.Error):
      flags.FLAGS([arg for arg in sys.argv if not _wants_help([arg])], known_only=True)
    _print_help()
    sys.exit(0)
  app.run(guarded, flags_parser=parse)


def _wants_help(arguments: Sequence[str]) -> bool:
  before_separator = (
    list(arguments)[: list(arguments).index("--")] if "--" in arguments else arguments
  )
  return any(a in ("--help", "-help", "-h", "--helpfull", "--helpshort") for a in before_separator)


def _print_help() -> None:
  main_module = sys.modules["__main__"]
  print((main_module.__doc__ or "").strip())
  print("\nFlags:\n")
  # absl knows a main by its path, any other module by its name.
  by_module = flags.FLAGS.flags_by_module_dict()
  ours = [
    name
    for name in by_module
    if name == sys.argv[0]
    or name == "__main__"
    or name.startswith(("official.", "data_prep.", "tools."))
  ]
  text = "\n".join(flags.FLAGS.module_help(name) for name in sorted(ours))
  print(text.strip())
  print("\n  --flagfile=FILE\n    reads flags from a file, one --name=value a line")


def _with_resolved_flagfiles(argv: Sequence[str]) -> list[str]:
  return [
    "--flagfile=" + resolve_path(a.split("=", 1)[1])
    if a.startswith(("--flagfile=", "-flagfile="))
    else a
    for a in argv
  ]

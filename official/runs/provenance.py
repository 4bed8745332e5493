"""The provenance of a run: the date, program version and command of each start.

Every start of a driver adds an entry to `starts` in the timing.json of the run:

    {"searched_seconds": 57.708,
     "starts": [{"at": "2026-11-28T22:03:00+00:00", "version": "0.1.0", "commit": "5e6e92a...",
                 "command": "python -m official.evolve --model_dir=run ..."}]}

They decide nothing: a run may be resumed by another version.
"""

import dataclasses
import datetime
import functools
import importlib.metadata
import os
import shlex
import subprocess
import sys
import tomllib
from typing import ClassVar, NamedTuple

from official.runs import json_files
from official.runs import record_files
from official.runs.json_files import Json

_NAME = "timing.json"
_START = {"at": str, "version?": str, "commit?": str, "command": str}
_TIMING = {"searched_seconds?": float, "starts?": [_START]}
_DISTRIBUTION = "video-evolution"
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))
_SECONDS_FOR_GIT = 10.0


class Start(NamedTuple):
  """A start of a driver.

  Attributes:
    at: Date and time in UTC, as ISO 8601 writes it.
    version: Version of the program.
    commit: Commit of the checkout that the program runs from, with `-dirty` if files of it were
      changed; None without a checkout.
    command: The command line.
  """

  at: str
  version: str | None
  commit: str | None
  command: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunTiming:
  """The facts that may differ between equal runs; the content of a run's timing.json.

  Attributes:
    searched_seconds: Seconds of searching, over all lives of the driver; None before any, and in a
      run of official.train.
    starts: Every start of the driver, the first one first.
    others: Fields that are not known here; in a run of official.train those of records.Timing.
  """

  REMEDY: ClassVar[str] = "delete it"

  searched_seconds: float | None = None
  starts: tuple[Start, ...] = ()
  others: Json = dataclasses.field(default_factory=dict)

  @classmethod
  def from_json(cls, data: object, path: str) -> "RunTiming":
    """Returns the record; UserError if `data` is none."""
    content = record_files.checked(data, _TIMING, path, cls.REMEDY)
    return cls(
      searched_seconds=content.get("searched_seconds"),
      starts=tuple(
        Start(each["at"], each.get("version"), each.get("commit"), each["command"])
        for each in content.get("starts") or ()
      ),
      others=record_files.others(content, _TIMING),
    )

  def to_json(self) -> dict[str, object]:
    """Returns the content of the file."""
    return {
      **record_files.known(searched_seconds=self.searched_seconds),
      **self.others,
      "starts": [start._asdict() for start in self.starts],
    }


def read(directory: str) -> RunTiming:
  """Returns the content of the timing.json of a run, an empty one where there is none; UserError
  if it is damaged."""
  return record_files.read(json_files.join(directory, _NAME), RunTiming) or RunTiming()


def write(directory: str, timing: RunTiming) -> None:
  """Writes the timing.json of a run."""
  json_files.write_json(json_files.join(directory, _NAME), timing.to_json())


def record_start(directory: str) -> None:
  """Adds this process to the starts of a run; UserError if its timing.json is damaged."""
  timing = read(directory)
  write(directory, dataclasses.replace(timing, starts=(*timing.starts, this_start())))


def this_start() -> Start:
  """Returns what is known of this process, as a start of a driver."""
  now = datetime.datetime.now(datetime.UTC)
  return Start(
    at=now.isoformat(timespec="seconds"),
    version=version(),
    commit=commit(),
    command=shlex.join(sys.orig_argv),
  )


@functools.cache
def version(root: str = _ROOT) -> str | None:
  """Returns the version of the program: of the checkout at `root`, otherwise as installed."""
  try:
    with open(os.path.join(root, "pyproject.toml"), "rb") as file:
      return str(tomllib.load(file)["project"]["version"])
  except (OSError, KeyError, tomllib.TOMLDecodeError):
    pass
  try:
    return importlib.metadata.version(_DISTRIBUTION)
  except importlib.metadata.PackageNotFoundError:
    return None


@functools.cache
def commit(root: str = _ROOT) -> str | None:
  """Returns the git commit of the checkout at `root`, None if it is none or git cannot tell."""
  if not os.path.exists(os.path.join(root, ".git")):
    return None
  command = ["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
  try:
    found = subprocess.run(
      command, capture_output=True, check=True, text=True, timeout=_SECONDS_FOR_GIT
    )
  except (OSError, subprocess.SubprocessError):
    return None
  return found.stdout.strip() or None

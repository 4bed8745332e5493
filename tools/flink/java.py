"""The Java that runs Flink: which one it is, and what it is told."""

from collections.abc import Sequence
import os
import re
import shutil
import subprocess

from data_prep.common import cli

_OLDEST = 11
_NEWEST = 21
_INSTALL = "apt-get install openjdk-17-jre-headless on Debian 12 and Ubuntu"
# What Flink's own configuration opens and exports; without them Java 17 refuses reflection.
_EXPORTS = ("java.base/sun.net.util", "java.rmi/sun.rmi.registry")
_OPENS = (
  "java.base/java.io",
  "java.base/java.lang",
  "java.base/java.lang.reflect",
  "java.base/java.net",
  "java.base/java.nio",
  "java.base/java.text",
  "java.base/java.time",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/java.util.concurrent.atomic",
  "java.base/java.util.concurrent.locks",
  "java.base/sun.nio.ch",
)
OPTIONS = (
  *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTS),
  *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENS),
)


def find() -> str:
  """Returns the path of a Java that Flink runs on: that of JAVA_HOME, or the one on the path.

  Raises:
    UserError: There is none, or it is too old or too new.
  """
  home = os.environ.get("JAVA_HOME")
  found = shutil.which("java", path=os.path.join(home, "bin") if home else None)
  if not found:
    where = f"in JAVA_HOME={home}" if home else "on the path"
    raise cli.UserError(f"Java is missing {where}; install Java 17 ({_INSTALL})")
  version = _version([found, "-version"])
  if not _OLDEST <= version <= _NEWEST:
    raise cli.UserError(
      f"{found} is Java {version}, and Flink needs Java {_OLDEST} to {_NEWEST}; install Java 17 "
      f"({_INSTALL}), or set JAVA_HOME to it"
    )
  return found


def _version(command: Sequence[str]) -> int:
  """Returns the major version that a Java tells: 17 for `openjdk version "17.0.15"`."""
  said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
  found = re.search(r'version "(?:1\.)?(\d+)', said)
  if not found:
    raise cli.UserError(f"{command[0]} does not tell its version, but {cli.one_line(said)!r}")
  return int(found[1])

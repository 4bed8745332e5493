"""The jars of a Flink cluster, fetched once into a cache: Flink itself, and Beam's job server.

    FOLDER/<hash of flink.lock and pom.xml>/lib/*.jar        Flink, from its package on PyPI
    FOLDER/<hash of flink.lock and pom.xml>/job-server.jar   made by Maven from pom.xml

A folder appears under its name when it is complete.
"""

import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

from data_prep.common import cli

_HERE = pathlib.Path(__file__).parent
_LOCK = _HERE / "flink.lock"
_POM = _HERE / "pom.xml"
_DEBIAN_MAVEN = "apt-get install maven on Debian and Ubuntu"
FLINK_VERSION = re.search(r"^apache-flink-libraries==(\S+)", _LOCK.read_text(), re.MULTILINE)[1]


@dataclasses.dataclass(frozen=True)
class Jars:
  """What a cluster runs.

  Attributes:
    lib: Folder of Flink's own jars.
    job_server: Beam's job server for this Flink.
  """

  lib: pathlib.Path
  job_server: pathlib.Path


def default_cache() -> str:
  """Returns the folder of the user's cache that is taken where none is named."""
  base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
  return os.path.join(base, "video-evolution", "flink")


def find(cache: str) -> Jars | None:
  """Returns the jars of this checkout's versions if they are in the cache."""
  folder = _folder(cache)
  return Jars(folder / "lib", folder / "job-server.jar") if folder.is_dir() else None


def fetch(cache: str) -> Jars:
  """Returns the jars, after fetching them with pip and Maven where they are missing.

  Raises:
    UserError: Maven is missing, or one of the two cannot fetch what it is asked for.
  """
  if found := find(cache):
    return found
  maven = shutil.which("mvn")
  if not maven:
    raise cli.UserError(
      f"Maven (mvn) is missing, which gets Beam's job server; install it ({_DEBIAN_MAVEN})"
    )
  folder = _folder(cache)
  folder.parent.mkdir(parents=True, exist_ok=True)
  print(f"fetching Flink {FLINK_VERSION} and Beam's job server (400 MB) into {folder}", flush=True)
  with tempfile.TemporaryDirectory(prefix="unfinished-", dir=folder.parent) as temporary:
    made = pathlib.Path(temporary) / "made"
    made.mkdir()
    _fetch_flink(pathlib.Path(temporary) / "pip", made / "lib")
    _make_job_server(maven, pathlib.Path(temporary) / "mvn", made / "job-server.jar")
    try:
      made.rename(folder)
    except OSError:  # Somebody else fetched the same meanwhile.
      if not folder.is_dir():
        raise
  return find(cache)


def _folder(cache: str) -> pathlib.Path:
  what = hashlib.sha256(_LOCK.read_bytes() + _POM.read_bytes()).hexdigest()
  return pathlib.Path(cache) / what[:12]


def _fetch_flink(download: pathlib.Path, lib: pathlib.Path) -> None:
  """Unpacks the jars of the locked package into `lib`."""
  options = ["--no-deps", "--no-build-isolation", "--require-hashes", "--progress-bar=off"]
  _run(
    [sys.executable, "-m", "pip", "download", *options, f"--dest={download}", f"-r{_LOCK}"],
    "pip could not fetch Flink",
  )
  lib.mkdir()
  (package,) = download.iterdir()
  with tarfile.open(package) as archive:
    for member in archive:
      path = pathlib.PurePosixPath(member.name)
      if member.isfile() and path.parts[1:3] == ("deps", "lib") and path.suffix == ".jar":
        member.name = path.name
        archive.extract(member, lib, filter="data")
  shutil.rmtree(download)


def _make_job_server(maven: str, folder: pathlib.Path, target: pathlib.Path) -> None:
  """Has Maven make the job server's jar."""
  folder.mkdir()
  shutil.copy(_POM, folder)
  _run(
    [maven, "--batch-mode", "--quiet", f"--file={folder / _POM.name}", "package"],
    "Maven could not make Beam's job server",
  )
  (jar,) = (path for path in folder.glob("target/*.jar") if not path.name.startswith("original-"))
  jar.rename(target)


def _run(command: list[str], failure: str) -> None:
  """Runs a command that says nothing; raises UserError with the end of what it said if it fails."""
  done = subprocess.run(
    command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
  )
  if done.returncode:
    said = [line for line in done.stdout.splitlines() if re.search("error", line, re.IGNORECASE)]
    reason = cli.printable(said[0]) if said else f"exit status {done.returncode}"
    raise cli.UserError(f"{failure}: {reason}; the same command tries again")

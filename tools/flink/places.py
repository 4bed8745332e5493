"""The flags that say where a cluster's files are: its folder, and the cache of jars."""

import getpass
import os
import pathlib
import tempfile

from absl import flags

from data_prep.common import cli
from tools.flink import jars

_DIR = flags.DEFINE_string(
  "dir",
  None,
  "Folder of the cluster on this machine: its logs and what is known of its processes. Default: "
  "flink-USER in the folder of temporary files.",
)
_CACHE = flags.DEFINE_string(
  "cache", None, "Folder of the jars; default: video-evolution/flink in the user's cache."
)


def folder() -> pathlib.Path:
  """Returns the folder of the cluster."""
  default = os.path.join(tempfile.gettempdir(), f"flink-{getpass.getuser()}")
  return pathlib.Path(cli.resolve_path(_DIR.value or default))


def cache() -> str:
  """Returns the folder of the jars."""
  return cli.resolve_path(_CACHE.value or jars.default_cache())

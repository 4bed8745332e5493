"""The server that local workers are forked from, and what it imports.

`start` has multiprocessing's `forkserver` import this module, which imports, quietly, the modules
named in an environment variable: TensorFlow and its neighbours greet with pages of warnings, here
on the driver's terminal, for there is no log yet. A module that cannot be imported is ignored: the
workers will import it themselves, and say in their logs what is wrong with it.
"""

from collections.abc import Sequence
import contextlib
import importlib
import multiprocessing
from multiprocessing import forkserver
import os
import signal
import sys

_VARIABLE = "VIDEO_EVOLUTION_PRELOAD"


def start(names: Sequence[str]) -> None:
  """Starts the server, unless this process has one, and lets it import in the background."""
  # The server does not get our sys.path; without it `official` would be tf-models-official's.
  os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  multiprocessing.set_forkserver_preload([__name__])
  os.environ[_VARIABLE] = ",".join(names)
  try:
    forkserver.ensure_running()
  finally:
    del os.environ[_VARIABLE]


def _import_quietly(names: list[str]) -> None:
  """Imports modules with standard output and standard error, of C libraries too, to nowhere."""
  kept = [os.dup(1), os.dup(2)]
  nowhere = os.open(os.devnull, os.O_WRONLY)
  try:
    for standard in (1, 2):
      os.dup2(nowhere, standard)
    for name in names:
      with contextlib.suppress(Exception):
        importlib.import_module(name)
  finally:
    for standard, descriptor in zip((1, 2), kept):
      os.dup2(descriptor, standard)
      os.close(descriptor)
    os.close(nowhere)


if _VARIABLE in os.environ:
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, and its workers' not.
  _import_quietly(os.environ.pop(_VARIABLE).split(","))

"""The commands that come after a run, an export or an answer, with the paths filled in."""

import contextlib
import os
import shlex
import sys

from data_prep.common import cli
from data_prep.common import next_command
from official.runs import final_training
from official.runs import json_files
from official.runs import provenance
from official.search import overview
from official.serving import saved_model as saved_model_lib

_ROOT = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir)


def after_run(model_dir: str) -> list[str]:
  """Returns what to do with a run that has ended well; nothing before its network is exported."""
  for folder in ("final", ""):
    with contextlib.suppress(cli.UserError):
      result = final_training.read_result(json_files.join(model_dir, folder))
      if result is not None and result.export:
        return after_export(json_files.join(model_dir, result.export))
  return []


def after_export(saved_model: str) -> list[str]:
  """Returns what to do with a SavedModel; nothing if it is not there."""
  if not os.path.isdir(saved_model):
    return []
  output = "answers.csv"
  with contextlib.suppress(cli.UserError):
    if saved_model_lib.Version(saved_model).served.returns_frames:
      output = "restored"
  asking = next_command.command(
    "python -m official.predict", "VIDEO_OR_FOLDER", saved_model=saved_model, output=output
  )
  return [asking, *serving(saved_model)]


def serving(saved_model: str) -> list[str]:
  """Returns how a SavedModel is served; nothing outside a checkout, which has no tools."""
  if not os.path.exists(os.path.join(_ROOT, "tools", "serve.py")):
    return []
  return [next_command.command("python -m tools.serve", os.path.dirname(saved_model.rstrip("/")))]


def after_status(status: overview.Status) -> list[str]:
  """Returns what to do with a search that was looked at."""
  shown = next_command.command("python -m official.report", model_dir=status.model_dir)
  if status.condition == "alive":
    watched = next_command.command(
      "python -m official.status", "--watch", model_dir=status.model_dir
    )
    return [watched, shown]
  if status.condition == "finished":
    return after_run(status.model_dir)
  with contextlib.suppress(cli.UserError):
    starts = provenance.read(status.model_dir).starts
    return [*([starts[-1].command] if starts else []), shown]
  return []


def without(flag: str) -> str:
  """Returns the command of this process without a flag that is yes or no."""
  spec = getattr(sys.modules["__main__"], "__spec__", None)
  program = ["-m", spec.name] if spec else [sys.argv[0]]
  rest = [one for one in sys.argv[1:] if one.lstrip("-").partition("=")[0] != flag]
  return shlex.join(["python", *program, *rest])

"""A SavedModel of trained networks of a search: the program behind official.export."""

import sys
import tempfile
from typing import Any

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import shapes
from data_prep.dataset import metadata
from official.architecture import network_version
from official.inputs import cache
from official.runs import trained
from official.runs.records import RunFlags
from official.runs.run_directory import RunDirectory
from official.serving import saved_model
from official.training import config


def export(
  model_dir: str,
  output_dir: str,
  *,
  candidate: int | None = None,
  ensemble: int | None = None,
  data_dir: str | None = None,
) -> str:
  """Exports trained networks as one, and returns the folder of the new version.

  Args:
    model_dir: Folder of a search; absolute, or a URL.
    output_dir: Folder of the versions.
    candidate: Number of the candidate to export.
    ensemble: How many of the best to export as one; without it and a number, it is what the final
      training came to.
    data_dir: The dataset of the search; default: the folder where the search found it.

  Raises:
    UserError: There is no such network, or it cannot be exported.
  """
  saved_model.quieten()
  from official.training import ensemble as ensemble_lib

  if candidate is not None and ensemble is not None:
    raise cli.UserError(
      f"--candidate={candidate} and --ensemble={ensemble} exclude each other; give one"
    )
  run = RunDirectory(model_dir)
  recorded = _recorded(run)
  members = trained.members(run, candidate=candidate, ensemble=ensemble)
  to_the_end = all(member.training.startswith(run.final_directory) for member in members)
  setup = restored(recorded, model_dir, data_dir, to_the_end=to_the_end)
  files.check_writable(output_dir, f"--output_dir={output_dir}")
  numbers = ", ".join(f"{member.candidate:06d}" for member in members)
  print(f"exporting {numbers} of {model_dir}", file=sys.stderr, flush=True)
  with tempfile.TemporaryDirectory() as folder:
    joining = ensemble_lib.EnsembleExport(setup=setup, export_dir=output_dir, model_dir=model_dir)
    found = joining({"members": [member.to_json() for member in members], "evaluate": True}, folder)
    if found["status"] != "ok":
      raise cli.UserError(f"{numbers} cannot be exported: {found['reason']}")
  return str(found["export"])


def _recorded(run: RunDirectory) -> RunFlags:
  """Returns the flags of a search whose networks can be built today."""
  recorded = run.recorded()
  if recorded is None and files.exists(files.join(run.path, "train.json")):
    raise cli.UserError(
      f"{run.path} is a training of official.train, which leaves its SavedModel in "
      f"{files.join(run.path, 'export')}; let it end, and take that"
    )
  if recorded is None:
    raise cli.UserError(f"{run.path} is no run, it has no search.json; give another --model_dir")
  network_version.check(
    recorded.identity.get("network_version"),
    run.path,
    "search again, from its architectures with --start_from if need be",
  )
  return recorded


def restored(
  recorded: RunFlags, model_dir: str, data_dir: str | None, *, to_the_end: bool
) -> config.Training:
  """Returns what the search's trainings share, or its final trainings, to the end."""
  path = files.join(model_dir, "search.json")
  remedy = recorded.REMEDY
  content: dict[str, Any] = recorded.to_json()
  where, steps = ("operation", "final_steps") if to_the_end else ("identity", "candidate_steps")
  shapes.check(
    content, {"identity": {"data_dir": str}, "operation": {"data_dir?": str}}, path, remedy
  )
  shapes.check(content, {where: {steps: int}}, path, remedy)
  data_dir = cli.resolve_path(data_dir or content["operation"].get("data_dir") or "")
  if not data_dir:
    raise cli.UserError(f"{model_dir} does not say where its dataset is; give --data_dir")
  fingerprint = metadata.load(data_dir).fingerprint
  if fingerprint != content["identity"]["data_dir"]:
    raise cli.UserError(
      f"{data_dir} is another dataset ({fingerprint[:16]}) than the search's "
      f"({content['identity']['data_dir'][:16]}); give --data_dir"
    )
  try:
    return config.restored(
      content["identity"],
      train_steps=content[where][steps],
      data_dir=data_dir,
      cache_dir=cache.directory(data_dir, model_dir),
      distribution_strategy="one_device",
    )
  except KeyError as error:
    raise cli.UserError(f"{path} is damaged: it has no {error.args[0]}; {remedy}") from error
  except cli.UserError as error:
    raise cli.UserError(f"{path} is damaged: {error}; {remedy}") from error

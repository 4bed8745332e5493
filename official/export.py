"""Exports trained networks of a run as a SavedModel, or verifies one.

  python -m official.export --model_dir=RUN --output_dir=EXPORT
  python -m official.export --model_dir=RUN --output_dir=EXPORT --candidate=12
  python -m official.export --model_dir=RUN --output_dir=EXPORT --ensemble=3
  python -m official.export --verify --saved_model=EXPORT/1

The first exports what the final training came to, the second one candidate, the third the best
three as one network that averages their probabilities. EXPORT/<n>, n the next free number, appears
when it is whole; it is a version for TensorFlow Serving, and has a model_card.md. --verify runs
every signature with TensorFlow's C++ loader, and exits 1 if something is not as it should be.
"""

import sys
import tempfile
import typing

from absl import flags

from data_prep.common import cli
from data_prep.common import files
from data_prep.common import shapes
from data_prep.dataset import metadata
from official.runs import extensions

if typing.TYPE_CHECKING:
  from official.runs.records import RunFlags

FLAGS = flags.FLAGS

flags.DEFINE_string("model_dir", None, "Folder of the search, as given to official.evolve.")
extensions.define_flag()
flags.DEFINE_string("output_dir", None, "Folder of the versions; made if it is not there.")
flags.DEFINE_string(
  "data_dir", None, "Dataset of the search; default: the folder where the search found it."
)
flags.DEFINE_integer("candidate", None, "Number of the candidate to export.")
flags.DEFINE_integer("ensemble", None, "How many of the best to export as one.", lower_bound=2)
flags.DEFINE_bool("verify", False, "Looks at --saved_model instead of making one.")
flags.DEFINE_string("saved_model", None, "Folder of one version, for --verify.")


def main(_) -> int:
  if FLAGS.verify:
    return _verify(_given("saved_model"))
  return _export(_given("model_dir"), _given("output_dir"))


def _given(name: str) -> str:
  if not FLAGS[name].value:
    raise cli.UserError(f"--{name} is missing ({FLAGS[name].help})")
  return cli.plain_path(name, FLAGS[name].value)


def _verify(path: str) -> int:
  from official.serving import saved_model

  saved_model.quieten()
  from official.serving import verification

  wrong = 0
  for finding in verification.verify(saved_model.Version(path)):
    wrong += not finding.ok
    print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.seen}", flush=True)
  return 1 if wrong else 0


def _export(model_dir: str, output_dir: str) -> int:
  from official.architecture import network_version
  from official.runs import trained
  from official.runs.run_directory import RunDirectory
  from official.serving import saved_model
  from official.training import ensemble

  saved_model.quieten()
  if FLAGS.candidate is not None and FLAGS.ensemble is not None:
    raise cli.UserError(
      f"--candidate={FLAGS.candidate} and --ensemble={FLAGS.ensemble} exclude each other; give one"
    )
  run = RunDirectory(model_dir)
  recorded = run.recorded()
  if recorded is None and files.exists(files.join(model_dir, "train.json")):
    raise cli.UserError(
      f"{model_dir} is a training of official.train, which leaves its SavedModel in "
      f"{files.join(model_dir, 'export')}; let it end, and take that"
    )
  if recorded is None:
    raise cli.UserError(f"{model_dir} is no run, it has no search.json; give another --model_dir")
  network_version.check(
    recorded.identity.get("network_version"),
    model_dir,
    "search again, from its architectures with --start_from if need be",
  )
  members = trained.members(run, candidate=FLAGS.candidate, ensemble=FLAGS.ensemble)
  to_the_end = all(member.training.startswith(run.final_directory) for member in members)
  setup = _setup(recorded, model_dir, to_the_end=to_the_end)
  files.check_writable(output_dir, f"--output_dir={output_dir}")
  numbers = ", ".join(f"{member.candidate:06d}" for member in members)
  print(f"exporting {numbers} of {model_dir}", file=sys.stderr, flush=True)
  with tempfile.TemporaryDirectory() as folder:
    joining = ensemble.EnsembleExport(setup=setup, export_dir=output_dir, model_dir=model_dir)
    found = joining({"members": [member.to_json() for member in members], "evaluate": True}, folder)
    if found["status"] != "ok":
      raise cli.UserError(f"{numbers} cannot be exported: {found['reason']}")
  print(found["export"])
  return 0


def _setup(recorded: "RunFlags", model_dir: str, *, to_the_end: bool):
  """Returns what the search's trainings share, or its final trainings, to the end."""
  from official.inputs import cache
  from official.training import config

  path = files.join(model_dir, "search.json")
  remedy = recorded.REMEDY
  content = recorded.to_json()
  where, steps = ("operation", "final_steps") if to_the_end else ("identity", "candidate_steps")
  shapes.check(
    content, {"identity": {"data_dir": str}, "operation": {"data_dir?": str}}, path, remedy
  )
  shapes.check(content, {where: {steps: int}}, path, remedy)
  data_dir = cli.resolve_path(FLAGS.data_dir or content["operation"].get("data_dir") or "")
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


if __name__ == "__main__":
  cli.run(main)

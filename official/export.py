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

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from official.programs import next_steps
from official.runs import extensions

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
  from official.programs import network_export

  version = network_export.export(
    _given("model_dir"),
    _given("output_dir"),
    candidate=FLAGS.candidate,
    ensemble=FLAGS.ensemble,
    data_dir=FLAGS.data_dir,
  )
  print(version, flush=True)
  verify = next_command.command("python -m official.export", "--verify", saved_model=version)
  next_command.tell([verify, *next_steps.after_export(version)])
  return 0


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
  if not wrong:
    next_command.tell(next_steps.after_export(path))
  return 1 if wrong else 0


if __name__ == "__main__":
  cli.run(main)

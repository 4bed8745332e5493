"""Trains one architecture to the end, evaluates it, and exports it.

  python -m official.train --architecture=A --data_dir=DATASET --model_dir=RUN
  python -m official.train --architecture=A --describe [--output=net.svg]

A is the name of a published network (assemblenet-50, ...), an architecture JSON, a structure list
of the Model Garden, a candidate.json of a search, or a hand-made network of any size, such as
hand-made:fully-connected:265000. RUN receives checkpoints, result.json, a
report (report.txt, report.json, confusion.png) and export/1/, which TensorFlow Serving takes as it
is. The same command, given again, resumes where it was stopped or killed, with other hardware if
need be. docs/training.md tells more.
"""

import os

from absl import flags

from data_prep.common import cli
from data_prep.common import next_command
from data_prep.dataset import metadata
from official.architecture import hand_made
from official.architecture import presets
from official.architecture import sources
from official.architecture import structure_list
from official.architecture.architecture import ArchitectureError
from official.programs import architecture_training
from official.programs import network_description
from official.programs import next_steps
from official.runs import extensions
from official.runs import json_files
from official.tasks import contract
from official.training import config
from official.training import flags as training_flags

FLAGS = flags.FLAGS

flags.DEFINE_string(
  "architecture",
  None,
  f"What is trained: {', '.join(presets.names())}; or a file: an architecture JSON, a structure "
  "list of the Model Garden, or a candidate.json of a search; or "
  f"{hand_made.PREFIX}PATTERN:PARAMETERS, where PATTERN is {', '.join(hand_made.names())}.",
)
flags.DEFINE_string(
  "export_structure",
  None,
  "Writes the architecture to this file as a structure list of the Model Garden, and does nothing "
  "else.",
)
flags.DEFINE_bool(
  "describe",
  False,
  "Prints a table of the blocks, what each costs and what it reads from, and does nothing else. "
  "Connection weights are those of a published network, or those that a candidate has learned.",
)
flags.DEFINE_string(
  "output", None, "With --describe, also draws the network to this file, .svg or .png."
)
extensions.define_flag()
flags.DEFINE_string(
  "model_dir", None, "Folder of the training: created, or resumed if it holds one."
)
flags.DEFINE_integer("seed", 0, "Random seed.")
training_flags.define(config.TRAIN)

# What --describe counts without --data_dir: streams of data_prep, classes of Moments in Time.
_STREAMS = {"rgb": 3, "flow": 2}
_CLASSES = 339


def main(_) -> int:
  if not FLAGS.architecture:
    raise cli.UserError(f"--architecture is missing ({FLAGS['architecture'].help})")
  if FLAGS.output is not None:
    if not FLAGS.describe:
      raise cli.UserError(f"--output={FLAGS.output} goes with --describe, which draws a network")
    network_description.check_output(FLAGS.output)
  weighted = sources.load(FLAGS.architecture)
  if FLAGS.describe:
    return _describe(weighted, training_flags.described(config.TRAIN))
  if FLAGS.export_structure:
    return _export_structure(weighted)
  training = training_flags.read(config.TRAIN)
  if not FLAGS.model_dir:
    raise cli.UserError(f"--model_dir is missing ({FLAGS['model_dir'].help})")
  model_dir = training_flags.run_directory(FLAGS.model_dir)
  status = architecture_training.run(
    training, weighted, model_dir=model_dir, seed=FLAGS.seed, source=FLAGS.architecture
  )
  if not status and "TF_CONFIG" not in os.environ:  # One of several processes is not asked.
    next_command.tell(next_steps.after_run(model_dir))
  return status


def _describe(weighted: structure_list.WeightedArchitecture, training: config.Training) -> int:
  clip = config.clip_of(training, _STREAMS, contract.ClassOutput(_CLASSES))
  if training.data.data_dir:
    info = metadata.load(cli.resolve_path(training.data.data_dir))
    architecture_training.check_streams(weighted.architecture, training, info, FLAGS.architecture)
    clip = config.clip(training, info)
  network = network_description.known(weighted, FLAGS.architecture)
  print(network_description.text(network, clip))
  if FLAGS.output is not None:
    network_description.draw(network, FLAGS.architecture, FLAGS.output)
    print(f"{FLAGS.output} shows it.")
  return 0


def _export_structure(weighted: structure_list.WeightedArchitecture) -> int:
  try:
    json_files.write_json(
      cli.resolve_path(FLAGS.export_structure), structure_list.to_json(weighted)
    )
  except (ArchitectureError, OSError) as error:
    raise cli.UserError(f"--export_structure={FLAGS.export_structure}: {error}") from error
  return 0


if __name__ == "__main__":
  cli.run(main)

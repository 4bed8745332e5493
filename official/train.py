"""Trains one architecture to the end, evaluates it, and exports it.

  python -m official.train --architecture=A --data_dir=DATASET --model_dir=RUN
  python -m official.train --architecture=A --describe

A is the name of a published network (assemblenet-50, ...), an architecture JSON, a structure list
of the Model Garden, or a candidate.json of a search. RUN receives checkpoints, result.json, a
report (report.txt, report.json, confusion.png) and export/1/, which TensorFlow Serving takes as it
is. The same command, given again, goes on where it was stopped or killed, with other hardware if
need be. docs/training.md tells more.
"""

from collections.abc import Mapping
import dataclasses
import os
import tempfile
from typing import Any

from absl import flags

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import network_version
from official.architecture import presets
from official.architecture import serialization
from official.architecture import sources
from official.architecture import structure_list
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.inputs import usable
from official.runs import json_files
from official.runs import single
from official.runs.executors import leases
from official.training import flags as training_flags
from official.training import recipe_flags

FLAGS = flags.FLAGS

flags.DEFINE_string(
  "architecture",
  None,
  f"What is trained: {', '.join(presets.names())}; or a file: an architecture JSON, a structure "
  "list of the Model Garden, or a candidate.json of a search.",
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
  "Prints a table of the blocks and what each costs, and does nothing else.",
)
flags.DEFINE_string(
  "model_dir", None, "Folder of the training: created, or resumed if it holds one."
)
flags.DEFINE_integer("seed", 0, "Random seed.")
flags.DEFINE_integer(
  "threads",
  0,
  "CPU threads of one operation, which show in the last bits; 0: as many as there are cores.",
)
flags.DEFINE_integer(
  "num_gpus",
  None,
  "GPUs of this machine to train on; default: with --distribution_strategy=one_device one, if "
  "there are any, else all of them.",
)

# Flags that decide what a training finds, besides those of training.flags and recipe_flags.
_IDENTITY = ("train_steps", "seed")
_OPERATION = ("distribution_strategy", "threads", "num_gpus", "gradient_checkpointing")
# What --describe counts without --data_dir: streams of data_prep, classes of Moments in Time.
_STREAMS = {"rgb": 3, "flow": 2}
_CLASSES = 339


def main(_) -> int:
  if not FLAGS.architecture:
    raise cli.UserError(f"--architecture is missing ({FLAGS['architecture'].help})")
  weighted = sources.load(FLAGS.architecture)
  architecture = weighted.architecture
  defaults = {**training_flags.defaults(), "init_checkpoint": "", "connection_weights": ""}
  recipe_flags.take_defaults()
  if FLAGS.describe:
    return _describe(architecture)
  if FLAGS.export_structure:
    return _export_structure(weighted)
  _check_numbers()
  if FLAGS.freeze_connection_weights and not FLAGS.init_checkpoint:
    sources.check_frozen(architecture, weighted.connection_weights)
  data_dir = cli.resolve_path(FLAGS.data_dir)
  model_dir = cli.plain_path("model_dir", FLAGS.model_dir)
  info = metadata.load(data_dir)
  usable.check(info, data_dir, ["train", "validation"])
  _check_streams(architecture, info)
  how = {
    **recipe_flags.values(),
    "connection_weights": structure_list.weights_to_text(weighted.connection_weights),
  }
  gpus = FLAGS.num_gpus
  if gpus is None:
    here = len(leases.list_gpus())
    gpus = min(here, 1) if FLAGS.distribution_strategy == "one_device" else here
  index = 0
  if FLAGS.distribution_strategy == "multi_worker_mirrored":
    index = single.process_index(os.environ.get("TF_CONFIG"))
  with tempfile.TemporaryDirectory() as aside:
    # Every process has to take part in writing, for that reads variables of all.
    training = _training(data_dir, model_dir, aside if index else model_dir, gpus, how)
    return single.run(
      model_dir=model_dir,
      candidate={"architecture": serialization.to_json(architecture), "seed": FLAGS.seed},
      training=training,
      check=training.check,
      identity={
        "network_version": network_version.CURRENT,
        "architecture": serialization.to_json(architecture),
        "data_dir": info.fingerprint,
        **{name: FLAGS[name].value for name in _IDENTITY},
        **training_flags.identity(info),
        **how,
      },
      operation={name: FLAGS[name].value for name in _OPERATION},
      index=index,
      defaults=defaults,
    )


def _training(data_dir: str, model_dir: str, outcome_dir: str, gpus: int, how: Mapping[str, Any]):
  from official.training import final_trainer

  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
  setup = training_flags.setup(data_dir, model_dir, FLAGS.threads, gpus, FLAGS.train_steps)
  recipe = dataclasses.replace(setup.recipe, **how)
  return final_trainer.FinalTraining(
    setup=dataclasses.replace(setup, recipe=recipe),
    export_dir=os.path.join(outcome_dir, "export"),
    outcome_dir=outcome_dir,
    training_dir=os.path.join(model_dir, "training"),
  )


def _describe(architecture: Architecture) -> int:
  clip = cost.Clip(
    streams=_STREAMS,
    num_frames=FLAGS.num_frames,
    height=FLAGS.image_size,
    width=FLAGS.image_size,
    num_classes=_CLASSES,
    pooling=FLAGS.pooling,
  )
  if FLAGS.data_dir:
    info = metadata.load(cli.resolve_path(FLAGS.data_dir))
    _check_streams(architecture, info)
    clip = training_flags.clip(info)
  print(cost.describe(architecture, clip))
  return 0


def _export_structure(weighted: structure_list.WeightedArchitecture) -> int:
  try:
    json_files.write_json(
      cli.resolve_path(FLAGS.export_structure), structure_list.to_json(weighted)
    )
  except (ArchitectureError, OSError) as error:
    raise cli.UserError(f"--export_structure={FLAGS.export_structure}: {error}") from error
  return 0


def _check_streams(architecture: Architecture, info: metadata.DatasetInfo) -> None:
  usable.check_streams(
    training_flags.streams(info),
    architecture.streams,
    network=f"--architecture={FLAGS.architecture}",
    data=FLAGS.data_dir,
  )


def _check_numbers() -> None:
  training_flags.check()
  recipe_flags.check()
  if not FLAGS.model_dir:
    raise cli.UserError(f"--model_dir is missing ({FLAGS['model_dir'].help})")
  cli.at_least("threads", FLAGS.threads, 0)
  if FLAGS.num_gpus is not None:
    cli.at_least("num_gpus", FLAGS.num_gpus, 0)


if __name__ == "__main__":
  cli.run(main)

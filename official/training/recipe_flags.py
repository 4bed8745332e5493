"""Command-line flags of the recipe of a training that stands for itself, and what they mean.

Beside those of flags.py, which every training has. Importing this module defines them. It imports
no TensorFlow.
"""

import os
from typing import Any

from absl import flags

from data_prep.common import cli
from official.training import recipe
from official.training import setup

FLAGS = flags.FLAGS

RECIPES = ("search", "paper")

flags.DEFINE_enum(
  "recipe",
  "search",
  RECIPES,
  "Defaults of the flags below: as in a search, or AssembleNet's on Moments in Time (its learning "
  "rate is scaled with --batch_size).",
)
flags.DEFINE_integer("train_steps", 1000, "Training steps.")
flags.DEFINE_string(
  "init_checkpoint",
  None,
  "First weights, of the same architecture: the folder of an earlier training (of this command, or "
  "of a candidate), a folder of checkpoints, or the prefix of one. A new head where the number of "
  "classes differs.",
)
flags.DEFINE_bool("freeze_backbone", False, "Trains the head alone; for --init_checkpoint.")
flags.DEFINE_bool(
  "freeze_connection_weights",
  False,
  "Keeps connection weights as they are published with the architecture, or as --init_checkpoint "
  "has them, instead of training them.",
)


def take_defaults() -> None:
  """Makes the values of --recipe the defaults of flags, for those that were not given."""
  if FLAGS.recipe != "paper":
    return
  values = recipe.PAPER
  for name, value in values.items():
    FLAGS.set_default(name, value)
  rate_of_a_clip = values["learning_rate"] / values["batch_size"]
  FLAGS.set_default("learning_rate", rate_of_a_clip * FLAGS.batch_size)


def check() -> None:
  """Raises UserError for a value that no training can have."""
  cli.at_least("train_steps", FLAGS.train_steps, 1)
  if FLAGS.freeze_backbone and not FLAGS.init_checkpoint:
    raise cli.UserError(
      "--freeze_backbone without --init_checkpoint keeps random weights; give a checkpoint"
    )


def values() -> dict[str, Any]:
  """Returns the fields of `recipe.Recipe` that the flags of this module decide, but for the steps.

  Raises:
    UserError: There is no such checkpoint.
  """
  return {
    "freeze_backbone": FLAGS.freeze_backbone,
    "freeze_connection_weights": FLAGS.freeze_connection_weights,
    "init_checkpoint": _init_checkpoint(),
  }


def _init_checkpoint() -> str:
  """Returns the folder or the prefix that --init_checkpoint means; empty without it."""
  if not FLAGS.init_checkpoint:
    return ""
  path = cli.plain_path("init_checkpoint", FLAGS.init_checkpoint)
  for prefix in (path, os.path.join(path, setup.WEIGHTS)):
    if os.path.exists(prefix + ".index"):
      return prefix
  for folder in (os.path.join(path, "training"), path):
    if os.path.exists(os.path.join(folder, "checkpoint")):
      return folder
  raise cli.UserError(
    f"--init_checkpoint={FLAGS.init_checkpoint} has no checkpoint; give the folder of a training, "
    "or the prefix of a checkpoint"
  )

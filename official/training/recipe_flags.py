"""Command-line flags of the recipe of a training that stands for itself, and what they mean.

Beside those of flags.py, which every training has. Importing this module defines them. It imports
no TensorFlow.
"""

import json
import os
from typing import Any

from absl import flags

from data_prep import cli
from data_prep import dataset
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
flags.DEFINE_float(
  "warmup_fraction", 0.05, "Share of the steps in which the learning rate rises.", 0.0, 1.0
)
flags.DEFINE_float(
  "gradient_clip_norm",
  None,
  "Largest norm of the gradient of all weights together; default: none with sgd, 1 with adamw.",
)
flags.DEFINE_string(
  "class_weights",
  None,
  "Factors of the loss: balanced, so that every class counts alike, or a JSON file "
  '{"CLASS": FACTOR}, 1 for classes that it does not name.',
)
flags.DEFINE_float(
  "ema_decay",
  None,
  "Evaluates and exports an exponential moving average of the weights, this share of which remains "
  "in a step: 0.999, say.",
)
flags.DEFINE_enum(
  "precision",
  "float32",
  recipe.PRECISIONS,
  "Of what is computed between layers; bfloat16 suits TPUs and new GPUs, float16 older ones.",
)
flags.DEFINE_string(
  "init_checkpoint",
  None,
  "First weights, of the same architecture: the folder of an earlier training (of this command, or "
  "of a candidate), a folder of checkpoints, or the prefix of one. A new head where the number of "
  "classes differs.",
)
flags.DEFINE_enum(
  "pooling", "average", recipe.POOLINGS, "How the head pools over time."
)
flags.DEFINE_bool("freeze_backbone", False, "Trains the head alone; for --init_checkpoint.")


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
  if FLAGS.gradient_clip_norm is not None:
    cli.at_least("gradient_clip_norm", FLAGS.gradient_clip_norm, 0, exclusive=True)
  if FLAGS.ema_decay is not None:
    if not 0 < FLAGS.ema_decay < 1:
      raise cli.UserError(
        f"--ema_decay={FLAGS.ema_decay} is out of range; give a number between 0 and 1"
      )
    if FLAGS.precision == "float16":
      raise cli.UserError(
        "--precision=float16 scales the loss, which --ema_decay does not know; give bfloat16 or "
        "leave out one of them"
      )
  if FLAGS.freeze_backbone and not FLAGS.init_checkpoint:
    raise cli.UserError(
      "--freeze_backbone without --init_checkpoint keeps random weights; give a checkpoint"
    )


def values(info: dataset.DatasetInfo) -> dict[str, Any]:
  """Returns the fields of `recipe.Recipe` that the flags of this module decide, but for the steps.

  Raises:
    UserError: A file is not there or not what it has to be.
  """
  return {
    "warmup_fraction": FLAGS.warmup_fraction,
    "gradient_clip_norm": FLAGS.gradient_clip_norm,
    "ema_decay": FLAGS.ema_decay,
    "precision": FLAGS.precision,
    "freeze_backbone": FLAGS.freeze_backbone,
    "pooling": FLAGS.pooling,
    "class_weights": _class_weights(info),
    "init_checkpoint": _init_checkpoint(),
  }


def _class_weights(info: dataset.DatasetInfo) -> str:
  """Returns what a recipe takes for --class_weights."""
  asked = FLAGS.class_weights
  if asked and info.multi_label:
    raise cli.UserError(
      f"--class_weights={asked} is for one label a clip, and clips here have several; leave it out"
    )
  if not asked or asked == "balanced":
    return asked or ""
  try:
    with open(cli.resolve_path(asked), encoding="utf-8") as file:
      factors = json.load(file)
    weights = [float(factors.get(name, 1)) for name in info.classes]
    unknown = sorted(set(factors) - set(info.classes))
  except (OSError, ValueError, TypeError, AttributeError) as error:
    raise cli.UserError(
      f"--class_weights={asked} is neither balanced nor a JSON file of a factor for each class "
      f"({error})"
    ) from error
  if unknown:
    raise cli.UserError(
      f"--class_weights={asked} names {', '.join(unknown)}, and the classes are "
      f"{', '.join(info.classes)}"
    )
  return json.dumps(weights)


def _init_checkpoint() -> str:
  """Returns the folder or the prefix that --init_checkpoint means; empty without it."""
  if not FLAGS.init_checkpoint:
    return ""
  path = cli.resolve_path(FLAGS.init_checkpoint)
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

"""Command-line flags of a training, for every main that trains: a view of official.training.config.

`define` makes a flag of every field that a program has. It imports no TensorFlow.
"""

from collections.abc import Mapping
from typing import Any

from absl import flags

from data_prep.common import cli
from data_prep.common import files
from official.tasks import registry
from official.training import config
from official.training.config import fields
from official.training.config import recipes
from official.training.config import yaml_values

FLAGS = flags.FLAGS
_TENSORFLOWS = ("gs://", "file://", "ram://")  # What TensorFlow 2.15 opens; s3:// left it.


def define(
  program: str, kind: type[config.Training] = config.Training, into: flags.FlagValues = FLAGS
) -> None:
  """Defines the flags of a training, and those that say where other values come from.

  Args:
    program: `evolve` or `train`.
    kind: Tree of the fields.
    into: Flags to which they are added.
  """
  for leaf in config.leaves(kind):
    if program in leaf.knob.programs:
      _define(leaf, into)
  flags.DEFINE_multi_string(
    "config_file",
    None,
    "YAML file of values of a training, such as `optimizer: {learning_rate: 0.05}`. Of several "
    "files, later ones override earlier ones; --params_override and other flags override all.",
    flag_values=into,
  )
  flags.DEFINE_string(
    "params_override",
    None,
    "Values of a training, such as optimizer.learning_rate=0.05,data.num_frames=16. They override "
    "--config_file; flags that are given override them.",
    flag_values=into,
  )
  if program == config.TRAIN:
    flags.DEFINE_enum(
      "recipe",
      recipes.SEARCH,
      tuple(recipes.RECIPES),
      "Defaults of the flags of a training: as in a search, or AssembleNet's on Moments in Time "
      "(its learning rate is scaled with --batch_size).",
      flag_values=into,
    )


def read(
  program: str, kind: type[config.Training] = config.Training, given: flags.FlagValues = FLAGS
) -> config.Training:
  """Returns the training that the command line describes; its paths are the caller's.

  Raises:
    UserError: No training can have a value, or there is no data.
  """
  training = described(program, kind, given)
  if not training.data.data_dir:
    raise cli.UserError(f"--data_dir is missing ({given['data_dir'].help})")
  _check_readable(training.data.data_dir)
  if training.devices.tpu or training.devices.distribution_strategy == "tpu":
    config.check_tpu(training.devices.tpu)
  return training


def run_directory(path: str) -> str:
  """Returns --model_dir, absolute; raises UserError if a run cannot be there."""
  if files.is_url(path):
    raise cli.UserError(
      f"--model_dir={path} is a URL, and a run appends to its curves and logs, which an object "
      "store cannot do; give a folder, and copy it to the store when the run has ended"
    )
  return cli.plain_path("model_dir", path)


def _check_readable(data_dir: str) -> None:
  """Raises UserError for a URL of which TensorFlow has no file system."""
  if files.is_url(data_dir) and not data_dir.startswith(_TENSORFLOWS):
    scheme = data_dir.split(":")[0]
    raise cli.UserError(
      f"--data_dir={data_dir}: TensorFlow has no file system for {scheme}://; copy the dataset "
      "to a disk, or to gs://"
    )


def described(
  program: str, kind: type[config.Training] = config.Training, given: flags.FlagValues = FLAGS
) -> config.Training:
  """Returns what `read` does, also without data.

  Flags that are given come before --params_override, that before --config_file, and all of them
  before the defaults of --recipe.
  """
  values: dict[str, Any] = {}
  for path in given.config_file or ():
    values |= yaml_values.from_file(path, program, kind)
  if given.params_override:
    values |= yaml_values.from_text(given.params_override, program, kind)
  for leaf in config.leaves(kind):
    if program in leaf.knob.programs and not given[leaf.name].using_default_value:
      values[leaf.name] = given[leaf.name].value
  if program == config.TRAIN:
    labels = not recipes.tells_of_labels(given.recipe) or _learns_labels(values)
    values = recipes.under(given.recipe, values, labels=labels)
  return config.of(kind, **values)


def _learns_labels(values: Mapping[str, Any]) -> bool:
  """Returns whether a training learns labels, as far as its values say (frames are degraded)."""
  if values.get("task"):
    return registry.get(values["task"]).learns_labels
  return not values.get("degrade")


def _define(leaf: fields.Leaf, into: flags.FlagValues) -> None:
  """Defines one flag. absl checks a range of two closed bounds, and says so in the help."""
  default, help_text, knob = leaf.default, leaf.knob.help, leaf.knob
  bounds = {}
  if knob.range is not None and knob.range.closed:
    bounds = {"lower_bound": knob.range.least, "upper_bound": knob.range.most}
  if callable(knob.choices):
    cli.define_choice(leaf.name, default, knob.choices, help_text, into)
  elif knob.choices:
    flags.DEFINE_enum(leaf.name, default, knob.choices, help_text, flag_values=into)
  elif leaf.type is bool:
    flags.DEFINE_bool(leaf.name, default, help_text, flag_values=into)
  elif leaf.type is int:
    flags.DEFINE_integer(leaf.name, default, help_text, flag_values=into, **bounds)
  elif leaf.type is float:
    flags.DEFINE_float(leaf.name, default, help_text, flag_values=into, **bounds)
  else:
    flags.DEFINE_string(leaf.name, default or None, help_text, flag_values=into)

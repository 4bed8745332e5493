"""The newest checkpoint of a folder, found and looked at before anything is built on it.

`tf.train.latest_checkpoint` takes the path for a pattern, in which `[` and `*` have a meaning, and
says that there is no checkpoint where one is damaged: a training would begin again from nothing,
in silence. Here the path is a path, and a checkpoint that is there is whole or is told.
"""

import os

import tensorflow as tf

from data_prep.common import cli

_STATE = "checkpoint"  # The file in which TensorFlow keeps which is the newest.


def newest(directory: str, remedy: str | None = None) -> str | None:
  """Returns the prefix of the newest checkpoint in a folder, None where there is none.

  Args:
    directory: The folder.
    remedy: What the user can do about a damaged one, for the message; None where its training then
      begins again.

  Raises:
    UserError: It is damaged.
  """
  path = os.path.join(directory, _STATE)
  if not tf.io.gfile.exists(path):
    return None
  remedy = remedy or f"restore it, or delete {directory} to have it trained from the start"
  try:
    with tf.io.gfile.GFile(path, "rb") as file:
      file.read().decode()
    state = tf.train.get_checkpoint_state(directory)
  except (ValueError, tf.errors.OpError) as error:
    raise cli.UserError(f"{path} is damaged ({_line(error)}); {remedy}") from error
  if state is None or not state.model_checkpoint_path:
    raise cli.UserError(f"{path} is damaged: it names no checkpoint; {remedy}")
  check(state.model_checkpoint_path, remedy)
  return state.model_checkpoint_path


def check(prefix: str, remedy: str) -> None:
  """Raises UserError unless all of a checkpoint is there, and can be read.

  Args:
    prefix: Prefix of its files.
    remedy: What the user can do, for the message.
  """
  if not tf.io.gfile.exists(prefix + ".index"):
    raise cli.UserError(f"the checkpoint {prefix} lacks {prefix}.index; {remedy}")
  try:
    reader = tf.train.load_checkpoint(prefix)
    for name in reader.get_variable_to_shape_map():
      reader.get_tensor(name)
  except (tf.errors.OpError, ValueError, RuntimeError, LookupError) as error:
    raise cli.UserError(f"the checkpoint {prefix} is damaged ({_line(error)}); {remedy}") from error


def check_fits(model: tf.keras.Model, prefix: str, remedy: str) -> None:
  """Raises UserError unless a checkpoint is of a network with these weights, which it gets."""
  try:
    status = tf.train.Checkpoint(model=model).read(prefix)
    status.assert_existing_objects_matched().expect_partial()
  except (ValueError, AssertionError, tf.errors.OpError) as error:
    raise cli.UserError(
      f"the checkpoint {prefix} is of another architecture ({_line(error)}); {remedy}"
    ) from error


def _line(error: Exception) -> str:
  lines = str(getattr(error, "message", error)).strip().splitlines()
  return lines[0][:200] if lines else type(error).__name__

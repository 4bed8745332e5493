"""First weights from an earlier training: fine-tuning.

Layers are matched by their place in the network, so the architecture must be the same; the dataset
may be another. Where the head of the checkpoint has another number of classes, the network keeps
its own, with random weights.
"""

import tensorflow as tf

from data_prep.common import cli
from official import layers
from official import network
from official.training import checkpoints

_VALUE = ".ATTRIBUTES/VARIABLE_VALUE"


def load(model: tf.keras.Model, path: str) -> None:
  """Reads weights of the same architecture into a network.

  Args:
    model: A network of `network.build_network`.
    path: Folder of checkpoints, of which the newest is taken, or the prefix of one. A checkpoint
      has the network under the name `model`.

  Raises:
    UserError: There is no checkpoint, or it is that of another architecture, or of networks that
      compute something else.
  """
  prefix = checkpoints.newest(path) if tf.io.gfile.isdir(path) else path
  if prefix is None:
    raise cli.UserError(f"--init_checkpoint={path} is a folder without checkpoints; give another")
  checkpoints.check(prefix, "give another --init_checkpoint")
  network.check_version(
    prefix, f"--init_checkpoint={path}", "train it again, or leave --init_checkpoint out"
  )
  parts = model._trackable_children()  # The head is among them under two names.
  heads = {name: part for name, part in parts.items() if isinstance(part, layers.Head)}
  shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
  if any(_differs(name, head, shapes) for name, head in heads.items()):
    parts = {name: part for name, part in parts.items() if name not in heads}
  try:
    status = tf.train.Checkpoint(model=tf.train.Checkpoint(**parts)).read(prefix)
    status.assert_existing_objects_matched().expect_partial()
  except (ValueError, AssertionError) as error:
    raise cli.UserError(
      f"--init_checkpoint={path} is of another architecture ({str(error).splitlines()[0]:.200}); "
      "give that architecture, or another checkpoint"
    ) from error


def _differs(name: str, head: layers.Head, shapes: dict[str, list[int]]) -> bool:
  """Whether a checkpoint has a head of that name and of another shape."""
  kernel = shapes.get(f"model/{name}/dense/kernel/{_VALUE}")
  return kernel is not None and kernel != head.dense.kernel.shape.as_list()

"""First weights from an earlier training: fine-tuning.

Layers are matched by their place in the network, so the architecture must be the same; the dataset
may be another. Where the head of the checkpoint has another number of classes, or answers another
kind of question, the network keeps its own, with random weights. A head that answers for every
pixel keeps only its last convolution then, which makes the values of a pixel: what it reads of each
block is that of the checkpoint.
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
  kinds = layers.Head | layers.DenseHead
  heads = {name: part for name, part in parts.items() if isinstance(part, kinds)}
  shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
  if any(_differs(name, head, shapes) for name, head in heads.items()):
    parts = {name: part for name, part in parts.items() if name not in heads}
    parts |= {name: _reading(head) for name, head in heads.items() if _reads(name, head, shapes)}
  try:
    status = tf.train.Checkpoint(model=tf.train.Checkpoint(**parts)).read(prefix)
    status.assert_existing_objects_matched().expect_partial()
  except (ValueError, AssertionError) as error:
    raise cli.UserError(
      f"--init_checkpoint={path} is of another architecture ({str(error).splitlines()[0]:.200}); "
      "give that architecture, or another checkpoint"
    ) from error


def _differs(name: str, head: layers.Head | layers.DenseHead, shapes: dict[str, list[int]]) -> bool:
  """Whether a checkpoint has a head of that name which is of another kind or shape."""
  labels = shapes.get(f"model/{name}/dense/kernel/{_VALUE}")
  dense = shapes.get(f"model/{name}/kernel/{_VALUE}")
  if isinstance(head, layers.DenseHead):
    return labels is not None or dense not in (None, head.kernel.shape.as_list())
  return dense is not None or labels not in (None, head.dense.kernel.shape.as_list())


def _reads(name: str, head: layers.Head | layers.DenseHead, shapes: dict[str, list[int]]) -> bool:
  """Whether a checkpoint has what a dense head of that name reads of blocks."""
  return isinstance(head, layers.DenseHead) and f"model/{name}/bias/{_VALUE}" in shapes


def _reading(head: layers.DenseHead) -> tf.train.Checkpoint:
  """Returns a dense head without its last convolution."""
  parts = {"projections": head.projections, "bias": head.bias, "head_weights": head.head_weights}
  return tf.train.Checkpoint(**parts)

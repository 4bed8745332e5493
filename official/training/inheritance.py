"""First weights from the parent's network: --inherit=blocks.

A network is built with random weights as always; then, before its first step, what a child can take
over from its parent's training is put in their place (inherited_values.py,
inherited_dense_head.py). If the parent's
training averages its weights, these are the averages. The optimizer starts from nothing, and
connection weights start near one half, as in any network: guidance would otherwise read in them
what the grandparent had learned.

A candidate that resumes from a checkpoint of its own has begun already. How it began stands beside
its checkpoints, in inheritance.json, written before its first step:

    {"lineage_steps": 400, "inherited": 0.93}

the training steps of its ancestors, and the share of its weights that it has from its parent. Both
are 0 where the parent's weights are no longer there, which can happen where somebody deleted them,
or deleted the candidate's result to have it trained again when its parent had left the population:
then it begins at random.
"""

from collections.abc import Iterator, Mapping
import dataclasses
import json
import os
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from official import layers
from official.architecture import lineage
from official.architecture import operators
from official.architecture import serialization
from official.layers import base
from official.layers import blocks
from official.layers import residual
from official.training import checkpoints
from official.training import inherited_dense_head
from official.training import inherited_values

FIELD = "lineage_steps"  # There is such a field in the candidate.json of a search that inherits.
FILE = "inheritance.json"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # What TensorFlow calls the nodes of a checkpoint.
_AVERAGE = "average"  # What Model Garden's optimizer calls the averages of the weights.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parent:
  """A parent whose weights are there.

  Attributes:
    architecture: JSON of its architecture.
    operators: JSON of the operators that made the child of it.
    checkpoint: Prefix of its newest checkpoint.
  """

  architecture: Mapping
  operators: list[Mapping]
  checkpoint: str


class FirstWeights:
  """Gives a network its first weights from its parent; called with it before its first step."""

  def __init__(self, candidate: Mapping, directory: str):
    """Takes the content of a candidate.json and the candidate's folder."""
    self._candidate = candidate
    self._directory = directory

  def __call__(self, model: tf.keras.Model) -> None:
    """Puts the parent's weights into a network, and writes inheritance.json.

    Raises:
      UserError: The parent's weights are damaged.
    """
    began: dict[str, Any] = {"lineage_steps": 0, "inherited": 0.0}
    parent = find(self._candidate, self._directory)
    if parent is not None:
      share = apply(model, self._candidate["architecture"], parent)
      began = {"lineage_steps": self._candidate["lineage_steps"], "inherited": round(share, 4)}
    temporary = f"{self._path}.tmp"
    with tf.io.gfile.GFile(temporary, "w") as file:
      file.write(json.dumps(began))
    tf.io.gfile.rename(temporary, self._path, overwrite=True)

  def facts(self, steps: int) -> dict[str, Any]:
    """Returns what a result says of it.

    Args:
      steps: Steps that the candidate has made.
    """
    with tf.io.gfile.GFile(self._path) as file:
      began = json.loads(file.read())
    return {**began, "lineage_steps": began["lineage_steps"] + steps}

  @property
  def _path(self) -> str:
    return os.path.join(self._directory, FILE)


def find(candidate: Mapping, directory: str) -> Parent | None:
  """Returns the parent of a candidate, None where it has none or the weights were deleted.

  Args:
    candidate: Content of its candidate.json.
    directory: Its folder, beside which the parent's lies.

  Raises:
    UserError: The parent's weights are damaged.
  """
  if candidate.get("parent_architecture") is None:
    return None
  folder = os.path.join(os.path.dirname(directory), f"{candidate['parent']:06d}", "training")
  remedy = (
    f"candidate {candidate['number']:06d} begins with these weights of its parent: restore them, "
    f"or delete {folder}, and it begins with random ones"
  )
  checkpoint = checkpoints.newest(folder, remedy)
  if checkpoint is None:
    return None
  return Parent(
    architecture=candidate["parent_architecture"],
    operators=candidate["child"]["operators"],
    checkpoint=checkpoint,
  )


def apply(model: tf.keras.Model, architecture: Mapping, parent: Parent) -> float:
  """Puts the parent's weights into a network that was just built.

  Args:
    model: The child's network.
    architecture: JSON of the child's architecture.
    parent: Its parent.

  Returns:
    The share of the weights, moving statistics included, that follow from the parent.
  """
  before, child = (serialization.from_json(each) for each in (parent.architecture, architecture))
  made = lineage.parts(before, map(operators.Operator.from_json, parent.operators))
  lines = (before, child, made, read(parent.checkpoint))
  heritage, dense = inherited_values.Heritage(*lines), inherited_dense_head.DenseHeritage(*lines)
  found = []
  for variable, inherited in _inherited(model, heritage, dense):
    if inherited is not None:
      variable.assign(inherited.value)
      found.append(inherited)
  return inherited_values.share(found, sum(int(np.prod(v.shape)) for v in model.variables))


def read(checkpoint: str) -> dict[str, np.ndarray]:
  """Returns the variables of the network in a checkpoint, by name; averages where it has them.

  Args:
    checkpoint: Prefix of its files.
  """
  reader = tf.train.load_checkpoint(checkpoint)
  graph = trackable_object_graph_pb2.TrackableObjectGraph()
  graph.ParseFromString(reader.get_tensor(_GRAPH))
  averages = {
    slot.original_variable_node_id: slot.slot_variable_node_id
    for node in graph.nodes
    for slot in node.slot_variables
    if slot.slot_name == _AVERAGE
  }
  values = {}
  for index, node in enumerate(graph.nodes):
    for attribute in node.attributes:
      key = attribute.checkpoint_key
      if key.startswith("model/") and "/.OPTIMIZER_SLOT/" not in key:
        if index in averages:
          key = graph.nodes[averages[index]].attributes[0].checkpoint_key
        values[attribute.full_name] = reader.get_tensor(key)
  return values


def _inherited(
  model: tf.keras.Model,
  heritage: inherited_values.Heritage,
  dense: inherited_dense_head.DenseHeritage,
) -> Iterator[tuple[tf.Variable, inherited_values.Inherited | None]]:
  """Yields the variables of a network, but for connection weights, and their first values."""
  for layer in model.layers:
    if isinstance(layer, blocks.Block):
      yield from _of_block(layer, heritage)
    elif isinstance(layer, layers.Combine):
      block = layer.name.removeprefix("combine_")
      for projection in layer.projections:
        channels = projection.kernel.shape[2]
        yield (
          projection.kernel,
          heritage.of_projection(block, channels, projection.kernel.numpy()),
        )
    elif isinstance(layer, layers.Head):
      kernel = heritage.of_head(layer.dense.kernel.numpy())
      yield layer.dense.kernel, kernel
      if kernel is not None:
        yield layer.dense.bias, heritage.of_head_bias(layer.dense.bias.numpy())
    elif isinstance(layer, layers.DenseHead):
      yield from _of_dense_head(layer, dense)


def _of_dense_head(
  head: layers.DenseHead, heritage: inherited_dense_head.DenseHeritage
) -> Iterator[tuple[tf.Variable, inherited_values.Inherited | None]]:
  """Yields the variables of a dense head, but for the strengths of blocks."""
  for projection in head.projections.values():
    _, stride, channels = projection.name.split("_")
    fresh = projection.kernel.numpy()
    yield projection.kernel, heritage.of_projection(int(stride), int(channels), fresh)
  for name, variable in head.common.items():
    yield variable, heritage.of_rest(name, variable.numpy())


def _of_block(
  layer: blocks.Block, heritage: inherited_values.Heritage
) -> Iterator[tuple[tf.Variable, inherited_values.Inherited | None]]:
  """Yields the variables of a block and their first values."""
  block = layer.name.removeprefix("block_")
  first = _first(layer.layers)
  reading = None if first is None else {id(kernel) for kernel in first}
  for variable in layer.weights:
    name = variable.name.split(":")[0].removeprefix(f"{layer.name}/")
    fresh = variable.numpy()
    if reading is None or not all(map(_is_regular, layer.layers)):
      yield variable, heritage.of_unknown(block, name, fresh)
    else:
      reads = id(variable) in reading
      yield variable, heritage.of_block(block, name, fresh, reads_input=reads)


def _first(chain: list[base.Layer]) -> list[tf.Variable] | None:
  """Returns the kernels that read what a chain of layers reads; None where others do."""
  for layer in chain:
    if isinstance(layer, residual.NormalizedConv):
      return [layer.convolution.kernel]
    if isinstance(layer, residual.Residual):
      branch, shortcut = _first(layer.branch), _first([layer.shortcut] if layer.shortcut else [])
      return None if branch is None or shortcut is None else branch + shortcut
    if layer.weights:
      return None
  return None


def _is_regular(layer: base.Layer) -> bool:
  """Whether a layer consists of convolutions and their normalizations."""
  if isinstance(layer, residual.Residual):
    return all(map(_is_regular, [*layer.branch, *([layer.shortcut] if layer.shortcut else [])]))
  if isinstance(layer, residual.NormalizedConv):
    kernel = getattr(layer.convolution, "kernel", None)
    return len(layer.convolution.weights) == 1 and layer.convolution.weights[0] is kernel
  return not layer.weights

"""The Keras model of an architecture.

    streams --> stems --> [pool] --> combine --> block --> ... --> head --> logits

The only place that knows both the genome (official.architecture, no TensorFlow) and the layers
(official.layers, no genome). Every block above level 0 is two layers of the functional model,
`combine_<id>`, which holds its connection weights, and `block_<id>`; every stem is one. Where a
block needs an input at a smaller size, the source is max-pooled once, `pool_<source>_by_<ratio>`,
for all blocks that need it so.
"""

from collections.abc import Callable, Mapping
import functools
import types

import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from official import layers
from official.architecture import dense_cost
from official.architecture import kinds
from official.architecture import network_version
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.layers import blocks
from official.layers import combine as combine_lib

_COMBINE = "combine_"
# The name of an attribute of a network, and so of a node of every checkpoint of it.
_VERSION = "network_version_"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # What TensorFlow calls the nodes of a checkpoint.


@tf.autograph.experimental.do_not_convert  # Keras would convert every layer, in twice the time.
def build_network(
  architecture: Architecture,
  *,
  streams: Mapping[str, int],
  num_frames: int,
  height: int,
  width: int,
  num_classes: int = 0,
  dense: dense_cost.Dense | None = None,
  pooling: str = "average",
  connection_weights: Mapping[Connection, float] | None = None,
  connection_multiplier: float = 1.0,
  freeze_connection_weights: bool = False,
  batch_norm_momentum: float = 0.99,
  batch_norm_epsilon: float = 1e-5,
  synchronized: bool = False,
  activation: str = "relu",
  sizes: Mapping[str, tuple[int, int]] = types.MappingProxyType({}),
) -> tf.keras.Model:
  """Returns the network of an architecture, a functional model with fresh weights.

  {stream: [batch, num_frames, height, width, channels]}, as the stems read them, -> float32 logits
  [batch, num_classes], or `dense` values [batch, num_frames, height * scale, width * scale, n].

  Args:
    architecture: What to build.
    streams: Channels of the dataset's streams, by name; it may have more than the stems read.
    num_frames, height, width: Size of a clip in frames and pixels.
    num_classes: Number of logits.
    dense: What it returns instead of logits.
    pooling: How the head pools over time: average, max or softmax (layers/head.py).
    connection_weights: Initial ones after the sigmoid, above 0 and at most 1; others start near one
      half. One of 1 passes its input on, and stays 1.
    connection_multiplier: K of the connection weights, sigmoid(K v).
    freeze_connection_weights: Whether connection weights stay where they begin. Then the only input
      of a block, unless its weight is given, has the weight 1, as in the published networks.
    batch_norm_momentum, batch_norm_epsilon: As of tf.keras.layers.BatchNormalization.
    synchronized: Whether batch statistics are those of all replicas of the distribution strategy.
    activation: Keras' name of what follows batch normalizations and shortcuts' sums.
    sizes: (height, width) of streams that have others than the clip (layers/resize.py).

  Raises:
    ValueError: A stream or a layer is missing, or an initial connection weight is out of range.
  """
  inputs = _inputs(architecture, streams, (num_frames, height, width), sizes)
  combine = functools.partial(
    layers.Combine, multiplier=connection_multiplier, frozen=freeze_connection_weights
  )
  norm = {"momentum": batch_norm_momentum, "epsilon": batch_norm_epsilon}
  block_layer = functools.partial(
    _block_layer, **norm, synchronized=synchronized, activation=activation
  )
  made = _connected(architecture, inputs, combine, block_layer, (height, width))
  sized = dict(size=(height, width), multiplier=connection_multiplier)
  head, read = _head(architecture, dense, num_classes, pooling, **sized)
  model = tf.keras.Model(inputs, head([made[name] for name in read]), name="video_network")
  frozen = _only_inputs(architecture) if freeze_connection_weights else {}
  _initialize(combines(model), {**frozen, **(connection_weights or {})})
  record_version(model)
  return model


def _head(
  architecture: Architecture,
  dense: dense_cost.Dense | None,
  num_classes: int,
  pooling: str,
  **dense_settings,
) -> tuple[tf.keras.layers.Layer, list[str]]:
  """Returns the head, and the blocks that it reads: those of the last level, or if dense all."""
  if dense:
    head = _dense_head(architecture, dense, **dense_settings)
    return head, [block.id for block in architecture.blocks]
  last = architecture.level(architecture.last_level)
  return layers.Head(num_classes, pooling=pooling, name="head"), [block.id for block in last]


def _only_inputs(architecture: Architecture) -> dict[Connection, float]:
  """Returns the weight 1 of each connection that is the only one of its target."""
  return {
    connection: 1.0
    for connection in architecture.connections
    if len(architecture.inputs(connection.target)) == 1
  }


def _connected(
  architecture: Architecture,
  inputs: Mapping[str, tf.Tensor],
  combine: Callable[..., layers.Combine],
  block_layer: Callable[[Block], blocks.Block],
  size: tuple[int, int],
) -> dict[str, tf.Tensor]:
  """Returns the outputs of all blocks, by level.

  Args:
    architecture: What to build.
    inputs: Clips by stream.
    combine: (sources, name) -> the layer that sums the inputs of a block.
    block_layer: Block -> its layer.
    size: (height, width) of a clip.
  """
  outputs: dict[str, tf.Tensor] = {}
  pooled: dict[tuple[str, int], tf.Tensor] = {}

  def shrunk(source: str, ratio: int) -> tf.Tensor:
    if ratio == 1:
      return outputs[source]
    if (source, ratio) not in pooled:
      pool = layers.SpatialMaxPool(ratio, name=f"pool_{source}_by_{ratio}")
      pooled[source, ratio] = pool(outputs[source])
    return pooled[source, ratio]

  for block in architecture.blocks:  # By level: sources come before their targets.
    if block.streams:
      combined = [inputs[stream] for stream in block.streams]
    else:
      sources = architecture.inputs(block.id)
      stride = architecture.input_stride(block.id)
      combined = combine(sources, name=_COMBINE + block.id)(
        [shrunk(source, stride // architecture.stride(source)) for source in sources]
      )
    outputs[block.id] = block_layer(block)(combined)
    if block.streams and tuple(combined[0].shape[2:4]) != size:
      wanted = [-(-side // block.spatial_stride) for side in size]
      resize = layers.SpatialResize(*wanted, name=f"resize_{block.id}")
      outputs[block.id] = resize(outputs[block.id])
  return outputs


def _dense_head(
  architecture: Architecture, dense: dense_cost.Dense, size: tuple[int, int], multiplier: float
) -> layers.DenseHead:
  return layers.DenseHead(
    dense.channels,
    sources=[block.id for block in architecture.blocks],
    strides=[architecture.stride(block.id) for block in architecture.blocks],
    scale=dense.scale,
    height=size[0] * dense.scale,
    width=size[1] * dense.scale,
    features=dense_cost.FEATURES,
    multiplier=multiplier,
    name="head",
  )


def record_version(model: tf.keras.Model) -> None:
  """Makes checkpoints of a model record the version of what its layers compute."""
  setattr(model, f"{_VERSION}{network_version.CURRENT}", [])


def check_version(checkpoint: str, what: str, remedy: str) -> None:
  """Raises UserError unless a checkpoint has the current network version.

  Args:
    checkpoint: Its prefix.
    what, remedy: As of `network_version.check`.
  """
  reader = tf.train.load_checkpoint(checkpoint)
  if not reader.has_tensor(_GRAPH):
    return  # It is of no network of ours, as whoever restores it will find.
  graph = trackable_object_graph_pb2.TrackableObjectGraph()
  graph.ParseFromString(reader.get_tensor(_GRAPH))
  names = {child.local_name for node in graph.nodes for child in node.children}
  versions = [int(name.removeprefix(_VERSION)) for name in names if name.startswith(_VERSION)]
  network_version.check(max(versions, default=None), what, remedy)


def connection_weights(model: tf.keras.Model) -> dict[tuple[str, str], float]:
  """Returns sigmoid(K v) of every connection, by (source, target), sorted."""
  weights = {}
  for target, layer in combines(model).items():
    for source, weight in zip(layer.sources, layer.strengths().numpy(), strict=True):
      weights[source, target] = float(weight)
  return dict(sorted(weights.items()))


def head_weights(model: tf.keras.Model) -> dict[str, float]:
  """Returns sigmoid(K v) of every block in a dense head, by block; nothing for other heads."""
  head = next((one for one in model.layers if isinstance(one, layers.DenseHead)), None)
  if head is None:
    return {}
  return dict(zip(head.sources, map(float, head.strengths().numpy()), strict=True))


def combines(model: tf.keras.Model) -> dict[str, layers.Combine]:
  """Returns the layers that hold the connection weights, by the block that they feed."""
  return {
    layer.name.removeprefix(_COMBINE): layer
    for layer in model.submodules
    if isinstance(layer, layers.Combine)
  }


def register_kind(name: str, **facts) -> Callable[[type[blocks.Block]], type[blocks.Block]]:
  """Returns a decorator that registers a layer class as a block kind from outside the tree.

  Args:
    name: `<module>.<kind>`, the module that the class is in and a name within it. An architecture
      that has such a kind imports the module.
    facts: What needs no TensorFlow: `convolutions`, `expansion` and so on, as of `kinds.Kind`.

  Raises:
    ValueError: There is already a kind of that name.
  """
  kinds.register(kinds.Kind(name=name, **facts))
  return blocks.register(name)


def _initialize(
  by_target: Mapping[str, layers.Combine], weights: Mapping[Connection, float]
) -> None:
  values = {target: layer.connection_weights.numpy() for target, layer in by_target.items()}
  for connection, weight in weights.items():
    layer = by_target.get(connection.target)
    if layer is None or connection.source not in layer.sources:
      raise ValueError(f"there is no connection {connection} to give the weight {weight}")
    if not 0 < weight <= 1:
      raise ValueError(
        f"connection {connection} has the weight {weight}; weights after the "
        "sigmoid are between 0 and 1, where 1 passes an input on as it is"
      )
    position = layer.sources.index(connection.source)
    values[connection.target][position] = combine_lib.logit(weight) / layer.multiplier
  for target in {connection.target for connection in weights}:
    by_target[target].connection_weights.assign(values[target])


def _inputs(
  architecture: Architecture,
  streams: Mapping[str, int],
  size: tuple[int, int, int],
  sizes: Mapping[str, tuple[int, int]],
) -> dict[str, tf.Tensor]:
  num_frames, *common = size
  for stem in architecture.stems:
    for stream in stem.streams:
      if stream not in streams:
        raise ValueError(
          f"stem {stem.id!r} reads the stream {stream!r}; the dataset has "
          f"{', '.join(sorted(streams))}"
        )
    if len({tuple(sizes.get(stream, common)) for stream in stem.streams}) > 1:
      raise ValueError(
        f"stem {stem.id!r} reads {' and '.join(stem.streams)}, which differ in height or width; "
        "give each a stem of its own"
      )
  return {
    stream: tf.keras.Input(
      [num_frames, *sizes.get(stream, common), streams[stream]], name=stream, dtype=tf.float32
    )
    for stream in architecture.streams
  }


def _block_layer(block: Block, **norm_activation) -> blocks.Block:
  return blocks.get(block.kind)(
    block.channels,
    modules=block.modules,
    temporal_dilation=block.temporal_dilation,
    spatial_stride=block.spatial_stride,
    intermediate_channels=block.intermediate_channels,
    name=f"block_{block.id}",
    **norm_activation,
  )

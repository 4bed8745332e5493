"""The networks of the conformance suite: every block kind and every head, small.

Two stems (rgb and flow, of different size and width) and two blocks of 8 channels, so that pooling,
projection, a connection over a level and the head all take part. A kind that is registered is
tested: there is no list of kinds here.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from official import network
from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.layers import checkpointing
from official.layers import head

KINDS = tuple(kind for kind in kinds.names() if not kinds.get(kind).is_stem)
CLASSES = 5
STREAMS = {"rgb": 3, "flow": 2}
# Kinds of the two blocks, and the head: every kind and every head is in one of them.
PAIRS = tuple(
  (KINDS[2 * i % len(KINDS)], KINDS[(2 * i + 1) % len(KINDS)], head.POOLINGS[i % 3])
  for i in range(max(3, -(-len(KINDS) // 2)))
)


def architecture(first: str, second: str, modules: int = 2) -> Architecture:
  """Returns two stems and two blocks, of the kinds `first` and `second`."""
  return Architecture(
    (
      Block(id="rgb", level=0, kind="stem_2plus1d", streams=("rgb",), channels=8, spatial_stride=2),
      Block(id="flow", level=0, kind="stem_2d", streams=("flow",), channels=4, spatial_stride=4),
      _block("a", 1, first, modules=modules, temporal_dilation=2),
      _block("b", 2, second, modules=modules, spatial_stride=2),
    ),
    (Connection("rgb", "a"), Connection("flow", "a"), Connection("a", "b"), Connection("rgb", "b")),
  )


def _block(name: str, level: int, kind: str, **settings) -> Block:
  middle = 6 if kinds.get(kind).needs_intermediate_channels else None
  return Block(
    id=name,
    level=level,
    kind=kind,
    channels=8,
    intermediate_channels=middle,
    **settings,
  )


def build(
  first: str, second: str, pooling: str, *, modules: int = 2, synchronized: bool = False
) -> tf.keras.Model:
  """Returns the network with fresh weights, the same ones in every call."""
  tf.keras.utils.set_random_seed(1)
  return network.build_network(
    architecture(first, second, modules),
    streams=STREAMS,
    num_frames=4,
    height=16,
    width=16,
    num_classes=CLASSES,
    pooling=pooling,
    batch_norm_momentum=0.9,
    synchronized=synchronized,
  )


def clips(batch: int = 2) -> dict[str, np.ndarray]:
  """Returns random clips for the network."""
  rng = np.random.default_rng(0)
  return {
    name: rng.normal(size=[batch, 4, 16, 16, channels]).astype(np.float32)
    for name, channels in STREAMS.items()
  }


def labels(batch: int) -> np.ndarray:
  """Returns a class for every clip."""
  return np.arange(batch) % CLASSES


def step(
  model: tf.keras.Model,
  optimizer: tf.keras.optimizers.Optimizer,
  examples: int,
  *,
  gradient_checkpointing: bool = False,
) -> Callable[[dict, tf.Tensor], tf.Tensor]:
  """Returns a training step on (clips, labels) whose loss is a mean over `examples` examples."""

  def train(inputs, classes):
    with tf.GradientTape() as tape, checkpointing.blocks(gradient_checkpointing):
      losses = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, model(inputs, training=True))
      loss = tf.reduce_sum(losses) / examples
    variables = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss

  return train

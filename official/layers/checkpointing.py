"""Gradient checkpointing: less memory for more time.

A training step keeps what every layer wrote until the backward pass reads it. Within `blocks()`
a block keeps its input alone; when the backward pass comes to it, the block computes its layers
once more. At the cost of another forward pass, what is kept at a time is the input and output of
every block and the inside of one. (Chen et al., 2016, "Training deep nets with sublinear memory
cost".)

    with tf.GradientTape() as tape, checkpointing.blocks():
      logits = network(clips, training=True)

The second computation equals the first, so that gradients do; it must leave no second trace.
`BatchNorm` therefore does not update its moving statistics while `is_again()`. Blocks of one level
do not depend on each other, and TensorFlow would compute them all again at once; each waits for the
gradient of the one before.

This is a matter of one call of a network, and belongs to no configuration, checkpoint or export.
It is kept by thread: a MirroredStrategy traces each replica in one, in turns.
"""

from collections.abc import Callable, Iterator
import contextlib
import itertools
import threading

import tensorflow as tf


class _Mode(threading.local):
  """The state of gradient checkpointing in a thread.

  Attributes:
    finished: None outside of `blocks()`; within, what the latest backward pass of a block computed,
      if there was one.
    again: See `is_again`.
  """

  finished: list[tf.Tensor] | None = None
  again = False


_mode = _Mode()


@contextlib.contextmanager
def blocks(wanted: bool = True) -> Iterator[None]:
  """Blocks that are called within, in this thread, are computed again in the backward pass."""
  before, _mode.finished = _mode.finished, [] if wanted else None
  try:
    yield
  finally:
    _mode.finished = before


def is_again() -> bool:
  """Returns whether the forward pass has already computed what is computed now."""
  return _mode.again


def run(function: Callable[[tf.Tensor], tf.Tensor], clips: tf.Tensor) -> tf.Tensor:
  """Returns function(clips); within `blocks()` nothing that is computed on the way is kept."""
  finished = _mode.finished
  if finished is None:
    return function(clips)
  times = itertools.count()

  @tf.custom_gradient
  def in_turn(clips: tf.Tensor):

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
      finished[:] = [upstream]
      return upstream

    with tf.control_dependencies(finished):
      return tf.identity(clips), gradient

  @tf.recompute_grad
  def computed(clips: tf.Tensor) -> tf.Tensor:
    before, _mode.again = _mode.again, next(times) > 0
    try:
      return function(in_turn(clips) if _mode.again else clips)
    finally:
      _mode.again = before

  return computed(clips)

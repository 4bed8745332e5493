"""Activation functions of the layers, and a look at what they give out.

The look is for whoever studies a network, and it is no part of the network:

    with activity.watched() as outputs:
      model(clips)  # `outputs` now has what every activation gave out, in the order of the calls.
"""

from collections.abc import Iterator
import contextlib
import threading

import tensorflow as tf


class _Watch(threading.local):
  """The list that receives the outputs in a thread; None where nobody watches."""

  outputs: list[tf.Tensor] | None = None


_watch = _Watch()


def activate(name: str, values: tf.Tensor) -> tf.Tensor:
  """Returns what Keras' activation function of that name makes of values."""
  activated = tf.keras.activations.get(name)(values)
  if _watch.outputs is not None:
    _watch.outputs.append(activated)
  return activated


@contextlib.contextmanager
def watched() -> Iterator[list[tf.Tensor]]:
  """Yields a list that receives the outputs of all activations within the block."""
  before, _watch.outputs = _watch.outputs, []
  try:
    yield _watch.outputs
  finally:
    _watch.outputs = before

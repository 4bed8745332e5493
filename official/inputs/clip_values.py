"""Values of streams: as they are kept and sent, and as networks take them.

    image           uint8, 0 to 255                       float32, -1 (black) to 1
    flow            uint8, as stored (data_prep.dataset.metadata)  float32, in pixels of the square
    flow, resized   float16, in pixels of the square      float32, the same

Clips stay in the small types until a step takes them: fresh memory, copies, and the way to an
accelerator cost by the byte. A step makes float32 of them where it runs (docs/inputs.md has what
that takes). The precision of float16 is finer than that of stored flow.

Stored flow says nothing of its unit, so that batches do: beside `flow` they have `flow/step`, the
pixels from one value to the next.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from data_prep.dataset import metadata

_STEP = "/step"


def kept_type(stream: metadata.StreamInfo, *, resized: bool) -> np.dtype:
  """Returns the type in which values of a stream are kept and sent.

  Args:
    stream: Which one.
    resized: Whether its frames are brought to another size.
  """
  return np.dtype(np.float16 if stream.kind == "flow" and resized else np.uint8)


def step(name: str, stream: metadata.StreamInfo) -> tuple[str, float]:
  """Returns what a batch has beside a stream of stored flow: its name, and a number a clip."""
  return name + _STEP, metadata.flow_step(stream.bound)


def for_network(streams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
  """Returns a batch's streams, by name, as networks take them; float32 stays as it is."""
  return {
    name: _values(values, streams.get(name + _STEP))
    for name, values in streams.items()
    if not name.endswith(_STEP)
  }


def scaled(levels: tf.Tensor) -> tf.Tensor:
  """Returns grey levels, 0 to 255, as float32 from -1 to 1."""
  return tf.cast(levels, tf.float32) / 127.5 - 1


def _values(values: tf.Tensor, pixels: tf.Tensor | None) -> tf.Tensor:
  if pixels is not None:
    clips = tf.reshape(tf.cast(values, tf.float32), [tf.size(pixels), -1])
    return tf.reshape((clips - metadata.ZERO_FLOW) * pixels[:, tf.newaxis], tf.shape(values))
  return scaled(values) if values.dtype == tf.uint8 else tf.cast(values, tf.float32)

"""Values of streams: as they are kept and sent, and as networks take them.

    image   uint8, 0 to 255                        float32, -1 (black) to 1
    flow    float16, in pixels of the square       float32, the same

Clips stay in the small types until a step takes them: fresh memory, copies, and the way to an
accelerator cost by the byte. A step makes float32 of them where it runs (docs/inputs.md has what
that takes). The precision of float16 is finer than that of stored flow.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from data_prep import dataset


def kept_type(stream: dataset.StreamInfo) -> np.dtype:
  """Returns the type in which values of a stream are kept and sent."""
  return np.dtype(np.float16 if stream.kind == "flow" else np.uint8)


def for_network(streams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
  """Returns a batch's streams, by name, as networks take them; float32 stays as it is."""
  return {
    name: scaled(values) if values.dtype == tf.uint8 else tf.cast(values, tf.float32)
    for name, values in streams.items()
  }


def scaled(levels: tf.Tensor) -> tf.Tensor:
  """Returns grey levels, 0 to 255, as float32 from -1 to 1."""
  return tf.cast(levels, tf.float32) / 127.5 - 1

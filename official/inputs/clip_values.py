"""Values of streams: as they are kept and sent, and as networks take them.

Clips stay in the small types of their kinds (data_prep.dataset.stream_kinds) until a step takes
them: fresh memory, copies, and the way to an accelerator cost by the byte. A step makes float32 of
them where it runs (docs/performance.md says how long that takes). Where values alone do not say
what they mean, a batch has a number for each clip beside them, `<stream>/<name>` (stream_tensors).
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from data_prep.dataset.streams import StreamInfo
from official.inputs import stream_tensors
from official.inputs.stream_tensors import image


def beside(name: str, stream: StreamInfo, *, resized: bool) -> dict[str, float | np.ndarray]:
  """Returns what a batch has beside a stream: numbers for each clip, by their name, or nothing.

  Args:
    name, stream: Which one.
    resized: Whether its frames are brought to another size.
  """
  tensors = stream_tensors.get(stream.kind)
  number = tensors.beside(stream, resized=resized)
  return {} if number is None else {f"{name}/{tensors.beside_name}": number}


def for_network(streams: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
  """Returns a batch's streams, by name, as networks take them; float32 stays as it is."""
  with_beside = stream_tensors.with_beside()
  made = {}
  for name, values in streams.items():
    if name.rpartition("/")[2] in with_beside and "/" in name:
      continue
    for beside_name, tensors in with_beside.items():
      if (number := streams.get(f"{name}/{beside_name}")) is not None:
        made[name] = tensors.to_network(values, number)
        break
    else:
      is_grey = values.dtype == tf.uint8
      made[name] = image.scaled(values) if is_grey else tf.cast(values, tf.float32)
  return made

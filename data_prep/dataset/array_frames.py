"""Frames of numbers as a dataset holds them: any number of channels, to the bit.

A stored frame is the bytes of a `.npy` file (type, shape and values), compressed by zlib:

    zlib(npy(values [height, width, channels]))

so that it says what it is, and any program reads it with two calls.
"""

import io
import zlib

import numpy as np

FORMAT = "zlib"
TYPES = ("float16", "float32", "uint8", "uint16")
_LEVEL = 6


def encode(values: np.ndarray) -> bytes:
  """Returns a stored frame.

  Args:
    values: [height, width, channels], of one of `TYPES`.
  """
  file = io.BytesIO()
  np.lib.format.write_array(file, np.ascontiguousarray(values), version=(1, 0), allow_pickle=False)
  return zlib.compress(file.getvalue(), _LEVEL)


def decode(data: bytes) -> np.ndarray | None:
  """Returns what `encode` was given; None if the bytes are no stored frame."""
  try:
    values = np.lib.format.read_array(io.BytesIO(zlib.decompress(data)), allow_pickle=False)
  except (zlib.error, ValueError, EOFError):
    return None
  return values if values.ndim == 3 and str(values.dtype) in TYPES else None

"""Depth: one channel of distances, of 16 bits or a float type; 0 where nothing was measured.

It is stored and kept as an array (array.py), with two differences, both because of the zeros:

* mean and spread are those of the distances that were measured, and a network takes 0, as of a
  distance that is the mean, where none was;
* resizing takes the nearest pixel, so that no distance arises between an edge and what is behind.
"""

import cv2
import numpy as np

from data_prep.dataset import stream_kinds
from data_prep.dataset.stream_kinds import array


class Depth(array.Array):
  """The kind `depth`."""

  def counted(self, seen: np.ndarray) -> np.ndarray:
    values = seen.reshape(-1, 1)
    return values[values[:, 0] != 0]

  def _scaled(self, values: np.ndarray, width: int, height: int) -> np.ndarray:
    exact = values.astype(np.float32)  # OpenCV knows no float16; 16 bits fit exactly.
    nearest = cv2.resize(exact, (width, height), interpolation=cv2.INTER_NEAREST)
    return nearest.reshape(height, width, 1).astype(values.dtype)


KIND = stream_kinds.register(
  Depth(name="depth", channels=(1,), unit="(distance - mean) / spread, 0 where there is none")
)

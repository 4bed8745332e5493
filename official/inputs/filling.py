"""Whole batches, filled in place by threads.

`tf.data` would take a clip at a time and copy it into its batch. At hundreds of clips a second that
costs as much as a tenth of their decoding, and fresh memory for every batch as much again: pages
that the system must clear, and that no cache holds. So the threads that decode write each clip
where the batch wants it, and the memory of a batch is used again when nobody has it any more.
"""

from collections.abc import Callable, Sequence
from concurrent import futures
import functools
import sys
import threading

import numpy as np
import tensorflow as tf

_ALIGNMENT = 64  # Bytes; TensorFlow copies what is not at a multiple.
_UNUSED = 3  # References: the list's, the loop's and that of the function that counts them.


class Filler:
  """Makes batches of arrays; may be called by several threads, whose clips are read in turn."""

  def __init__(
    self,
    specs: Sequence[tf.TensorSpec],
    read: Callable[..., None],
    threads: int,
  ):
    """Keeps what is to be done.

    Args:
      specs: Specs of the arrays of one example.
      read: (arguments of an example..., arrays to write them into...).
      threads: How many examples are read at a time, over all fillers with this number of threads.
    """
    self._specs, self._read = specs, read
    self._pool = _pool(threads)
    self._memories = [_Memories() for _ in specs]

  def __call__(self, *arguments: np.ndarray) -> list[np.ndarray]:
    """Returns arrays [batch, ...]; each of the arguments is [batch, ...] too."""
    count = len(arguments[0])
    arrays = [
      memories.array((count, *spec.shape), spec.dtype.as_numpy_dtype)
      for memories, spec in zip(self._memories, self._specs)
    ]
    # Of an array of numbers [batch], array[n] would be a number: array[n, ...] is an array.
    work = [
      self._pool.submit(
        self._read, *(one[n] for one in arguments), *(one[n, ...] for one in arrays)
      )
      for n in range(count)
    ]
    try:
      for one in work:
        one.result()
    finally:
      for one in work:  # Where one has failed, the others' clips are of no use.
        one.cancel()
      futures.wait(work)
    return arrays


class _Memories:
  """Arrays whose memory is reused once nothing refers to it."""

  def __init__(self):
    self._lock = threading.Lock()
    self._all: list[np.ndarray] = []

  def array(self, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    """Returns an array of that shape and type, of any values."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    with self._lock:
      for memory in self._all:
        # Every array in a memory refers to it, and every tensor to its array.
        if len(memory) == size + _ALIGNMENT and sys.getrefcount(memory) == _UNUSED:
          break
      else:
        memory = np.empty(size + _ALIGNMENT, np.uint8)
        self._all.append(memory)
      start = -memory.ctypes.data % _ALIGNMENT
      return memory[start : start + size].view(dtype).reshape(shape)


@functools.cache
def _pool(threads: int) -> futures.ThreadPoolExecutor:
  return futures.ThreadPoolExecutor(threads, "clips")

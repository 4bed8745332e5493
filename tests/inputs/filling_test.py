"""Batches that threads fill in place."""

from concurrent import futures
import threading

import numpy as np
import pytest
import tensorflow as tf

from official.inputs import filling

_SPECS = [tf.TensorSpec([3, 5], tf.uint8), tf.TensorSpec([], tf.float32)]


def _squares(number, clip, square):
  clip[...] = number
  square[...] = number * number


def _filler(read=_squares, threads=2):
  return filling.Filler(_SPECS, read, threads)


def test_every_example_is_where_the_batch_wants_it():
  clips, squares = _filler()(np.arange(7))
  assert (clips.shape, clips.dtype, squares.dtype) == ((7, 3, 5), np.uint8, np.float32)
  assert (clips == np.arange(7)[:, None, None]).all()
  assert squares.tolist() == [0, 1, 4, 9, 16, 25, 36]


def test_memory_is_used_again_only_when_nobody_has_the_batch():
  fill = _filler()
  first = fill(np.arange(4))[0]
  part = first[2:]
  address = first.ctypes.data
  del first
  assert fill(np.arange(4))[0].ctypes.data != address
  assert (part == [[[2]], [[3]]]).all()
  del part
  assert address in {fill(np.arange(4))[0].ctypes.data for _ in range(2)}


def test_tensors_keep_what_they_were_made_of():
  fill = _filler()

  @tf.function
  def batch(start):
    return tf.numpy_function(fill, [start + tf.range(4)], [tf.uint8, tf.float32], stateful=False)

  batches = [batch(start)[0] for start in range(0, 40, 4)]
  for start, clips in zip(range(0, 40, 4), batches):
    assert (clips.numpy() == np.arange(start, start + 4)[:, None, None]).all()


def test_tensorflow_takes_the_arrays_without_a_copy():
  fill = _filler()
  addresses = []

  def watched(numbers):
    arrays = fill(numbers)
    addresses.append(arrays[0].ctypes.data)
    return arrays

  batches = tf.data.Dataset.range(3).map(
    lambda n: tf.numpy_function(watched, [n + tf.range(4, dtype=tf.int64)], [tf.uint8, tf.float32])
  )
  found = [np.asarray(memoryview(clips)).ctypes.data for clips, _ in batches]
  assert found == addresses


def test_as_many_examples_are_read_at_a_time_as_there_are_threads():
  together = threading.Barrier(3, timeout=60)

  def read(number, clip, square):
    together.wait()
    _squares(number, clip, square)

  assert _filler(read, threads=3)(np.arange(6))[1].tolist() == [0, 1, 4, 9, 16, 25]


def test_several_batches_may_be_asked_for_at_once():
  fill = _filler()
  with futures.ThreadPoolExecutor(4) as pool:
    batches = list(pool.map(lambda start: fill(np.arange(start, start + 5))[1], range(20)))
  assert [batch.tolist() for batch in batches] == [
    [n * n for n in range(start, start + 5)] for start in range(20)
  ]


def test_an_example_that_cannot_be_read_fails_the_batch_and_no_other():
  def read(number, clip, square):
    if number == 3:
      raise ValueError("example 3")
    _squares(number, clip, square)

  fill = _filler(read)
  with pytest.raises(ValueError, match="example 3"):
    fill(np.arange(6))
  assert fill(np.arange(3))[1].tolist() == [0, 1, 4]

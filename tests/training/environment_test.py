"""Some of TensorFlow's errors are faults of the environment."""

import errno
import os

import pytest
import tensorflow as tf

from data_prep.common import cli
from data_prep.common import faults
from official.training import candidate_trainer


def _through_a_pipeline(error: Exception) -> None:
  """Raises an error where the clips of a training are read."""

  def read(_):
    raise error

  batches = tf.data.Dataset.range(1).map(
    lambda n: tf.numpy_function(read, [n], tf.int64, stateful=False)
  )
  next(iter(batches))


def _infeasible(function, *arguments) -> dict:
  with candidate_trainer.infeasible() as result:
    function(*arguments)
  return result


@pytest.mark.parametrize(
  "error, told",
  [
    (cli.UserError("the clip 'a' has no frames"), "the clip 'a' has no frames"),
    (
      OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x"),
      "[Errno 28] No space left on device: '/x'; make room there",
    ),
    (
      FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/x"),
      "[Errno 2] No such file or directory: '/x'; restore it",
    ),
  ],
)
def test_what_clips_run_into_is_told_and_no_verdict(error, told):
  with pytest.raises(tf.errors.OpError) as raised:
    _infeasible(_through_a_pipeline, error)
  assert faults.describe(raised.value) == told


def test_a_full_disk_is_no_verdict():
  with pytest.raises(tf.errors.ResourceExhaustedError) as raised:
    _infeasible(tf.io.write_file, "/dev/full", "x" * 100_000)
  assert faults.describe(raised.value) == ("/dev/full; No space left on device; make room there")


@pytest.mark.parametrize(
  "function, arguments",
  [
    (_through_a_pipeline, (MemoryError("3 GB"),)),
    (tf.zeros, ([10**6, 10**6, 10],)),
  ],
)
def test_too_little_memory_is_infeasible(function, arguments):
  result = _infeasible(function, *arguments)
  assert result["status"] == "infeasible" and result["reason"].startswith("out of memory: ")

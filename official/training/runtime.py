"""TensorFlow's process-wide settings: threads, determinism, devices, strategy."""

import functools
import os

from official.common import distribute_utils
import tensorflow as tf

from data_prep import cli


@functools.cache
def start(threads: int, several_processes: bool = False) -> None:
  """Pins the threads of an operation and makes operations deterministic.

  Sums are split over threads, so that their number shows in the last bits; it belongs to the
  identity of a search.

  Args:
    threads: Threads that share one operation; 0 leaves the choice to TensorFlow, in a process that
      uses it already.
    several_processes: Whether the training is one of several processes; then threads are left to
      TensorFlow. Operations wait for those of other processes, and with pinned threads that hung.
  """
  if os.environ.get("TF_USE_LEGACY_KERAS"):
    raise cli.UserError(
      "TF_USE_LEGACY_KERAS is set, and networks here are built with TensorFlow's own tf.keras; "
      "unset it"
    )
  if threads and not several_processes:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
  tf.config.experimental.enable_op_determinism()
  for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)


@functools.cache
def strategy(name: str, num_gpus: int, tpu: str) -> tf.distribute.Strategy:
  """Returns the strategy, one object a process: a second one may hang in collectives.

  Without GPUs `mirrored` has a replica on every logical CPU.
  """
  if name == "mirrored" and not num_gpus:
    return tf.distribute.MirroredStrategy(
      [device.name for device in tf.config.list_logical_devices("CPU")]
    )
  return distribute_utils.get_distribution_strategy(name, num_gpus=num_gpus, tpu_address=tpu)

"""TensorFlow's process-wide settings: threads, determinism, devices, strategy."""

import functools
import os
import signal
import threading

from official.common import distribute_utils
import tensorflow as tf
from tensorflow.python.distribute import multi_worker_util
from tensorflow.python.eager import context
from tensorflow.tsl.protobuf import coordination_config_pb2

from data_prep.common import cli
from official.training import config
from official.training.config import Training

# Seconds after which a process that trains with others and is not heard of is taken for dead.
# TensorFlow's 10 are two heartbeats: a network that is away for 5 seconds can swallow both.
_SECONDS_OF_SILENCE = 30


def prepare(setup: Training) -> tf.distribute.Strategy:
  """Prepares this process for the trainings of a setup; returns their strategy.

  It may be called again, for the same threads and devices.

  Raises:
    UserError: The devices are not there, or cannot share a batch evenly.
  """
  start(setup.devices.threads, setup.devices.deterministic_ops)
  chosen = _strategy(
    setup.devices.distribution_strategy, setup.devices.num_gpus or 0, setup.devices.tpu
  )
  replicas = chosen.num_replicas_in_sync
  if setup.schedule.batch_size % replicas:
    raise cli.UserError(
      f"--batch_size={setup.schedule.batch_size} cannot be shared by {replicas} replicas; give a "
      f"multiple of {replicas}"
    )
  return chosen


@functools.cache
def start(threads: int, deterministic: bool = True) -> None:
  """Pins the threads of an operation, and makes operations deterministic if asked to.

  Sums are split over threads, so that their number shows in the last bits; it belongs to the
  identity of a search.

  Args:
    threads: Threads that share one operation; 0 leaves the choice to TensorFlow, in a process that
      uses it already.
    deterministic: Whether equal operations give equal bits. Steps that are traced before do not
      change.
  """
  if os.environ.get("TF_USE_LEGACY_KERAS"):
    raise cli.UserError(
      "TF_USE_LEGACY_KERAS is set, and networks here are built with TensorFlow's own tf.keras; "
      "unset it"
    )
  if threads:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
  if deterministic:
    tf.config.experimental.enable_op_determinism()
  for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)


@functools.cache
def _strategy(name: str, num_gpus: int, tpu: str) -> tf.distribute.Strategy:
  """Returns the strategy, one object a process: a second one may hang in collectives.

  Without GPUs `mirrored` has a replica on every logical CPU, `multi_worker_mirrored` one in every
  process.
  """
  if name == "tpu":
    return _on_tpu(tpu)
  gpus = _gpus(name, num_gpus)
  if name == "multi_worker_mirrored":
    tf.config.set_visible_devices(gpus, "GPU")  # It takes all that are visible.
    return _with_others()
  if name == "mirrored" and not num_gpus:
    return tf.distribute.MirroredStrategy(
      [device.name for device in tf.config.list_logical_devices("CPU")]
    )
  return distribute_utils.get_distribution_strategy(name, num_gpus=num_gpus)


def _with_others() -> tf.distribute.Strategy:
  """Returns the strategy of several processes, when all of them are there.

  TensorFlow waits without letting Python run: Ctrl-C has its default action meanwhile. SIGTERM has
  no effect there, for TensorFlow gives it a handler; after that it has again the action that Python
  knows of.
  """
  _set_patience()
  if threading.current_thread() is not threading.main_thread():
    return tf.distribute.MultiWorkerMirroredStrategy()
  print("waiting for the other processes of TF_CONFIG", flush=True)
  interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
  try:
    return tf.distribute.MultiWorkerMirroredStrategy()
  finally:
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _set_patience() -> None:
  """Sets up TensorFlow's coordination service as the strategy would, but for the time-out."""
  cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec()
  context.context().configure_coordination_service(
    service_type="standalone",
    service_leader=multi_worker_util.coordination_leader(cluster),
    coordinated_jobs=[
      coordination_config_pb2.CoordinatedJob(name=job, num_tasks=cluster.num_tasks(job))
      for job in ("chief", "worker")
      if job in cluster.jobs
    ],
    heartbeat_timeout_in_ms=_SECONDS_OF_SILENCE * 1000,
  )


def _gpus(strategy: str, wanted: int) -> list[tf.config.PhysicalDevice]:
  """Returns the GPUs of the training."""
  if wanted > 1 and strategy == "one_device":
    raise cli.UserError(
      f"--num_gpus={wanted} with --distribution_strategy=one_device; give "
      "--distribution_strategy=mirrored, or --num_gpus=1"
    )
  gpus = tf.config.list_physical_devices("GPU")
  if wanted > len(gpus):
    raise cli.UserError(
      f"--num_gpus={wanted}, and TensorFlow finds {len(gpus)} GPUs on this machine "
      f"(CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', '(not set)')}); "
      f"give --num_gpus={len(gpus)} or leave it out"
    )
  return gpus[:wanted]


def _on_tpu(address: str) -> tf.distribute.Strategy:
  """Returns the strategy of this machine's TPU.

  Raises:
    UserError: There is none, or the address is that of another machine.
  """
  config.check_tpu(address)
  try:
    return distribute_utils.get_distribution_strategy("tpu", tpu_address=address)
  except (OSError, ValueError, TypeError, RuntimeError, ImportError, tf.errors.OpError) as error:
    told = getattr(error, "message", str(error)).strip(" .\n") or type(error).__name__
    raise cli.UserError(
      f"--distribution_strategy=tpu: no TPU at --tpu={address}: {told.splitlines()[0]:.200}; "
      "TensorFlow's wheel on PyPI has no TPU driver: run this on a TPU machine with the wheel that "
      "Google has for it, or give another --distribution_strategy"
    ) from error

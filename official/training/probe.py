"""A probe of a training: a few real steps, timed, and the memory that they need.

A probe builds a network as a training does (task, optimizer, strategy, real clips), trains
it for some steps with a quarter of the batch and then with the whole of it, and evaluates a few
batches. Nothing is kept. The small batch comes first, so that a network that does not fit still
says what it needs.

Memory is a peak over what the process held before the network was built. A peak only grows, but
Linux takes it back on request (`clear_refs`), so that each batch size has a peak of its own;
elsewhere the second one contains the first. What grows with the batch is activations and their
gradients; a line through the two peaks tells that from the rest (variables, optimizer, graph), and
where the line meets the memory that is there, the batch ends.

On the CPU a peak is that of the resident memory. What a network leaves, the allocator keeps and
gives to the next one, which then seems to need next to nothing; so a process tells the memory of
its first network only. A GPU's allocator counts what is in use, and has no such trouble.
"""

from collections.abc import Mapping
import contextlib
import ctypes
import dataclasses
import gc
import itertools
import os
import resource
import statistics
import sys
import time

from official.architecture import cost
from official.architecture import serialization
from official.inputs import stream_sizes
from official.training import candidate_trainer
from official.training import config as config_lib
from official.training import progress_file
from official.training.config import Training

_EVALUATED_BATCHES = 3
_UNKNOWN = (
  "params",
  "flops",
  "seconds_a_step",
  "seconds_to_first_step",
  "seconds_to_evaluate",
  "memory_bytes",
  "memory_bytes_a_clip",
  "batch_that_fits",
)
_networks = itertools.count()  # Probed by this process.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
  """Finds what a candidate's training takes; called like an evaluator.

  Attributes:
    setup: Setup of the trainings in question.
    steps: Steps at each of the two batch sizes; the first is not timed.
    workers: Trainings that share this machine's memory, or the GPU's.
  """

  setup: Training
  steps: int = 5
  workers: int = 1

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    """Returns what was measured, None for what could not be.

    Returns:
      status, reason: "ok", or "infeasible" and why: it is out of memory.
      params: Trainable parameters.
      flops: Operations of one clip, forward.
      seconds_a_step: Median, at the training's batch size.
      seconds_to_first_step: From nothing to the end of the first step: building and tracing. Clips
        are decoded already.
      seconds_to_evaluate: For the validation split, once.
      memory_bytes: Peak of training and evaluation, over what was there before.
      memory_bytes_a_clip: What another clip in the batch takes.
      batch_that_fits: About, a power of two; 0 if not even one clip fits.
    """
    with candidate_trainer.printing_to(os.path.join(directory, "log.txt")):
      with candidate_trainer.infeasible() as result:
        result.update({"status": "ok", "reason": None, **dict.fromkeys(_UNKNOWN)})
        self._measure(candidate, directory, result)
    return result

  def _measure(self, candidate: Mapping, directory: str, result: dict) -> None:
    """Adds to the result as it goes, so that what is known remains if memory ends."""
    bench = _Bench(self.setup, candidate, directory)
    result.update(bench.costs())
    batch = self.setup.schedule.batch_size
    small = _quarter(batch, bench.replicas)
    available = bench.memory.available(self.workers)
    bench.build()
    peaks = {}
    if small < batch:
      _, _, peaks[small] = bench.train(small, self.steps)
      result["batch_that_fits"] = _power_of_two(small)
    first, seconds, peaks[batch] = bench.train(batch, self.steps)
    result.update(
      seconds_a_step=seconds,
      seconds_to_first_step=bench.seconds_to_build + first,
      memory_bytes=peaks[batch],
      **fit(peaks, available),
    )
    result["seconds_to_evaluate"], peak = bench.evaluate()
    if peak is not None and peaks[batch] is not None:
      result["memory_bytes"] = max(peak, peaks[batch])


class _Bench:
  """One network on trial."""

  def __init__(self, setup: Training, candidate: Mapping, directory: str):
    from official.training import experiment  # imports TensorFlow

    self._setup, self._candidate = setup, candidate
    self._report = progress_file.Progress(directory)
    self._report("starting")
    self._config, self._strategy, self._task = experiment.prepare(
      setup, candidate["architecture"], candidate["seed"], self._report
    )
    self._store = self._task.store(self._config.task.validation_data)
    self.memory = _Memory(setup)
    self.replicas = self._strategy.num_replicas_in_sync
    self.seconds_to_build = 0.0

  def costs(self) -> dict:
    """Returns parameters and FLOPs."""
    architecture = serialization.from_json(self._candidate["architecture"])
    clip = config_lib.clip_of(
      self._setup,
      {name: stream.channels for name, stream in self._store.streams.items()},
      self._task.output,
      stream_sizes.others(self._store.streams, self._setup.data.image_size),
    )
    return {
      "params": cost.parameters(architecture, clip.streams, clip.num_classes, clip.dense),
      "flops": cost.flops(architecture, clip),
    }

  def build(self) -> None:
    from official.training import experiment

    self.memory.start()
    start = time.monotonic()
    self._model, self._optimizer = experiment.build(
      self._config, self._strategy, self._task, self._candidate["seed"], self._report
    )
    self.seconds_to_build = time.monotonic() - start

  def train(self, batch: int, steps: int) -> tuple[float, float, int | None]:
    """Returns the seconds of the first step and of the others (median), and the peak in bytes."""
    import tensorflow as tf

    from official.training import experiment

    self.memory.reset()
    setup = config_lib.replace(self._setup, batch_size=batch)
    config = experiment.configure(setup, self._candidate["architecture"], self._candidate["seed"])
    seconds = []
    start = time.monotonic()
    trainer = self._trainer(config, train=True)
    for step in range(max(steps, 2)):
      self._report("training" if step else "tracing", step, steps)
      with self._strategy.scope():
        trainer.train(tf.constant(1))
      seconds.append(time.monotonic() - start)
      start = time.monotonic()
    return seconds[0], statistics.median(seconds[1:]), self.memory.peak()

  def evaluate(self) -> tuple[float, int | None]:
    """Returns the seconds that the whole validation split would take, and the peak in bytes."""
    import tensorflow as tf

    self._report("evaluating")
    self.memory.reset()
    batches = -(-len(self._store.videos) // self._setup.schedule.batch_size)
    timed = min(_EVALUATED_BATCHES, batches)
    start = time.monotonic()
    trainer = self._trainer(self._config, train=False)
    with self._strategy.scope():
      trainer.evaluate(tf.constant(1))
      first = time.monotonic() - start
      start = time.monotonic()
      trainer.evaluate(tf.constant(timed))
    return first + (batches - 1) * (time.monotonic() - start) / timed, self.memory.peak()

  def _trainer(self, config, train: bool):
    from official.training import trainer as trainer_lib

    with self._strategy.scope():
      return trainer_lib.Trainer(
        config,
        self._task,
        self._model,
        self._optimizer,
        train=train,
        evaluate=not train,
        report=lambda *_, **__: None,
      )


class _Memory:
  """Peaks of a GPU's memory, or of the process's where there is none; bytes, None if unknown."""

  def __init__(self, setup: Training):
    self._gpu = bool(setup.devices.num_gpus)
    first = next(_networks) == 0
    self._known = setup.devices.distribution_strategy != "tpu" and (self._gpu or first)
    self._before = 0

  def available(self, workers: int) -> int | None:
    """Returns what a worker can have, if all take the same."""
    memory = _gpu_limit() if self._gpu else _available_memory()
    return memory // workers if memory and self._known else None

  def start(self) -> None:
    """From here on memory counts."""
    self.reset()
    self._before = self._peak()

  def reset(self) -> None:
    """Begins a new peak."""
    gc.collect()
    if self._gpu:
      import tensorflow as tf

      tf.config.experimental.reset_memory_stats("GPU:0")
      return
    with contextlib.suppress(OSError, AttributeError):  # Linux
      ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
      file.write("5")

  def peak(self) -> int | None:
    """Returns the peak since `reset`, over what was there at `start`."""
    grown = self._peak() - self._before
    return grown if self._known and grown > 0 else None

  def _peak(self) -> int:
    if self._gpu:
      import tensorflow as tf

      return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    of_linux = _kilobytes("/proc/self/status", "VmHWM")
    if of_linux is not None:
      return of_linux * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def fit(peaks: Mapping[int, int | None], available: int | None) -> dict:
  """Puts a line through two peaks; returns memory_bytes_a_clip and batch_that_fits, if known.

  Args:
    peaks: Bytes by batch size.
    available: Bytes that are there.
  """
  if len(peaks) < 2 or None in peaks.values():
    return {"memory_bytes_a_clip": None, "batch_that_fits": None}
  (small, low), (large, high) = sorted(peaks.items())
  a_clip = (high - low) / (large - small)
  if a_clip <= 0:
    return {"memory_bytes_a_clip": None, "batch_that_fits": None}
  if available is None:
    return {"memory_bytes_a_clip": round(a_clip), "batch_that_fits": None}
  batch = int((available - (high - a_clip * large)) / a_clip)
  return {"memory_bytes_a_clip": round(a_clip), "batch_that_fits": _power_of_two(batch)}


def _quarter(batch: int, replicas: int) -> int:
  """Returns a quarter of the batch, at least a clip a replica."""
  return max(batch // 4 // replicas, 1) * replicas


def _power_of_two(number: int) -> int:
  """Returns the largest power of two up to `number`, 0 below 1."""
  return 1 << number.bit_length() - 1 if number >= 1 else 0


def _available_memory() -> int | None:
  """Returns the bytes that processes can still have, within the limit of a container."""
  available = _kilobytes("/proc/meminfo", "MemAvailable")
  bounds = [] if available is None else [available * 1024]
  for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
      bounds.append(int(file.read()))
  return min(bounds, default=None)


def _gpu_limit() -> int | None:
  """Returns the bytes of the first GPU that TensorFlow may use."""
  from tensorflow.python.client import device_lib

  limits = [
    device.memory_limit for device in device_lib.list_local_devices() if device.device_type == "GPU"
  ]
  return min(limits, default=None)


def _kilobytes(path: str, name: str) -> int | None:
  """Returns an entry of a file of /proc."""
  with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
    for line in file:
      if line.startswith(f"{name}:"):
        return int(line.split()[1])
  return None

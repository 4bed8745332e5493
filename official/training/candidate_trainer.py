"""The training of a candidate, as the search calls it: `evaluator(candidate, directory) -> result`.

Results are plain data and small, for they cross process boundaries. What a network cannot help (it
does not fit into memory, its loss becomes NaN) comes back as infeasible; anything else that goes
wrong is raised, for it is a fault of ours and not of the candidate.
"""

from collections.abc import Iterator, Mapping
import contextlib
import dataclasses
import os
import time
import warnings

from data_prep.common import faults
from data_prep.dataset import degradation
from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import serialization
from official.tasks import contract
from official.training import config
from official.training import progress_file
from official.training.config import Training


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingEvaluator:
  """Trains a candidate for the proxy number of steps and evaluates it on the validation clips.

  A candidate with `stop_at` is trained up to that step, and goes on from there when it is called
  again without, or with a later one.

  Checkpoints and summaries go to `directory/training`, what the libraries print to
  `directory/log.txt`.

  Attributes:
    setup: How it is trained.
    latency: Whether the time of one clip is measured, too.
    sensitivities: Whether the sensitivities of its connections are measured.
    scores: Names of the scores of its first weights that are computed (score_names.py).
  """

  setup: Training
  latency: bool = False
  sensitivities: bool = False
  scores: tuple[str, ...] = ()

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    """Returns status, reason, metrics, connection weights, params, multiply-adds; timing apart."""
    report = progress_file.Progress(directory)
    report("starting")
    start = time.monotonic()
    setup = config.replace(
      self.setup, stop_at=candidate.get("stop_at"), fold=candidate.get("fold", 0)
    )
    at_end = setup.schedule.stop_at is None  # What proposals and people read is measured then.
    stopwatch = progress_file.Stopwatch()
    with printing_to(os.path.join(directory, "log.txt")), infeasible() as verdict:
      from official.training import experiment  # imports TensorFlow
      from official.training import inheritance

      inherits = inheritance.FIELD in candidate
      first_weights = inheritance.FirstWeights(candidate, directory) if inherits else None
      trained = experiment.train(
        setup,
        candidate["architecture"],
        candidate["seed"],
        os.path.join(directory, "training"),
        report,
        stopwatch=stopwatch,
        first_weights=first_weights,
        sensitivities=self.sensitivities and at_end,
      )
      verdict.update(
        facts(trained, candidate["architecture"], setup),
        **latency(trained, self.latency and at_end),
        metrics=trained.metrics["validation"],
      )
      if first_weights:
        verdict.update(first_weights.facts(self.setup.schedule.train_steps))
      if self.scores and at_end:  # Last: building another network resets Keras' state.
        from official.training import scores

        report("scoring", self.setup.schedule.train_steps, self.setup.schedule.train_steps)
        verdict["scores"] = scores.measure(
          self.setup, candidate["architecture"], candidate["seed"], self.scores
        )
    return {**verdict, "timing": timing(start, stopwatch)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
  """Looks, called like an evaluator, whether trainings of a setup can begin on this machine."""

  setup: Training

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    """Returns a status; raises what `check` does."""
    del candidate
    with printing_to(os.path.join(directory, "log.txt")):
      self.check()
    return {"status": "ok"}

  def check(self) -> None:
    """Raises UserError unless hardware, videos and cache are there; writes nothing."""
    with warnings.catch_warnings():  # Libraries greet with some.
      warnings.simplefilter("ignore")
      from official.inputs import clip_store  # imports TensorFlow
      from official.training import runtime

    runtime.prepare(self.setup)
    info = metadata.load(self.setup.data.data_dir)
    # Frames that are restored are cut at their own scale.
    whole = isinstance(config.task(self.setup).target, contract.Self)
    clip_store.check(
      self.setup.data.data_dir,
      cache_dir=self.setup.data.cache_dir,
      cache=self.setup.data.cache,
      flow=self.setup.data.flow,
      image_size=info.short_side if whole else self.setup.data.image_size,
    )


def timing(start: float, stopwatch: progress_file.Stopwatch) -> dict[str, float]:
  """Returns the seconds since `start` (time.monotonic), and those in training and evaluation steps.

  The difference is what a network costs before and after: imports, building, tracing, checkpoints,
  sensitivities, export. Processor time, of all threads, is less dependent on what else a machine
  does.
  """
  return {
    "seconds": round(time.monotonic() - start, 3),
    "seconds_in_steps": round(stopwatch.seconds, 3),
    "processor_seconds": round(time.process_time() - stopwatch.processor_start, 3),
  }


def facts(trained, architecture: Mapping, setup: Training) -> dict:
  """Returns what a result says of a trained network besides its metrics."""
  from official import network  # imports TensorFlow

  decoded = serialization.from_json(architecture)
  head_weights = network.head_weights(trained.model)
  shapes = {spec.name.split(":")[0]: spec.shape for spec in trained.model.inputs}
  streams = {name: shape[-1] for name, shape in shapes.items()}
  sizes = {name: tuple(shape[2:4]) for name, shape in shapes.items()}
  sensitivities = {}
  if trained.sensitivities is not None:
    sensitivities["sensitivities"] = [
      {"source": source, "target": target, "value": value}
      for (source, target), value in sorted(trained.sensitivities.items())
    ]
  return {
    "status": "ok",
    "reason": None,
    "connection_weights": [
      {
        "source": source,
        "target": target,
        "start": before,
        "end": trained.weights_after[source, target],
      }
      for (source, target), before in sorted(trained.weights_before.items())
    ],
    **({"head_weights": head_weights} if head_weights else {}),
    **sensitivities,
    "params": sum(int(v.shape.num_elements()) for v in trained.model.trainable_variables),
    "multiply_adds": cost.multiply_adds(
      decoded,
      config.clip_of(setup, streams, output(trained.model, setup), sizes),
    ),
  }


def output(model, setup: Training) -> contract.ClassOutput | contract.DenseOutput:
  """Returns what a network of a training returns."""
  channels, degrade = model.output_shape[-1], setup.data.degrade
  if len(model.output_shape) == 2:
    return contract.ClassOutput(channels)
  return contract.DenseOutput(
    channels=channels, scale=degradation.parse(degrade).scale if degrade else 1
  )


def latency(trained, asked: bool) -> dict[str, float]:
  """Returns the measured milliseconds of one clip as a field of a result, if they are asked for."""
  if not asked:
    return {}
  from official.training import latency as latency_lib  # imports TensorFlow

  return {"latency_ms": latency_lib.milliseconds(trained.model)}


@contextlib.contextmanager
def infeasible() -> Iterator[dict]:
  """Yields a result to be filled; turns what a network cannot help into an infeasible one."""
  result: dict = {}
  try:
    yield result
  except FloatingPointError as error:
    result.update(status="infeasible", reason=f"diverged: {error}")
  except Exception as error:
    if not faults.out_of_memory(error):
      raise
    told = getattr(error, "message", str(error)) or type(error).__name__
    result.update(status="infeasible", reason=f"out of memory: {told.splitlines()[0]}")


@contextlib.contextmanager
def printing_to(path: str) -> Iterator[None]:
  """Appends what is printed in the block to a file, line by line: a kill loses none of it."""
  with (
    open(path, "a", encoding="utf-8", buffering=1) as file,
    contextlib.redirect_stdout(file),
  ):
    yield

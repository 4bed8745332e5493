"""One network trained as a Model Garden experiment.

An experiment is a task (official.tasks), an optimizer with its schedule and a strategy;
`train_lib` and orbit run its loops, write its checkpoints and summaries, and resume it from the
newest checkpoint in its folder. Initial weights depend on the seed alone, so that the weights at
the start are known again after a resume.
"""

from collections.abc import Callable, Iterator, Mapping
import contextlib
import dataclasses
import functools
import json

import numpy as np
from official.core import config_definitions
from official.modeling import optimization
from official.modeling import performance
import tensorflow as tf

from official import network
from official.training import answers as answers_lib
from official.training import checkpoints
from official.training import clip_task
from official.training import connection_sensitivity
from official.training import curve as curve_lib
from official.training import evaluation
from official.training import optimizers
from official.training import progress_file
from official.training import runtime
from official.training import trainer as trainer_lib
from official.training.config import Training

Report = Callable[..., None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
  """A network after its last step.

  Attributes:
    model: The network, with averaged weights if the training averages.
    metrics: Those of the task, per evaluated split.
    looks: What the task looks at besides, per split that was looked at closely.
    answers: Those about every video, per split for which they were wanted.
    weights_before, weights_after: Connection -> weight after the sigmoid.
    sensitivities: Connection -> what cutting it would cost (connection_sensitivity.py), if that
      was measured.
  """

  model: tf.keras.Model
  metrics: dict[str, dict[str, float]]
  looks: dict[str, dict[str, np.ndarray]]
  answers: dict[str, answers_lib.Answers]
  weights_before: dict[tuple[str, str], float]
  weights_after: dict[tuple[str, str], float]
  sensitivities: dict[tuple[str, str], float] | None = None


def configure(
  setup: Training, architecture: Mapping, seed: int
) -> config_definitions.ExperimentConfig:
  """Returns the Model Garden experiment for an architecture (JSON)."""
  clips = {
    **dataclasses.asdict(setup.data),
    **dataclasses.asdict(setup.augmentation),
    **dataclasses.asdict(setup.evaluation),
    "global_batch_size": setup.schedule.batch_size,
  }
  return config_definitions.ExperimentConfig(
    task=clip_task.ClipTaskConfig(
      model=clip_task.Network(
        **dataclasses.asdict(setup.network),
        architecture=json.dumps(architecture),
        batch_norm_momentum=setup.schedule.batch_norm_momentum,
        synchronized=setup.devices.distribution_strategy != "one_device",
      ),
      train_data=clip_task.ClipData(**clips, split="train", seed=seed),
      validation_data=clip_task.ClipData(**clips, split="validation", is_training=False),
      l2_weight_decay=setup.optimizer.l2_weight_decay,
      gradient_checkpointing=setup.devices.gradient_checkpointing,
      **dataclasses.asdict(setup.loss),
      **dataclasses.asdict(setup.start),
    ),
    trainer=config_definitions.TrainerConfig(
      optimizer_config=optimizers.optimization_config(setup),
      train_steps=setup.schedule.last_step,
      validation_steps=-1,
      steps_per_loop=setup.schedule.steps_per_loop,
      summary_interval=setup.schedule.steps_per_loop,
      checkpoint_interval=setup.schedule.checkpoint_interval,
      max_to_keep=2,
      preemption_on_demand_checkpoint=False,  # leaving.py hears SIGTERM.
    ),
    runtime=config_definitions.RuntimeConfig(
      distribution_strategy=setup.devices.distribution_strategy,
      num_gpus=setup.devices.num_gpus or 0,
      tpu=setup.devices.tpu,
      mixed_precision_dtype=setup.devices.precision,
    ),
  )


def prepare(
  setup: Training, architecture: Mapping, seed: int, report: Report, directory: str | None = None
) -> tuple[
  config_definitions.ExperimentConfig,
  tf.distribute.Strategy,
  clip_task.ClipTask,
]:
  """Returns configuration, strategy and task; the videos are decoded. Arguments as for `train`."""
  strategy = runtime.prepare(setup)
  config = configure(setup, architecture, seed)
  task = clip_task.ClipTask(config.task, logging_dir=directory)
  for data in (config.task.train_data, config.task.validation_data):
    task.store(data, progress=lambda done, total: report("preparing", done, total))
  return config, strategy, task


def build(
  config: config_definitions.ExperimentConfig,
  strategy: tf.distribute.Strategy,
  task: clip_task.ClipTask,
  seed: int,
  report: Report,
) -> tuple[tf.keras.Model, tf.keras.optimizers.Optimizer]:
  """Returns the network, its initial weights a function of the seed alone, and its optimizer."""
  report("building")
  tf.keras.backend.clear_session()
  tf.keras.utils.set_random_seed(seed)
  with strategy.scope(), precision(config.runtime.mixed_precision_dtype):
    return task.build_model(), task.create_optimizer(
      config.trainer.optimizer_config, config.runtime
    )


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
  """Layers that are made within the block compute in that precision."""
  before = tf.keras.mixed_precision.global_policy()
  performance.set_mixed_precision_policy(tf.as_dtype(name))
  try:
    yield
  finally:
    tf.keras.mixed_precision.set_global_policy(before)


def train(
  setup: Training,
  architecture: Mapping,
  seed: int,
  directory: str,
  report: Report,
  also_evaluate: tuple[str, ...] = (),
  answers_of: tuple[str, ...] = (),
  stopwatch: progress_file.Stopwatch | None = None,
  first_weights: Callable[[tf.keras.Model], None] | None = None,
  sensitivities: bool = False,
  curve: curve_lib.Curve | None = None,
) -> Trained:
  """Trains from the newest checkpoint in `directory`, or from scratch, to the end; evaluates.

  Args:
    setup: The training but for the architecture and the seed.
    architecture, seed: JSON; and the seed of initial weights, order and augmentation.
    directory: For checkpoints and summaries.
    report: Told the phase, the step and the steps in all.
    also_evaluate: Splits to look at closely after that (evaluation.py).
    answers_of: Splits of which all answers are wanted; their metrics stay those of the training.
    stopwatch: Measures the steps of training and evaluation.
    first_weights: Called with a network before its first step; may change its weights.
    sensitivities: Whether those of the connections are measured after training.
    curve: Gets the learning curve.

  SIGTERM ends the process, with a checkpoint if steps were made since the last (leaving.py).

  Raises:
    FloatingPointError: The loss became NaN or grew beyond all bounds.
    tf.errors.ResourceExhaustedError: The network does not fit into memory.
  """
  stopwatch = stopwatch or progress_file.Stopwatch()
  newest = checkpoints.newest(directory)  # A damaged one is told before hours of preparation.
  config, strategy, task = prepare(setup, architecture, seed, report, directory)
  model, optimizer = build(config, strategy, task, seed, report)
  if first_weights and newest is None:
    first_weights(model)
  before = network.connection_weights(model)
  with strategy.scope():
    make = functools.partial(trainer_lib.Trainer, report=report, stopwatch=stopwatch)
    trainer = make(config, task, model, optimizer)
  metrics = {"validation": _run(config, strategy, task, trainer, directory, curve)}
  _finish(model, optimizer, strategy)
  measured, steps = None, config.trainer.train_steps
  with strategy.scope():
    if sensitivities:
      report("measuring sensitivity", steps, steps)
      measured = connection_sensitivity.measure(model, task, connection_sensitivity.batches(task))
    looked = _look(model, task, also_evaluate, answers_of, stopwatch, report, steps)
  return Trained(
    model=model,
    metrics=metrics | {split: looked[split].metrics for split in also_evaluate},
    looks={split: looked[split].looks for split in also_evaluate},
    answers={split: looked[split].answers for split in answers_of},
    weights_before=before,
    weights_after=network.connection_weights(model),
    sensitivities=measured,
  )


def _look(
  model: tf.keras.Model,
  task: clip_task.ClipTask,
  also_evaluate: tuple[str, ...],
  answers_of: tuple[str, ...],
  stopwatch: progress_file.Stopwatch,
  report: Report,
  steps: int,
) -> dict[str, evaluation.Evaluation]:
  """Looks closely at splits. Arguments as for `train`, and the steps that were made."""
  looked = {}
  for split in dict.fromkeys((*also_evaluate, *answers_of)):
    report("evaluating", steps, steps)
    answers = split in answers_of
    looked[split] = evaluation.evaluate(model, task, split, stopwatch, with_answers=answers)
  return looked


def _finish(
  model: tf.keras.Model,
  optimizer: tf.keras.optimizers.Optimizer,
  strategy: tf.distribute.Strategy,
) -> None:
  """Gives a trained network its averaged weights, if the training averages."""
  if isinstance(optimizer, optimization.ExponentialMovingAverage):
    with strategy.scope():
      optimizer.swap_weights()
  model.trainable = True  # A frozen backbone is part of the network, too.


def _run(
  config: config_definitions.ExperimentConfig,
  strategy: tf.distribute.Strategy,
  task: clip_task.ClipTask,
  trainer: trainer_lib.Trainer,
  directory: str,
  curve: curve_lib.Curve | None,
) -> dict[str, float]:
  """Trains to the end; returns the metrics of the validation clips."""
  experiment = trainer_lib.Experiment(
    distribution_strategy=strategy,
    task=task,
    mode="train_and_eval",
    params=config,
    model_dir=directory,
    trainer=trainer,
    save_summary=strategy.extended.should_save_summary,
  )
  experiment.curve = curve
  try:
    _, logs = experiment.run()
  except RuntimeError as error:
    if "loss value is" in str(error):  # orbit's recovery action knows no type of its own
      raise FloatingPointError(str(error)) from error
    raise
  return {
    metric.name: float(logs[metric.name]) for metric in task.spec.metrics if metric.name in logs
  }

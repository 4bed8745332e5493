"""Several networks that were trained to the end, exported as one.

A member is what final/<number> holds: architecture, seed and the newest checkpoint. An ensemble
averages the members' probabilities; like a network it is evaluated on the validation clips, which
chose its members, and on the test split, which did not.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import os
import time
import typing

from data_prep.dataset import metadata
from official.architecture import cost
from official.architecture import serialization
from official.training import candidate_trainer
from official.training import final_trainer
from official.training import predictions
from official.training import progress_file
from official.training.config import Training
from official.training.config import resolution

if typing.TYPE_CHECKING:
  import tensorflow as tf

  from official.serving import exporter
  from official.training import evaluation


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnsembleExport:
  """Called like an evaluator; leaves a SavedModel in `export_dir/<version>`.

  Attributes:
    setup: As in the members' final training.
    export_dir: Base folder of the versions.
    model_dir: Folder of the search, whose flags the model card tells.
  """

  setup: Training
  export_dir: str
  model_dir: str | None = None

  def __call__(self, joined: Mapping, directory: str) -> dict:
    """Exports one member as it is, several as an ensemble.

    Args:
      joined: `members`, each with `architecture`, `seed` and `training`, a folder of checkpoints;
        whether to `evaluate`; `export_dir`, if it is another; and `outcome_dir`, where
        predictions.csv goes, if it is another than `directory`.
      directory: For log.txt and progress.json.

    Returns:
      status, reason, `export`, a folder; if evaluated, `metrics` by split, and params and
      multiply-adds of all members together; timing apart.
    """
    report = progress_file.Progress(directory)
    report("starting")
    start = time.monotonic()
    stopwatch = progress_file.Stopwatch()
    members = joined["members"]
    architectures = [member["architecture"] for member in members]
    info = metadata.load(self.setup.data.data_dir)
    with (
      candidate_trainer.printing_to(os.path.join(directory, "log.txt")),
      candidate_trainer.infeasible() as verdict,
    ):
      from official.serving import exporter  # imports TensorFlow
      from official.training import clip_task
      from official.training import runtime

      runtime.start(self.setup.devices.threads, self.setup.devices.deterministic_ops)
      report("building")
      models = [restore(self.setup, member) for member in members]
      model = models[0]
      if len(models) > 1:
        model = exporter.Ensemble(models, task=resolution.task(self.setup))
      found = {"status": "ok", "reason": None}
      if joined["evaluate"]:
        report("evaluating")
        with stopwatch.steps(1):
          outcome_dir = joined.get("outcome_dir") or directory
          found["metrics"] = self._judged(model, members, info, outcome_dir)
        found["baselines"] = final_trainer.split_baselines(self.setup, info, found["metrics"])
        found.update(self._size(models, architectures))
      report("exporting")
      found["export"] = final_trainer.export(
        model,
        joined.get("export_dir") or self.export_dir,
        self.setup,
        found,
        architectures=architectures,
        candidates=[member["candidate"] for member in members],
        seeds=[member["seed"] for member in members],
        steps=[clip_task.checkpointed_step(member["training"]) for member in members],
        model_dir=self.model_dir,
      )
      verdict.update(found)
    return {**verdict, "timing": candidate_trainer.timing(start, stopwatch)}

  def _judged(
    self,
    model: "exporter.Ensemble",
    members: Sequence[Mapping],
    info: metadata.DatasetInfo,
    to: str,
  ) -> dict[str, dict[str, float]]:
    """Returns the metrics by split; the answers go to the folder `to`."""
    splits = ("validation", *(("test",) if info.splits["test"].clips else ()))
    looked = {split: look(self.setup, model, members, split, with_answers=True) for split in splits}
    answers = {split: one.answers for split, one in looked.items()}
    predictions.write(to, answers, splits[-1], resolution.task(self.setup), info)
    return {split: one.metrics for split, one in looked.items()}

  def _size(self, models: Sequence["tf.keras.Model"], architectures: Sequence[Mapping]) -> dict:
    """Returns params and multiply-adds, summed over the members."""
    return {
      "params": sum(
        int(v.shape.num_elements()) for model in models for v in model.trainable_variables
      ),
      "multiply_adds": sum(
        cost.multiply_adds(
          serialization.from_json(architecture),
          resolution.clip_of(
            self.setup,
            {name: tensor.shape[-1] for name, tensor in model.input.items()},
            candidate_trainer.output(model, self.setup),
            {name: tuple(tensor.shape[2:4]) for name, tensor in model.input.items()},
          ),
        )
        for model, architecture in zip(models, architectures, strict=True)
      ),
    }


def restore(setup: Training, member: Mapping) -> "tf.keras.Model":
  """Returns a member's network, streams -> logits, with the weights of its newest checkpoint.

  It is the network that its training evaluated: of averaged weights, if the training averages.

  Raises:
    FileNotFoundError: There is no checkpoint.
    UserError: It is damaged.
  """
  from official.modeling import optimization
  import tensorflow as tf

  from official import network
  from official.training import checkpoints
  from official.training import clip_task
  from official.training import experiment

  remedy = "delete result.json in the folder above it to have it trained again"
  newest = checkpoints.newest(member["training"])
  if newest is None:
    raise FileNotFoundError(f"{member['training']} has no checkpoint; {remedy}")
  network.check_version(newest, member["training"], "train it again")
  config = experiment.configure(setup, member["architecture"], member["seed"])
  task = clip_task.ClipTask(config.task)
  with experiment.precision(config.runtime.mixed_precision_dtype):
    model = task.build_model()
  checkpoints.check_fits(model, newest, remedy)
  optimizer = task.create_optimizer(config.trainer.optimizer_config)
  if isinstance(optimizer, optimization.ExponentialMovingAverage):
    optimizer.shadow_copy(model)
    tf.train.Checkpoint(model=model, optimizer=optimizer).restore(newest).expect_partial()
    for variable in model.variables:
      variable.assign(optimizer.get_slot(variable, "average"))
  return model


def evaluate(
  setup: Training,
  model: "tf.keras.Model | exporter.Ensemble",
  members: Sequence[Mapping],
  split: str,
) -> dict[str, float]:
  """Returns the metrics of a network or an ensemble on a split (`look`)."""
  return look(setup, model, members, split).metrics


def look(
  setup: Training,
  model: "tf.keras.Model | exporter.Ensemble",
  members: Sequence[Mapping],
  split: str,
  *,
  with_answers: bool = False,
) -> "evaluation.Evaluation":
  """Returns the metrics of a network or an ensemble on a split, on one device.

  Videos are cut and their clips averaged as after a training.

  Args:
    setup: As in the members' final training.
    model: What is evaluated.
    members: Those of an ensemble.
    split: train, validation or test.
    with_answers: Whether the answers about every video are wanted.
  """
  import tensorflow as tf

  from official.inputs import clips
  from official.training import answers
  from official.training import clip_task
  from official.training import evaluation
  from official.training import experiment

  config = experiment.configure(setup, members[0]["architecture"], members[0]["seed"])
  data = config.task.validation_data.replace(split=split)
  task = clip_task.ClipTask(config.task)
  store = task.store(data)
  batches = clips.evaluation_clips(
    store,
    sorted(model.input),
    num_frames=data.num_frames,
    image_size=data.image_size,
    global_batch_size=data.global_batch_size,
    clips_per_video=data.clips_per_video,
    crops_per_clip=data.crops_per_clip,
    target=task.target,
    numbered=with_answers,
  )
  metrics = task.build_metrics(training=False)

  @tf.function
  def step(streams, labels):
    outputs = task.inference_step(streams, model)
    task.process_metrics(metrics, labels, outputs)
    return evaluation.told(task.learning, streams, labels, outputs) if with_answers else {}

  collector = answers.Collector()
  for streams, labels in batches:
    found = step(streams, labels)
    if with_answers:
      evaluation.collect(collector, found)
  return evaluation.Evaluation(
    metrics={metric.name: float(metric.result()) for metric in metrics},
    looks={},
    answers=collector.answers(store.videos) if with_answers else None,
  )

"""A network that learns to answer a question about clips, as a Model Garden task.

The network comes from an architecture, the clips from `official.inputs`, targets, loss and metrics
from a task of `official.tasks`. Here are the step of gradient descent, with weight decay on kernels
(for optimizers that do not decay by themselves), and that of evaluation. Metrics are weighted,
because the last evaluation batch is padded with examples of weight 0.
"""

import dataclasses
import functools
import json
from typing import Any

import numpy as np
from official.core import base_task
from official.core import config_definitions
import tensorflow as tf

from data_prep.dataset import degradation
from data_prep.dataset import metadata
from data_prep.dataset.streams import StreamInfo
from official import layers
from official import network
from official.architecture import dense_cost
from official.architecture import sources
from official.architecture import structure_list
from official.inputs import cache
from official.inputs import clip_store
from official.inputs import clip_values
from official.inputs import clips
from official.inputs import flow_source
from official.inputs import folds
from official.inputs import stream_sizes
from official.inputs import targets
from official.inputs import usable
from official.inputs import views
from official.layers import checkpointing
from official.tasks import contract
from official.tasks import learning
from official.tasks import registry
from official.training import checkpoints
from official.training import config
from official.training import hyperparameters
from official.training import warm_start
from official.training.config import resolution

_Clips = hyperparameters.derived("_Clips", config.Data, config.Augmentation, config.Evaluation)
_Network = hyperparameters.derived("_Network", config.Network)
_Task = hyperparameters.derived(
  "_Task", config.Loss, config.Start, base=config_definitions.TaskConfig
)


@dataclasses.dataclass
class ClipData(_Clips):
  """Which clips, and how they are cut: data, augmentation and evaluation of a training.

  Without a `cache_dir`, decoded videos are kept beside the data, or in the folder of the training.

  Attributes:
    split: train, validation or test.
    global_batch_size: Clips per step, over all replicas.
    is_training: Whether random clips come without end, or every video once.
    seed: Random seed of order and augmentation.
  """

  split: str = "train"
  global_batch_size: int = config.Schedule().batch_size
  is_training: bool = True
  seed: int = 0


@dataclasses.dataclass
class Network(_Network):
  """The network to build: that of a training, and what it leaves open.

  Attributes:
    architecture: What --architecture of official.train takes, or JSON text.
    num_classes: Outputs; 0: as many as the dataset has classes.
    batch_norm_momentum: Momentum of the moving statistics.
    synchronized: Whether batch normalization spans all replicas.
  """

  architecture: str = ""
  num_classes: int = 0
  batch_norm_momentum: float = 0.99
  synchronized: bool = False


@dataclasses.dataclass
class ClipTaskConfig(_Task):
  """Task part of an experiment: loss and start of a training, and what follows from the others.

  Attributes:
    model: What is built.
    train_data, validation_data: Which clips.
    l2_weight_decay: Factor of the L2 penalty on kernels.
    gradient_checkpointing: As in a training (layers/checkpointing.py).
  """

  model: Network = dataclasses.field(default_factory=Network)
  train_data: ClipData = dataclasses.field(default_factory=ClipData)
  validation_data: ClipData = dataclasses.field(
    default_factory=lambda: ClipData(split="validation", is_training=False)
  )
  l2_weight_decay: float = 0.0
  gradient_checkpointing: bool = config.Devices().gradient_checkpointing


class ClipTask(base_task.Task):
  """Trains a network to answer a question about clips."""

  @functools.cached_property
  def _named(self):
    return sources.load(self.task_config.model.architecture)

  @property
  def architecture(self):
    return self._named.architecture

  @functools.cached_property
  def output(self) -> contract.ClassOutput | contract.DenseOutput:
    """What the network returns: as many classes as asked, or what the dataset and the task want."""
    asked, data = self.task_config.model.num_classes, self.task_config.train_data
    if asked:
      return contract.ClassOutput(asked)
    return resolution.of_dataset(self.spec, metadata.load(data.data_dir), data.degrade)

  @functools.cached_property
  def spec(self) -> contract.Spec:
    """The task that is learned."""
    asked = self.task_config.task
    return (
      registry.get(asked)
      if asked
      else registry.of(metadata.load(self.task_config.train_data.data_dir))
    )

  @functools.cached_property
  def learning(self) -> learning.Learning:
    """Targets, loss and metrics of the task."""
    asked = {"loss": self.task_config.loss, "degrade": self.task_config.train_data.degrade}
    # Learnings from outside the tree need not know what they are not given.
    given = {name: value for name, value in asked.items() if value}
    return self.spec.learning()(self.spec, self.output, **given)

  @functools.cached_property
  def target(self) -> targets.Target:
    """What is beside the streams in a batch."""
    if isinstance(self.spec.target, contract.Self):
      degrade = degradation.parse(self.task_config.train_data.degrade)
      return targets.Frames(degrade, flow_source.computed(self.streams))
    if isinstance(self.spec.target, contract.Stream):
      return targets.Stream(self.spec.target.name)
    return targets.Classes()

  @functools.cached_property
  def streams(self) -> dict[str, StreamInfo]:
    """The streams that a network can read, by name."""
    data = self.task_config.train_data
    return flow_source.streams(metadata.load(data.data_dir), data.flow)

  @property
  def _answers(self) -> int:
    """Classes that the network's answer tells apart."""
    return self.output.classes if self._dense is None else self.output.channels

  @property
  def _dense(self) -> dense_cost.Dense | None:
    output = self.output
    if isinstance(output, contract.ClassOutput):
      return None
    return dense_cost.Dense(channels=output.channels, scale=output.scale)

  @property
  def image_size(self) -> int:
    """Pixels of the square that the network takes: what is left of it by degradation."""
    side = self.task_config.train_data.image_size
    return side // self._dense.scale if self._dense else side

  def store(self, data: ClipData, progress=lambda done, total: None) -> clip_store.ClipStore:
    """Opens the videos of `data.split`, or of a fold, decoding them if they shall be cached and
    nobody has."""
    if not data.folds or data.split not in folds.SPLITS:
      return self._open(data, data.split, progress)
    return folds.select(
      [self._open(data, split, progress) for split in folds.SPLITS],
      folds=data.folds,
      fold=data.fold,
      seed=data.fold_seed,
      judged=data.split == "validation",
    )

  def _open(self, data: ClipData, split: str, progress) -> clip_store.ClipStore:
    info = metadata.load(data.data_dir)
    store = clip_store.open_store(
      data.data_dir,
      split,
      image_size=info.short_side if self.target.own_scale else data.image_size,
      cache_dir=data.cache_dir or cache.directory(data.data_dir, self.logging_dir),
      cache=data.cache,
      flow=flow_source.STORED if self.target.makes else data.flow,
      targets=self.spec.target_streams,
      progress=progress,
    )
    target = self.spec.target
    several = target.several if isinstance(target, contract.Labels) else store.multi_label
    return dataclasses.replace(store, multi_label=several)

  def build_model(self) -> tf.keras.Model:
    model_config, data = self.task_config.model, self.task_config.train_data
    streams = self.streams
    usable.check_streams(streams, self.architecture.streams)
    weights = (
      structure_list.weights_from_text(model_config.connection_weights)
      or self._named.connection_weights
    )
    if model_config.freeze_connection_weights and not self.task_config.init_checkpoint:
      sources.check_frozen(self.architecture, weights)
    model = network.build_network(
      self.architecture,
      streams={name: stream.channels for name, stream in streams.items()},
      num_frames=data.num_frames,
      height=self.image_size,
      width=self.image_size,
      num_classes=0 if self._dense else self.output.classes,
      dense=self._dense,
      pooling=model_config.pooling,
      connection_weights=weights,
      freeze_connection_weights=model_config.freeze_connection_weights,
      connection_multiplier=model_config.connection_multiplier,
      batch_norm_momentum=model_config.batch_norm_momentum,
      synchronized=model_config.synchronized,
      sizes=stream_sizes.others(streams, self.image_size),
    )
    if self.task_config.freeze_backbone:
      for layer in model.layers:
        layer.trainable = isinstance(layer, layers.Head | layers.DenseHead)
    return model

  def initialize(self, model: tf.keras.Model) -> None:
    """Gives a network its first weights, if they are not random. Called before the first step."""
    if self.task_config.init_checkpoint:
      warm_start.load(model, self.task_config.init_checkpoint)

  @functools.cached_property
  def class_weights(self) -> np.ndarray | None:
    """Factors of the loss by class, float32; None if all are 1."""
    asked = self.task_config.class_weights
    if not asked:
      return None
    if asked != "balanced":
      return np.array(json.loads(asked), np.float32)
    counts = self.target.counts(self.store(self.task_config.train_data), self._answers)
    return (counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32)

  def build_inputs(
    self,
    params: ClipData,
    input_context: tf.distribute.InputContext | None = None,
    numbered: bool = False,
  ) -> tf.data.Dataset:
    """Returns batches; those of training begin at the step of `logging_dir`'s newest checkpoint.

    Args:
      params: Which clips.
      input_context: That of the input pipeline.
      numbered: Whether batches of an evaluation tell the numbers of their videos (inputs/clips.py).
    """
    common = dict(
      num_frames=params.num_frames,
      image_size=params.image_size,
      global_batch_size=params.global_batch_size,
      target=self.target,
      input_context=input_context,
    )
    if params.is_training:
      return clips.training_clips(
        self.store(params),
        self.architecture.streams,
        seed=params.seed,
        augmentation=views.Augmentation(**_values_of(config.Augmentation, params)),
        first_step=checkpointed_step(self.logging_dir),
        **common,
      )
    return clips.evaluation_clips(
      self.store(params),
      self.architecture.streams,
      **_values_of(config.Evaluation, params),
      **common,
      numbered=numbered,
    )

  def build_losses(self, labels, model_outputs, aux_losses=None) -> tf.Tensor:
    """Returns the mean loss of the examples, each with its weight.

    Class weights are factors of the losses and not of the mean's weights, so that the mean over
    replicas is that over all examples.
    """
    values = self.learning.losses(
      labels,
      model_outputs,
      label_smoothing=self.task_config.label_smoothing,
      class_weights=self.class_weights,
    )
    weights = labels["weight"]
    return tf.math.divide_no_nan(tf.reduce_sum(values * weights), tf.reduce_sum(weights))

  def build_metrics(self, training: bool = True) -> list[tf.keras.metrics.Metric]:
    """Returns the metrics of an evaluation, or those of training batches."""
    requested = self.task_config.also_measured.split(",")
    return self.learning.metrics(training=training, requested=requested)

  def process_metrics(self, metrics, labels, model_outputs, **kwargs) -> None:
    self.learning.update(metrics, labels, model_outputs)

  @tf.autograph.experimental.do_not_convert  # No branch of ours depends on values of tensors.
  def train_step(self, inputs, model, optimizer, metrics=None):
    """One step of gradient descent; with an L2 penalty on the kernels, if the recipe wants one."""
    features, labels = inputs
    features = clip_values.for_network(features)
    variables = model.trainable_variables
    # A frozen backbone, whose variables the tape would watch by itself, is not differentiated.
    with (
      tf.GradientTape(watch_accessed_variables=False) as tape,
      checkpointing.blocks(self.task_config.gradient_checkpointing),
    ):
      tape.watch(variables)
      outputs = model(features, training=True)
      loss = self.build_losses(labels, outputs)
      objective = loss
      if self.task_config.l2_weight_decay:
        kernels = [v for v in variables if "kernel" in v.name]
        objective += self.task_config.l2_weight_decay * tf.add_n(
          [tf.nn.l2_loss(kernel) for kernel in kernels]
        )
      objective /= (
        tf.distribute.get_strategy().num_replicas_in_sync
      )  # apply_gradients sums over replicas
      scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
      if scaled:
        objective = optimizer.get_scaled_loss(objective)
    gradients = tape.gradient(objective, variables)
    if scaled:
      gradients = optimizer.get_unscaled_gradients(gradients)
    optimizer.apply_gradients(list(zip(gradients, variables)))
    self.process_metrics(metrics, labels, outputs)
    return {self.loss: loss}

  def inference_step(self, inputs, model):
    """Returns the answers about videos, given clips [batch, views, time, ...], like outputs."""
    views_a_video = next(iter(inputs.values())).shape[1]
    folded = {
      name: tf.reshape(clip, [-1, *clip.shape[2:]])
      for name, clip in clip_values.for_network(inputs).items()
    }
    return self.learning.join_views(model(folded, training=False), views_a_video)

  @tf.autograph.experimental.do_not_convert
  def validation_step(self, inputs, model, metrics=None):
    """Updates the metrics; returns no loss, which the trainer would average over padding too."""
    features, labels = inputs
    self.process_metrics(metrics, labels, self.inference_step(features, model))
    return {}


def _values_of(group: type, params: ClipData) -> dict[str, Any]:
  """Returns the values of a part of a training."""
  return {field.name: getattr(params, field.name) for field in dataclasses.fields(group)}


def checkpointed_step(directory: str) -> int:
  """Returns the step of the newest checkpoint in `directory`, 0 where there is none."""
  latest = checkpoints.newest(directory) if directory else None
  if not latest:
    return 0
  return int(tf.train.load_variable(latest, "global_step/.ATTRIBUTES/VARIABLE_VALUE"))

"""Classification of clips as a Model Garden task.

The network comes from an architecture, the clips from `official.inputs`; loss is softmax cross
entropy with label smoothing plus weight decay on kernels (for optimizers that do not decay by
themselves); classes may have weights. Metrics are weighted, because the last evaluation batch is
padded with examples of weight 0.
"""

import dataclasses
import functools
import json

import numpy as np
from official.core import base_task
from official.core import config_definitions
from official.modeling import hyperparams
import tensorflow as tf

from data_prep import dataset
from official import layers
from official import network
from official.architecture import sources
from official.inputs import cache
from official.inputs import clip_store
from official.inputs import clips
from official.tasks import warm_start


@dataclasses.dataclass
class ClipData(hyperparams.Config):
  """Which clips, and how they are cut.

  Attributes:
    data_dir: A dataset folder.
    cache_dir: Where decoded videos are kept; empty: beside the data, or in the folder of the
      training.
    split: train, validation or test.
    num_frames, image_size: Size of a clip, in frames and pixels.
    global_batch_size: Clips a step, over all replicas.
    is_training: Random clips for ever, or every video once.
    seed: Of order and augmentation.
    horizontal_flip: Mirrors half of the training clips.
    clips_per_video: For evaluation: clips from the start of a video to its end, whose probabilities
      are averaged.
  """

  data_dir: str = ""
  cache_dir: str = ""
  split: str = "train"
  num_frames: int = 8
  image_size: int = 32
  global_batch_size: int = 16
  is_training: bool = True
  seed: int = 0
  horizontal_flip: bool = True
  clips_per_video: int = 4


@dataclasses.dataclass
class Network(hyperparams.Config):
  """What is built.

  Attributes:
    architecture: What --architecture of official.train takes, or JSON text.
    num_classes: Outputs; 0: as many as the dataset has classes.
    connection_multiplier: K of sigmoid(K v), how fast connection weights move.
    batch_norm_momentum: Of the moving statistics.
    synchronized: Whether batch normalisation spans all replicas.
  """

  architecture: str = ""
  num_classes: int = 0
  connection_multiplier: float = 1.0
  batch_norm_momentum: float = 0.99
  synchronized: bool = False


@dataclasses.dataclass
class VideoClassificationConfig(config_definitions.TaskConfig):
  """Task part of an experiment.

  Attributes:
    model: What is built.
    train_data, validation_data: Which clips.
    label_smoothing: Share of the target given to all classes alike.
    l2_weight_decay: Factor of the L2 penalty on kernels.
    class_weights: Empty, `balanced`, or a JSON list of factors of the loss by class.
    freeze_backbone: Trains the head alone.
    init_checkpoint: Where the first weights come from (warm_start.py).
  """

  model: Network = dataclasses.field(default_factory=Network)
  train_data: ClipData = dataclasses.field(default_factory=ClipData)
  validation_data: ClipData = dataclasses.field(
    default_factory=lambda: ClipData(split="validation", is_training=False)
  )
  label_smoothing: float = 0.0
  l2_weight_decay: float = 0.0
  class_weights: str = ""
  freeze_backbone: bool = False


class VideoClassificationTask(base_task.Task):
  """Trains a network to name the class of a clip."""

  @functools.cached_property
  def architecture(self):
    return sources.load(self.task_config.model.architecture)

  @functools.cached_property
  def num_classes(self) -> int:
    """Outputs of the network: as asked, or as many as the dataset has."""
    asked = self.task_config.model.num_classes
    return asked or len(dataset.load(self.task_config.train_data.data_dir).classes)

  def store(self, data: ClipData, progress=lambda done, total: None) -> clip_store.ClipStore:
    """Opens the decoded videos of `data.split`, decoding them if nobody has."""
    return clip_store.open_store(
      data.data_dir,
      data.split,
      short_side=clips.stored_short_side(data.image_size),
      cache_dir=data.cache_dir or cache.directory(data.data_dir, self.logging_dir),
      progress=progress,
    )

  def build_model(self) -> tf.keras.Model:
    config, data = self.task_config.model, self.task_config.train_data
    streams = self.store(data).streams
    model = network.build_network(
      self.architecture,
      streams={name: stream.channels for name, stream in streams.items()},
      num_frames=data.num_frames,
      height=data.image_size,
      width=data.image_size,
      num_classes=self.num_classes,
      connection_multiplier=config.connection_multiplier,
      batch_norm_momentum=config.batch_norm_momentum,
      synchronized=config.synchronized,
    )
    if self.task_config.freeze_backbone:
      for layer in model.layers:
        layer.trainable = isinstance(layer, layers.Head)
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
    labels = [video.label for video in self.store(self.task_config.train_data).videos]
    counts = np.bincount(labels, minlength=self.num_classes)
    return (len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))).astype(np.float32)

  def build_inputs(
    self, params: ClipData, input_context: tf.distribute.InputContext | None = None
  ) -> tf.data.Dataset:
    """Returns batches; those of training begin at the step of `logging_dir`'s newest checkpoint."""
    names = sorted({stream for stem in self.architecture.stems for stream in stem.streams})
    common = dict(
      num_frames=params.num_frames,
      image_size=params.image_size,
      global_batch_size=params.global_batch_size,
      input_context=input_context,
    )
    if params.is_training:
      return clips.training_clips(
        self.store(params),
        names,
        seed=params.seed,
        horizontal_flip=params.horizontal_flip,
        first_step=checkpointed_step(self.logging_dir),
        **common,
      )
    return clips.evaluation_clips(
      self.store(params), names, clips_per_video=params.clips_per_video, **common
    )

  def build_losses(self, labels, model_outputs, aux_losses=None) -> tf.Tensor:
    """Returns the mean cross entropy of the examples, each with its weight.

    Class weights are factors of the losses and not of the mean's weights, so that the mean over
    replicas is that over all examples.
    """
    classes = model_outputs.shape[-1]
    losses = tf.keras.losses.categorical_crossentropy(
      tf.one_hot(labels["label"], classes),
      model_outputs,
      from_logits=True,
      label_smoothing=self.task_config.label_smoothing,
    )
    if self.class_weights is not None:
      losses *= tf.gather(self.class_weights, labels["label"])
    weights = labels["weight"]
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weights), tf.reduce_sum(weights))

  def build_metrics(self, training: bool = True) -> list[tf.keras.metrics.Metric]:
    metrics = [tf.keras.metrics.SparseCategoricalAccuracy("accuracy")]
    if not training:
      metrics += [
        tf.keras.metrics.SparseTopKCategoricalAccuracy(k=5, name="top5_accuracy"),
        tf.keras.metrics.SparseCategoricalCrossentropy("loss", from_logits=True),
      ]
    return metrics

  def process_metrics(self, metrics, labels, model_outputs, **kwargs) -> None:
    for metric in metrics:
      metric.update_state(labels["label"], model_outputs, sample_weight=labels["weight"])

  def train_step(self, inputs, model, optimizer, metrics=None):
    """One step of gradient descent; with an L2 penalty on the kernels, if the recipe wants one."""
    features, labels = inputs
    with tf.GradientTape() as tape:
      outputs = model(features, training=True)
      loss = self.build_losses(labels, outputs)
      objective = loss
      if self.task_config.l2_weight_decay:
        kernels = [v for v in model.trainable_variables if "kernel" in v.name]
        objective += self.task_config.l2_weight_decay * tf.add_n(
          [tf.nn.l2_loss(kernel) for kernel in kernels]
        )
      objective /= (
        tf.distribute.get_strategy().num_replicas_in_sync
      )  # apply_gradients sums over replicas
      scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
      if scaled:
        objective = optimizer.get_scaled_loss(objective)
    gradients = tape.gradient(objective, model.trainable_variables)
    if scaled:
      gradients = optimizer.get_unscaled_gradients(gradients)
    optimizer.apply_gradients(list(zip(gradients, model.trainable_variables)))
    self.process_metrics(metrics, labels, outputs)
    return {self.loss: loss}

  def inference_step(self, inputs, model):
    """Returns log mean probabilities [batch, classes] of the clips in [batch, clips, time, ...]."""
    clip_count = next(iter(inputs.values())).shape[1]
    folded = {name: tf.reshape(values, [-1, *values.shape[2:]]) for name, values in inputs.items()}
    probabilities = tf.nn.softmax(model(folded, training=False))
    per_video = tf.reshape(probabilities, [-1, clip_count, probabilities.shape[-1]])
    return tf.math.log(tf.reduce_mean(per_video, axis=1) + 1e-12)

  def validation_step(self, inputs, model, metrics=None):
    """Updates the metrics; returns no loss, which the trainer would average over padding too."""
    features, labels = inputs
    self.process_metrics(metrics, labels, self.inference_step(features, model))
    return {}


def checkpointed_step(directory: str) -> int:
  """Returns the step of the newest checkpoint in `directory`, 0 where there is none."""
  latest = tf.train.latest_checkpoint(directory) if directory else None
  if not latest:
    return 0
  return int(tf.train.load_variable(latest, "global_step/.ATTRIBUTES/VARIABLE_VALUE"))

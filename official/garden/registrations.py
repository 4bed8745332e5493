"""Registrations in TF Model Garden: an architecture is one `--experiment` and a YAML away.

Importing this module adds to Model Garden's registries

    backbone `evolved`              for `task.model.backbone`; images alone, [batch, T, H, W, 3]
    experiment `evolved_rgb`        Model Garden's video classification task and its input pipeline,
                                    with that backbone
    experiment `evolved_streams`    this package's task: every stream of a dataset folder

`architecture` in a YAML is what `--architecture` of official.train takes; a network begins with the
connection weights that it comes with. The backbone's endpoints are the blocks of the last level, by
id; `aggregate_endpoints` pools and concatenates them all.
"""

import dataclasses
import functools

from official.core import config_definitions
from official.core import exp_factory
from official.core import task_factory
from official.modeling import hyperparams
from official.modeling import optimization
from official.vision.configs import backbones_3d
from official.vision.configs import common
from official.vision.configs import video_classification as garden
from official.vision.modeling.backbones import factory
import tensorflow as tf

from data_prep.common import cli
from official import layers
from official import network
from official.architecture import sources
from official.training import checkpoints
from official.training import clip_task
from official.training import config
from official.training import hyperparameters

_STREAM = "rgb"
_IMAGE_CHANNELS = 3
_Connections = hyperparameters.derived(
  "_Connections", config.Network, only=("connection_multiplier", "freeze_connection_weights")
)


class Refused(cli.UserError, ValueError):
  """A configuration of which no network can be made."""


@dataclasses.dataclass
class Evolved(_Connections):
  """The backbone, and how its connection weights are trained.

  Attributes:
    architecture: What it is: a file, or JSON text.
  """

  architecture: str = ""


@dataclasses.dataclass
class Backbone3D(backbones_3d.Backbone3D):
  """Model Garden's choice of backbones, and ours."""

  type: str | None = "evolved"
  evolved: Evolved = dataclasses.field(default_factory=Evolved)


@dataclasses.dataclass
class EvolvedModel(garden.VideoClassificationModel):
  """Model Garden's model of a backbone and a head, with our backbone and its epsilon by default."""

  backbone: Backbone3D = dataclasses.field(default_factory=Backbone3D)
  norm_activation: common.NormActivation = dataclasses.field(
    default_factory=lambda: common.NormActivation(norm_epsilon=1e-5, use_sync_bn=True)
  )
  dropout_rate: float = 0.0
  aggregate_endpoints: bool = True


@factory.register_backbone_builder("evolved")
def build_backbone(
  input_specs: tf.keras.layers.InputSpec,
  backbone_config: hyperparams.OneOfConfig,
  norm_activation_config: common.NormActivation,
  l2_regularizer: tf.keras.regularizers.Regularizer | None = None,
) -> tf.keras.Model:
  """Returns [batch, T, H, W, 3], values in [-1, 1], -> {id of a last block: its output}.

  Args:
    input_specs: Shape of the images, static but for the batch.
    backbone_config: Its `evolved` says which architecture.
    norm_activation_config: Its momentum, epsilon and `use_sync_bn` hold for the batch
      normalizations, its activation, a name that Keras knows, for what follows them.
    l2_regularizer: A penalty on kernels, and on nothing else.

  Raises:
    Refused: The shape is not static, the architecture reads other streams than images, its
      connection weights cannot be frozen, or Keras does not know the activation.
  """
  config, size = backbone_config.get(), input_specs.shape[1:]
  weighted = sources.load(config.architecture)
  architecture = weighted.architecture
  if None in size or size[-1] != _IMAGE_CHANNELS:
    raise Refused(
      f"images of {tuple(size)}: give train_data and validation_data the same feature_shape, "
      f"[frames, height, width, {_IMAGE_CHANNELS}]"
    )
  if architecture.streams != (_STREAM,):
    raise Refused(
      f"{config.architecture:.80} reads {', '.join(architecture.streams)}, and the input here is "
      "images alone; give --experiment=evolved_streams"
    )
  if config.freeze_connection_weights:
    sources.check_frozen(architecture, weighted.connection_weights)
  _check_activation(norm_activation_config.activation)
  whole = network.build_network(
    architecture,
    streams={_STREAM: _IMAGE_CHANNELS},
    num_frames=size[0],
    height=size[1],
    width=size[2],
    num_classes=1,
    connection_weights=weighted.connection_weights,
    connection_multiplier=config.connection_multiplier,
    freeze_connection_weights=config.freeze_connection_weights,
    batch_norm_momentum=norm_activation_config.norm_momentum,
    batch_norm_epsilon=norm_activation_config.norm_epsilon,
    synchronized=norm_activation_config.use_sync_bn,
    activation=norm_activation_config.activation,
  )
  (head,) = (layer for layer in whole.layers if isinstance(layer, layers.Head))
  last = architecture.level(architecture.last_level)
  outputs = dict(zip([block.id for block in last], tf.nest.flatten(head.input), strict=True))
  backbone = tf.keras.Model(whole.input[_STREAM], outputs, name="evolved")
  network.record_version(backbone)
  if l2_regularizer is not None:
    for variable in backbone.trainable_variables:
      if "kernel" in variable.name:
        backbone.add_loss(functools.partial(l2_regularizer, variable))
  return backbone


def _check_activation(name: str) -> None:
  try:
    tf.keras.activations.get(name)
  except (TypeError, ValueError) as error:
    raise Refused(
      f"norm_activation.activation is {name!r}, which Keras does not know; give one of its names, "
      "such as relu or swish"
    ) from error


def check_checkpoints(params: config_definitions.ExperimentConfig, model_dir: str) -> None:
  """Raises UserError if an experiment with our network would resume from weights of another network
  version."""
  task = params.task
  is_ours = isinstance(task, clip_task.ClipTaskConfig) or (
    isinstance(task.model, EvolvedModel) and task.model.backbone.type == "evolved"
  )
  if not is_ours:
    return
  for flag, path in (("--model_dir", model_dir), ("task.init_checkpoint", task.init_checkpoint)):
    prefix = checkpoints.newest(path) if path and tf.io.gfile.isdir(path) else path
    if prefix and tf.io.gfile.exists(f"{prefix}.index"):
      network.check_version(prefix, f"{flag}={path}", "give another, or train it again")


@exp_factory.register_config_factory("evolved_rgb")
def evolved_rgb() -> config_definitions.ExperimentConfig:
  """Model Garden's video classification, with an architecture that reads images alone."""
  return config_definitions.ExperimentConfig(
    task=garden.VideoClassificationTask(
      model=EvolvedModel(),
      losses=garden.Losses(l2_weight_decay=1e-4),
      train_data=garden.DataConfig(is_training=True, zero_centering_image=True),
      validation_data=garden.DataConfig(
        is_training=False, drop_remainder=False, zero_centering_image=True
      ),
    ),
    trainer=_trainer(),
    restrictions=[
      "task.train_data.is_training != None",
      "task.validation_data.is_training != None",
      "task.train_data.num_classes == task.validation_data.num_classes",
    ],
  )


@exp_factory.register_config_factory("evolved_streams")
def evolved_streams() -> config_definitions.ExperimentConfig:
  """Classification of the clips of a dataset folder, all its streams."""
  return config_definitions.ExperimentConfig(
    task=clip_task.ClipTaskConfig(l2_weight_decay=1e-4),
    trainer=_trainer(),
  )


task_factory.register_task_cls(clip_task.ClipTaskConfig)(clip_task.ClipTask)


def _trainer() -> config_definitions.TrainerConfig:
  """Returns SGD with Nesterov momentum and a cosine; the YAML gives steps and rates."""
  return config_definitions.TrainerConfig(
    validation_steps=-1,
    optimizer_config=optimization.OptimizationConfig(
      {
        "optimizer": {"type": "sgd", "sgd": {"momentum": 0.9, "nesterov": True}},
        "learning_rate": {"type": "cosine"},
        "warmup": {"type": "linear", "linear": {"warmup_learning_rate": 0.0}},
      }
    ),
  )

"""Command-line flags of a training, for every main that trains; and the setup that they describe.

Importing this module defines them. It imports no TensorFlow.
"""

import json
from typing import Any

from absl import flags

from data_prep.common import cli
from data_prep.dataset import metadata
from official.architecture import cost
from official.inputs import cache
from official.inputs import flow_source
from official.training import recipe
from official.training import setup as setup_lib

FLAGS = flags.FLAGS

# Those below that decide what a training finds.
IDENTITY = (
  "flow",
  "batch_size",
  "learning_rate",
  "optimizer",
  "weight_decay",
  "label_smoothing",
  "warmup_fraction",
  "gradient_clip_norm",
  "class_weights",
  "ema_decay",
  "precision",
  "pooling",
  "horizontal_flip",
  "min_crop_area",
  "brightness",
  "clips_per_video",
  "crops_per_clip",
  "num_frames",
  "image_size",
  "connection_learning_rate_multiplier",
  "deterministic",
)
# Those below that do not, or that mains count among the identity themselves.
OPERATION = ("cache", "distribution_strategy", "gradient_checkpointing", "tpu")
STRATEGIES = ("one_device", "mirrored", "multi_worker_mirrored", "tpu")

flags.DEFINE_string(
  "data_dir", None, "Folder made by data_prep.extract: dataset.json and TFRecords."
)
flags.DEFINE_string(
  "cache_dir",
  None,
  "Where decoded videos are kept; default: cache/ in --data_dir, or in --model_dir if "
  "--data_dir cannot be written.",
)
flags.DEFINE_enum(
  "cache",
  "auto",
  cache.MODES,
  "How decoded videos are kept: memory, disk, none (decoded again each time), or what fits. "
  "May be changed later.",
)
flags.DEFINE_enum(
  "flow",
  flow_source.STORED,
  flow_source.MODES,
  "Where optical flow comes from: from the dataset, or computed from its frames.",
)
flags.DEFINE_integer("batch_size", 16, "Clips per training step.")
flags.DEFINE_float(
  "learning_rate",
  0.1,
  "Highest learning rate. It is reached by a linear warm-up, and then falls by a half cosine. "
  "0.1 is for sgd; 0.005 suits adamw.",
)
flags.DEFINE_enum("optimizer", "sgd", recipe.OPTIMIZERS, "sgd has Nesterov momentum 0.9.")
flags.DEFINE_float(
  "weight_decay", 1e-4, "Weight decay of kernels: an L2 penalty with sgd, decoupled with adamw."
)
flags.DEFINE_float(
  "label_smoothing", 0.0, "Share of the target that is spread evenly over all classes.", 0.0, 1.0
)
flags.DEFINE_float(
  "warmup_fraction", 0.05, "Share of the steps in which the learning rate rises.", 0.0, 1.0
)
flags.DEFINE_float(
  "gradient_clip_norm",
  None,
  "Largest norm of the gradient of all weights together; default: none with sgd, 1 with adamw.",
)
flags.DEFINE_string(
  "class_weights",
  None,
  "Factors of the loss: balanced, so that every class counts alike, or a JSON file "
  '{"CLASS": FACTOR}. A class that it does not name has the factor 1.',
)
flags.DEFINE_float(
  "ema_decay",
  None,
  "Evaluates and exports an exponential moving average of the weights with this decay per step, "
  "such as 0.999.",
)
flags.DEFINE_enum(
  "precision",
  "float32",
  recipe.PRECISIONS,
  "Precision of activations. bfloat16 suits TPUs and new GPUs, float16 older GPUs.",
)
flags.DEFINE_enum("pooling", "average", recipe.POOLINGS, "How the head pools over time.")
flags.DEFINE_bool(
  "horizontal_flip",
  True,
  "Mirrors half of the training clips; turn it off where left and right tell classes apart.",
)
flags.DEFINE_float(
  "min_crop_area",
  None,
  "Cuts random boxes of at least this share of a frame's area, such as 0.3, and resizes them, "
  "instead of cutting squares at full scale.",
)
flags.DEFINE_float(
  "brightness",
  0.0,
  "Largest change of a training clip's brightness, as a share of the range.",
  0.0,
  1.0,
)
flags.DEFINE_integer(
  "clips_per_video",
  4,
  "Number of clips by which a video is judged, spread from its start to its end.",
)
flags.DEFINE_integer(
  "crops_per_clip", 1, "Number of crops by which a clip is judged, along its longer side."
)
flags.DEFINE_float(
  "connection_learning_rate_multiplier",
  10.0,
  "K: connections are weighted by sigmoid(K v), which moves their weights faster than others, "
  "so that a short training spreads them; 50 suits adamw.",
)
flags.DEFINE_integer("num_frames", 8, "Consecutive frames of a clip.")
flags.DEFINE_integer("image_size", 32, "Pixels of the square crop that a network sees.")
flags.DEFINE_bool(
  "gradient_checkpointing",
  False,
  "Computes every block again in the backward pass instead of keeping its activations, so that "
  "larger clips and batches fit into memory. A step takes about a third longer.",
)
flags.DEFINE_integer(
  "checkpoint_steps",
  None,
  "Steps between the checkpoints from which a training is resumed; default: a tenth of its steps.",
)
flags.DEFINE_enum(
  "distribution_strategy",
  "one_device",
  STRATEGIES,
  "Where one training runs: on one device, all GPUs of this machine, several machines (named by "
  "TF_CONFIG), or a TPU.",
)
flags.DEFINE_string(
  "tpu",
  "",
  f"For --distribution_strategy=tpu: {setup_lib.LOCAL_TPU}, on the machine that has the TPU (a TPU "
  "VM). A TPU of another machine cannot read clips.",
)
flags.DEFINE_bool(
  "deterministic",
  True,
  "Makes equal trainings on equal hardware give equal bits. It costs next to nothing on a CPU; a "
  "GPU is expected to be faster with --deterministic=false, and to vary in the last bits.",
)


def check() -> None:
  """Raises UserError for a value that no training can have."""
  if not FLAGS.data_dir:
    raise cli.UserError(f"--data_dir is missing ({FLAGS['data_dir'].help})")
  for name in ("batch_size", "num_frames", "image_size", "clips_per_video", "crops_per_clip"):
    cli.at_least(name, FLAGS[name].value, 1)
  if FLAGS.checkpoint_steps is not None:
    cli.at_least("checkpoint_steps", FLAGS.checkpoint_steps, 1)
  if FLAGS.tpu or FLAGS.distribution_strategy == "tpu":
    setup_lib.check_tpu(FLAGS.tpu)
  for name in ("learning_rate", "connection_learning_rate_multiplier"):
    cli.at_least(name, FLAGS[name].value, 0, exclusive=True)
  if FLAGS.min_crop_area is not None and not 0 < FLAGS.min_crop_area <= 1:
    raise cli.UserError(
      f"--min_crop_area={FLAGS.min_crop_area} is out of range; give a share of a frame's area, "
      "above 0 and at most 1"
    )
  cli.at_least("weight_decay", FLAGS.weight_decay, 0)
  if FLAGS.gradient_clip_norm is not None:
    cli.at_least("gradient_clip_norm", FLAGS.gradient_clip_norm, 0, exclusive=True)
  if FLAGS.ema_decay is not None:
    if not 0 < FLAGS.ema_decay < 1:
      raise cli.UserError(
        f"--ema_decay={FLAGS.ema_decay} is out of range; give a number between 0 and 1"
      )
    if FLAGS.precision == "float16":
      raise cli.UserError(
        "--precision=float16 scales the loss, which --ema_decay does not know; give bfloat16 or "
        "leave out one of them"
      )


def identity(info: metadata.DatasetInfo) -> dict[str, Any]:
  """Returns the values, by flag, that decide what a training finds: of a file, what is in it.

  Raises:
    UserError: --class_weights is not what it has to be.
  """
  return {**{name: FLAGS[name].value for name in IDENTITY}, "class_weights": _class_weights(info)}


def setup(data_dir: str, model_dir: str, threads: int, gpus: int, steps: int) -> setup_lib.Setup:
  """Returns what the flags describe.

  Args:
    data_dir: The dataset folder, absolute.
    model_dir: Where decoded videos go if neither a flag nor `data_dir` has a place for them.
    threads: CPU threads of one operation.
    gpus: GPUs of the training.
    steps: Training steps.
  """
  described = {
    **identity(metadata.load(data_dir)),
    **{name: FLAGS[name].value for name in OPERATION},
  }
  return setup_lib.described(
    described,
    steps=steps,
    data_dir=data_dir,
    cache_dir=cli.resolve_path(FLAGS.cache_dir or cache.directory(data_dir, model_dir)),
    threads=threads,
    num_gpus=gpus,
    checkpoint_steps=FLAGS.checkpoint_steps,
  )


def defaults() -> dict[str, Any]:
  """Returns the default of every flag, which a run has that was begun before there was the flag."""
  return {**{name: FLAGS[name].default for name in FLAGS}, "class_weights": ""}


def streams(info: metadata.DatasetInfo) -> dict[str, metadata.StreamInfo]:
  """Returns the streams that trainings on the dataset have; raises UserError where they cannot."""
  return flow_source.streams(info, FLAGS.flow)


def clip(info: metadata.DatasetInfo) -> cost.Clip:
  """Returns what a network for the dataset takes and returns."""
  return cost.Clip(
    streams={name: stream.channels for name, stream in streams(info).items()},
    num_frames=FLAGS.num_frames,
    height=FLAGS.image_size,
    width=FLAGS.image_size,
    num_classes=len(info.classes),
    pooling=FLAGS.pooling,
  )


def _class_weights(info: metadata.DatasetInfo) -> str:
  """Returns what a recipe takes for --class_weights."""
  asked = FLAGS.class_weights
  if asked and info.multi_label:
    raise cli.UserError(
      f"--class_weights={asked} is for one label a clip, and clips here have several; leave it out"
    )
  if not asked or asked == "balanced":
    return asked or ""
  try:
    with open(cli.resolve_path(asked), encoding="utf-8") as file:
      factors = json.load(file)
    weights = [float(factors.get(name, 1)) for name in info.classes]
    unknown = sorted(set(factors) - set(info.classes))
  except (OSError, ValueError, TypeError, AttributeError) as error:
    raise cli.UserError(
      f"--class_weights={asked} is neither balanced nor a JSON file of a factor for each class "
      f"({error})"
    ) from error
  if unknown:
    raise cli.UserError(
      f"--class_weights={asked} names {', '.join(unknown)}, and the classes are "
      f"{', '.join(info.classes)}"
    )
  return json.dumps(weights)

"""The description of a training, from its data to its devices: a tree of frozen dataclasses.

Help texts, ranges, choices and defaults are told here and nowhere else; fields.py says what follows
from a declaration.

Moving statistics of batch normalization must follow the network within the training, however short.
At Keras' momentum of 0.99 they remember a hundred steps and more; after 200 steps they describe a
network that no longer exists, and evaluation is at chance. So the momentum comes from the number of
steps: the memory 1 / (1 - momentum) is a tenth of the training, during which the cosine has all but
stopped the weights. (Re-estimating the statistics after training does the same with another pass
over the data, and with state that a checkpoint would not hold.)
"""

import dataclasses

from data_prep.common import cli
from official.inputs import cache as cache_lib
from official.inputs import flow_source
from official.tasks import registry
from official.training.config.fields import EVOLVE
from official.training.config.fields import TRAIN
from official.training.config.fields import Group
from official.training.config.fields import knob

STRATEGIES = ("one_device", "mirrored", "multi_worker_mirrored", "tpu")
LOCAL_TPU = "local"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data(Group):
  """The clips on which a network is trained."""

  data_dir: str = knob(
    "", "Folder made by data_prep.extract: dataset.json and TFRecords.", identity=()
  )
  cache_dir: str = knob(
    "",
    "Where decoded videos are kept; default: cache/ in --data_dir, or in --model_dir if "
    "--data_dir cannot be written.",
    identity=(),
  )
  cache: str = knob(
    "auto",
    "How decoded videos are kept: memory, disk, none (decoded again each time), or what fits. "
    "May be changed later.",
    choices=cache_lib.MODES,
    identity=(),
  )
  flow: str = knob(
    flow_source.STORED,
    "Where optical flow comes from: from the dataset, or computed from its frames.",
    choices=flow_source.MODES,
  )
  degrade: str = knob(
    "",
    "For --task=restoration: what makes frames worse before a network sees them: bicubic:FACTOR, "
    "gauss:SIGMA:FACTOR, jpeg:QUALITY, drop:2 (every second frame is missing), "
    "stream:degraded (what data_prep.extract --degrade made), or a chain: bicubic:2+jpeg:30.",
    absent_by_default=True,
  )
  folds: int = knob(0, "Cross-validation folds; 0: the splits.", least=0, programs=(), identity=())
  fold: int = knob(0, "The fold that judges.", least=0, programs=(), identity=())
  fold_seed: int = knob(0, "Seed of the folds.", least=0, programs=(), identity=())
  num_frames: int = knob(8, "Consecutive frames of a clip.", least=1, since=1)
  image_size: int = knob(32, "Pixels of the square crop that a network sees.", least=1, since=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation(Group):
  """The variations of training clips (official.inputs.views)."""

  horizontal_flip: bool = knob(
    True,
    "Mirrors half of the training clips; turn it off where left and right tell classes apart.",
  )
  min_crop_area: float | None = knob(
    None,
    "Cuts random boxes of at least this share of a frame's area, such as 0.3, and resizes them, "
    "instead of cutting squares at full scale.",
    above=0,
    most=1,
    what="a share of a frame's area",
  )
  brightness: float = knob(
    0.0,
    "Largest change of a training clip's brightness, as a share of the range.",
    least=0.0,
    most=1.0,
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation(Group):
  """The evaluation of a video: the mean of the probabilities of several clips."""

  clips_per_video: int = knob(
    4, "Number of clips by which a video is judged, spread from its start to its end.", least=1
  )
  crops_per_clip: int = knob(
    1, "Number of crops by which a clip is judged, along its longer side.", least=1
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Optimizer(Group):
  """The optimizer, and what it does with the gradient."""

  type: str = knob(
    "sgd",
    "sgd has Nesterov momentum 0.9.",
    flag="optimizer",
    choices=("sgd", "adamw"),
    since=1,
  )
  learning_rate: float = knob(
    0.1,
    "Highest learning rate. It is reached by a linear warm-up, and then falls by a half cosine. "
    "0.1 is for sgd; 0.005 suits adamw.",
    above=0,
    since=1,
  )
  weight_decay: float = knob(
    1e-4, "Weight decay of kernels: an L2 penalty with sgd, decoupled with adamw.", least=0
  )
  gradient_clip_norm: float | None = knob(
    None,
    "Largest norm of the gradient of all weights together; default: none with sgd, 1 with adamw.",
    above=0,
  )
  ema_decay: float | None = knob(
    None,
    "Evaluates and exports an exponential moving average of the weights with this decay per step, "
    "such as 0.999.",
    above=0,
    below=1,
  )

  @property
  def l2_weight_decay(self) -> float:
    """Factor of the L2 penalty in the loss: AdamW decays by itself."""
    return self.weight_decay if self.type == "sgd" else 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule(Group):
  """The number of steps, and the clips per step."""

  train_steps: int = knob(
    1000, "Training steps.", least=1, programs=(TRAIN,), identity=(TRAIN,), since=1
  )
  batch_size: int = knob(16, "Clips per training step.", least=1, since=1)
  warmup_fraction: float = knob(
    0.05, "Share of the steps in which the learning rate rises.", least=0.0, most=1.0
  )
  checkpoint_steps: int | None = knob(
    None,
    "Steps between the checkpoints from which a training is resumed; default: a tenth of its "
    "steps.",
    least=1,
    identity=(),
  )

  restart_steps: str = knob(
    "",
    "Steps, separated by commas, after which the learning rate begins again; it falls to zero "
    "before each (warm restarts).",
    programs=(),
    identity=(),
  )
  batch_norm_steps: int | None = knob(
    None,
    "Steps to which the memory of batch normalization is fitted; default: all.",
    least=1,
    programs=(),
    identity=(),
  )
  stop_at: int | None = knob(
    None,
    "Step after which a training is left, to be continued later; default: the last.",
    least=1,
    programs=(),
    identity=(),
  )

  @property
  def last_step(self) -> int:
    """The step at which the training is left."""
    return self.stop_at or self.train_steps

  @property
  def segment_ends(self) -> tuple[int, ...]:
    """Steps at which the learning rate has fallen to zero, the last of all included."""
    return (*map(int, filter(None, self.restart_steps.split(","))), self.train_steps)

  @property
  def batch_norm_momentum(self) -> float:
    """Momentum whose memory is a tenth of the training, 0.99 at most and 0.5 at least."""
    return min(max(1 - 10 / (self.batch_norm_steps or self.train_steps), 0.5), 0.99)

  @property
  def checkpoint_interval(self) -> int:
    """Steps between checkpoints."""
    return self.checkpoint_steps or max(10, self.train_steps // 100 * 10)

  @property
  def steps_per_loop(self) -> int:
    """Steps that run without a look from outside: at most 20, a divisor of the interval."""
    return max(steps for steps in range(1, 21) if self.checkpoint_interval % steps == 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss(Group):
  """The task that is learned, and the loss to minimize."""

  task: str = knob(
    "",
    "What is learned. Default: what the labels of the dataset say, one or several a clip.",
    choices=registry.names,
    absent_by_default=True,
  )
  loss: str = knob(
    "",
    "What is minimized, of a task that has a choice. Default: its first.",
    choices=registry.losses,
    absent_by_default=True,
  )
  also_measured: str = knob(
    "",
    "Metrics that are computed besides the usual ones, separated by commas: those that a search's "
    "fitness asks for.",
    programs=(),
    identity=(),
  )
  label_smoothing: float = knob(
    0.0, "Share of the target that is spread evenly over all classes.", least=0.0, most=1.0
  )
  class_weights: str = knob(
    "",
    "Factors of the loss: balanced, so that every class counts alike, or a JSON file "
    '{"CLASS": FACTOR}. A class that it does not name has the factor 1.',
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Network(Group):
  """The choices that the architecture leaves open."""

  pooling: str = knob(
    "average", "How the head pools over time.", choices=("average", "max", "softmax")
  )
  connection_multiplier: float = knob(
    10.0,
    "K: connections are weighted by sigmoid(K v), which moves their weights faster than others, "
    "so that a short training spreads them; 50 suits adamw.",
    flag="connection_learning_rate_multiplier",
    above=0,
    since=1,
  )
  connection_weights: str = knob(
    "",
    "Where connection weights begin, after the sigmoid: a JSON list of [source, target, weight]. "
    "Without it they begin where the architecture's source has them, or near one half.",
    programs=(),
    identity=(TRAIN,),
  )
  freeze_connection_weights: bool = knob(
    False,
    "Keeps connection weights as they are published with the architecture, or as --init_checkpoint "
    "has them, instead of training them.",
    programs=(TRAIN,),
    identity=(TRAIN,),
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Start(Group):
  """The source of the initial weights: fine-tuning."""

  init_checkpoint: str = knob(
    "",
    "First weights, of the same architecture: the folder of an earlier training (of this command, "
    "or of a candidate), a folder of checkpoints, or the prefix of one. The head is new where the "
    "number of classes differs.",
    programs=(TRAIN,),
    identity=(TRAIN,),
  )
  freeze_backbone: bool = knob(
    False,
    "Trains the head alone; for --init_checkpoint.",
    programs=(TRAIN,),
    identity=(TRAIN,),
  )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Devices(Group):
  """The devices of a training, and how they compute."""

  precision: str = knob(
    "float32",
    "Precision of activations. bfloat16 suits TPUs and new GPUs, float16 older GPUs.",
    choices=("float32", "bfloat16", "float16"),
  )
  gradient_checkpointing: bool = knob(
    False,
    "Computes every block again in the backward pass instead of keeping its activations, so that "
    "larger clips and batches fit into memory. A step takes about a third longer.",
    identity=(EVOLVE,),
    operation=(TRAIN,),
  )
  distribution_strategy: str = knob(
    "one_device",
    "Where one training runs: on one device, all GPUs of this machine, several machines (named by "
    "TF_CONFIG), or a TPU.",
    choices=STRATEGIES,
    identity=(EVOLVE,),
    operation=(TRAIN,),
  )
  num_gpus: int | None = knob(
    None,
    "GPUs of this machine to train on; default: with --distribution_strategy=one_device one, if "
    "there are any, else all of them.",
    least=0,
    programs=(TRAIN,),
    identity=(),
    operation=(TRAIN,),
  )
  tpu: str = knob(
    "",
    f"For --distribution_strategy=tpu: {LOCAL_TPU}, on the machine that has the TPU (a TPU VM). A "
    "TPU of another machine cannot read clips.",
    identity=(),
  )
  threads: int = knob(
    0,
    "CPU threads of one operation, which show in the last bits; 0: as many as there are cores.",
    least=0,
    programs=(TRAIN,),
    identity=(),
    operation=(TRAIN,),
  )
  deterministic: bool = knob(
    True,
    "Makes equal trainings on equal hardware give equal bits. It costs next to nothing on a CPU; a "
    "GPU is expected to be faster with --deterministic=false, and to vary in the last bits.",
  )

  @property
  def deterministic_ops(self) -> bool:
    """Whether TensorFlow makes operations deterministic.

    It is not where steps run on a TPU: XLA, which compiles them, knows no gradient of max pooling
    then, and what it makes for a TPU is deterministic anyway.
    """
    return self.deterministic and self.distribution_strategy != "tpu"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
  """A training from its data to its devices, but for the architecture and the seed.

      Training(
        data=Data(data_dir="data", num_frames=16),
        optimizer=Optimizer(type="adamw", learning_rate=0.005),
      )

  Raises:
    UserError: A value has the wrong type or is out of its range, or two do not go together.
  """

  data: Data = Data()
  augmentation: Augmentation = Augmentation()
  evaluation: Evaluation = Evaluation()
  optimizer: Optimizer = Optimizer()
  schedule: Schedule = Schedule()
  loss: Loss = Loss()
  network: Network = Network()
  start: Start = Start()
  devices: Devices = Devices()

  def __post_init__(self) -> None:
    if self.optimizer.ema_decay is not None and self.devices.precision == "float16":
      raise cli.UserError(
        "`precision`=float16 scales the loss, which `ema_decay` does not know; give bfloat16 or "
        "leave out one of them"
      )
    if self.start.freeze_backbone and not self.start.init_checkpoint:
      raise cli.UserError(
        "`freeze_backbone` without `init_checkpoint` keeps random weights; give a checkpoint"
      )

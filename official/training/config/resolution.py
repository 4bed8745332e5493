"""The resolution of a training's values on this machine: files that they name are read or found."""

from collections.abc import Collection, Iterable, Mapping, Sequence
import dataclasses
import json
import os
import types

from data_prep.common import cli
from data_prep.dataset import degradation
from data_prep.dataset import metadata
from data_prep.dataset.streams import FRAMES
from official.architecture import cost
from official.architecture import dense_cost
from official.inputs import cache
from official.inputs import flow_source
from official.inputs import stream_sizes
from official.inputs import usable
from official.tasks import contract
from official.tasks import registry
from official.training.config import values
from official.training.config.tree import LOCAL_TPU
from official.training.config.tree import Network
from official.training.config.tree import Training
from official.training.config.values import AnyTraining

# Prefix of the checkpoint that has the final weights alone, within the folder of a training.
WEIGHTS = "weights/final"
BALANCED = "balanced"


def resolved(training: AnyTraining, info: metadata.DatasetInfo, model_dir: str) -> AnyTraining:
  """Returns a training that can begin: with absolute paths, and what its files say.

  Args:
    training: Its paths are the caller's; `class_weights` and `init_checkpoint` as in their help.
    info: The dataset in its data_dir.
    model_dir: Where decoded videos go if neither the training nor its dataset has a place for them.

  Raises:
    UserError: A file is not there, or is not what it has to be.
  """
  data_dir = cli.resolve_path(training.data.data_dir)
  training = _with_task(training, info)
  _check_goes_with_task(training, info)
  return values.replace(
    training,
    data_dir=data_dir,
    cache_dir=cli.resolve_path(training.data.cache_dir or cache.directory(data_dir, model_dir)),
    class_weights=_class_weights(
      training.loss.class_weights, checked_task(training, info).names(info)
    ),
    init_checkpoint=_init_checkpoint(training.start.init_checkpoint),
  )


def task(training: Training) -> contract.Spec:
  """Returns the task that is learned; raises UserError where there is none of that name."""
  if training.loss.task:
    return registry.get(training.loss.task)
  return registry.of(metadata.load(training.data.data_dir))


def checked_task(training: Training, info: metadata.DatasetInfo) -> contract.Spec:
  """Returns the task that is learned of a dataset; raises UserError where that is not possible."""
  spec = registry.get(training.loss.task) if training.loss.task else registry.of(info)
  spec.check(info, training.data.data_dir)
  return spec


def _with_task(training: AnyTraining, info: metadata.DatasetInfo) -> AnyTraining:
  """Returns a training that names its task only where the dataset would not: runs are compared."""
  spec = checked_task(training, info)
  return values.replace(training, task="" if spec == registry.of(info) else spec.name)


def streams(training: Training, info: metadata.DatasetInfo) -> dict[str, metadata.StreamInfo]:
  """Returns the streams that a training on a dataset has; raises UserError where it cannot."""
  return flow_source.streams(info, training.data.flow)


def check_reads(
  training: Training, info: metadata.DatasetInfo, needed: Iterable[str], *, network: str
) -> None:
  """Raises UserError where a dataset lacks streams that a network reads, or they tell the answer.

  What does not go with the task is told first, for it may be another one than was meant.

  Args:
    training: What is learned, of which data.
    info: The dataset.
    needed: Names of the streams that the network reads.
    network: What the message calls it.
  """
  _check_goes_with_task(training, info)
  needed, there = tuple(needed), streams(training, info)
  usable.check_streams(there, needed, network=network, data=training.data.data_dir)
  if isinstance(checked_task(training, info).target, contract.Self):
    usable.check_frames_alone({*needed} - flow_source.computed(there).keys(), network=network)


def check_joined(
  training: Training, info: metadata.DatasetInfo, stems: Iterable[Collection[str]], *, network: str
) -> None:
  """Raises UserError where a stem reads several streams that differ in height or width.

  Args:
    training: What is learned, of which data.
    info: The dataset, which has the streams.
    stems: Names of the streams of each stem.
    network: What the message calls the network.
  """
  there = streams(training, info)
  for stem in stems:
    sizes = {
      name: stream_sizes.size(there[name], training.data.image_size) for name in sorted(stem)
    }
    if len(set(sizes.values())) > 1:
      told = " and ".join(f"{name} ({high}x{wide})" for name, (high, wide) in sizes.items())
      raise cli.UserError(
        f"{network} has a stem that reads {told}: they differ in height or width; give each a stem "
        "of its own"
      )


def clip(training: Training, info: metadata.DatasetInfo) -> cost.Clip:
  """Returns what a network that is trained on a dataset takes and returns."""
  there = streams(training, info)
  channels = {name: stream.channels for name, stream in there.items()}
  sizes = stream_sizes.others(there, training.data.image_size)
  found = of_dataset(checked_task(training, info), info, training.data.degrade)
  return clip_of(training, channels, found, sizes)


def clip_of(
  training: Training,
  channels: Mapping[str, int],
  output: contract.ClassOutput | contract.DenseOutput,
  sizes: Mapping[str, tuple[int, int]] = types.MappingProxyType({}),
) -> cost.Clip:
  """Returns what a network of a training takes, and returns.

  `channels` and `sizes`, those that are no squares of `image_size`, are by stream.
  """
  classes, dense, side = 0, None, training.data.image_size
  if isinstance(output, contract.DenseOutput):
    dense = dense_cost.Dense(channels=output.channels, scale=output.scale)
    side //= output.scale
  else:
    classes = output.classes
  return cost.Clip(
    streams=channels,
    num_frames=training.data.num_frames,
    height=side,
    width=side,
    num_classes=classes,
    dense=dense,
    pooling=training.network.pooling,
    sizes=sizes,
  )


def check_tpu(address: str) -> None:
  """Raises UserError if a TPU is not one of this machine.

  The host of a TPU runs its input pipeline, and ours calls Python functions of this process.

  Args:
    address: As given to TensorFlow, for which an empty one is that in TPU_NAME of the environment.
  """
  named = address or os.environ.get("TPU_NAME", "")
  if named not in ("", LOCAL_TPU):
    flag = f"`tpu`={address}" if address else f"TPU_NAME={named}"
    raise cli.UserError(
      f"{flag} is a TPU of another machine, which cannot read clips through the Python of this "
      f"one; run the command on the machine that has the TPU (a TPU VM), with `tpu`={LOCAL_TPU}"
    )


def output(
  training: Training, info: metadata.DatasetInfo
) -> contract.ClassOutput | contract.DenseOutput:
  """Returns what a network that is trained on a dataset returns."""
  return of_dataset(task(training), info, training.data.degrade)


def of_dataset(
  spec: contract.Spec, info: metadata.DatasetInfo, degrade: str
) -> contract.ClassOutput | contract.DenseOutput:
  """Returns what a network for a dataset returns, of frames that were degraded or not."""
  found = spec.output(info)
  if isinstance(found, contract.DenseOutput) and degrade:
    found = dataclasses.replace(found, scale=degradation.parse(degrade).scale)
  return found


def _check_source(degrade: str, info: metadata.DatasetInfo) -> None:
  """Raises UserError where frames are to come from a stream that has none of the dataset's size."""
  name = degradation.parse(degrade).stream
  if not name:
    return
  truth = info.streams[FRAMES]
  fits = [
    other
    for other, stream in sorted(info.streams.items())
    if (stream.kind, stream.channels) == (truth.kind, truth.channels)
    and not (stream.scale or stream.own_size or other == FRAMES)
  ]
  if name not in fits:
    raise cli.UserError(
      f"`degrade`={degrade}: the dataset has no stream {name!r} of images of the frames' size "
      f"(it has {', '.join(fits) or 'none'}); python -m data_prep.extract --degrade=h264:38 makes "
      "the stream degraded"
    )


def _check_goes_with_task(training: Training, info: metadata.DatasetInfo) -> None:
  """Raises UserError where a training has what its task does not know, or lacks what it needs."""
  spec = checked_task(training, info)
  _check_losses(training, spec)
  pooling = training.network.pooling
  if isinstance(spec.output(info), contract.DenseOutput) and pooling != Network.pooling:
    raise cli.UserError(
      f"`pooling`={pooling} is for networks that answer once per clip, and those of the task "
      f"{spec.name} answer for every pixel; leave it out"
    )
  degrade = training.data.degrade
  if not isinstance(spec.target, contract.Self):
    if degrade:
      raise cli.UserError(
        f"`degrade`={degrade} is for frames to be restored, and the task is {spec.name}; leave it "
        "out, or give `task`=restoration"
      )
    return
  if not degrade:
    asked, remedy = f"`task`={spec.name}", "give `degrade`=bicubic:2, for example"
    if spec == registry.of(info):
      asked = f"{training.data.data_dir} has no labels, and `task`={spec.name}, which is its task,"
      remedy += "; to learn classes, give the manifest a column `label` and prepare it again"
    raise cli.UserError(f"{asked} needs `degrade`, what makes frames worse; {remedy}")
  degradation.check_size(degrade, training.data.image_size)
  usable.check_own_scale(training.data.image_size, info.short_side)
  _check_source(degrade, info)
  if training.augmentation.min_crop_area is not None:
    raise cli.UserError(
      f"`min_crop_area`={training.augmentation.min_crop_area:g} resizes frames, whose details are "
      f"what `task`={spec.name} learns; leave it out"
    )


def _check_losses(training: Training, spec: contract.Spec) -> None:
  """Raises UserError where the loss is none of the task's."""
  loss = training.loss
  target = spec.target
  if loss.class_weights and isinstance(target, contract.Labels) and target.several:
    raise cli.UserError(
      f"`class_weights`={loss.class_weights} is for one label a clip, and clips here have several; "
      "leave it out"
    )
  for name, given in (
    ("class_weights", loss.class_weights),
    ("label_smoothing", loss.label_smoothing),
  ):
    if given and not spec.learns_labels:
      raise cli.UserError(
        f"`{name}`={given} is for tasks of labels, and the task is {spec.name}; leave it out"
      )
  if loss.loss and loss.loss not in spec.losses:
    there = f"give `loss`={' or '.join(spec.losses)}" if spec.losses else "leave it out"
    raise cli.UserError(f"`loss`={loss.loss} is none of the task {spec.name}; {there}")


def _class_weights(asked: str, names: Sequence[str]) -> str:
  """Returns `balanced`, a JSON list of factors in the order of the classes, or ""."""
  if not asked or asked == BALANCED or asked.startswith("["):
    return asked
  try:
    with open(cli.resolve_path(asked), encoding="utf-8") as file:
      factors = json.load(file)
    weights = [float(factors.get(name, 1)) for name in names]
    unknown = sorted(set(factors) - set(names))
  except (OSError, ValueError, TypeError, AttributeError) as error:
    raise cli.UserError(
      f"`class_weights`={asked} is neither balanced nor a JSON file of a factor for each class "
      f"({error})"
    ) from error
  if unknown:
    raise cli.UserError(
      f"`class_weights`={asked} names {', '.join(unknown)}, and the classes are {', '.join(names)}"
    )
  return json.dumps(weights)


def _init_checkpoint(asked: str) -> str:
  """Returns the folder or the prefix that --init_checkpoint means; empty without it."""
  if not asked:
    return ""
  path = cli.plain_path("init_checkpoint", asked)
  for prefix in (path, os.path.join(path, WEIGHTS)):
    if os.path.exists(prefix + ".index"):
      return prefix
  for folder in (os.path.join(path, "training"), path):
    if os.path.exists(os.path.join(folder, "checkpoint")):
      return folder
  raise cli.UserError(
    f"`init_checkpoint`={asked} has no checkpoint; give the folder of a training, "
    "or the prefix of a checkpoint"
  )

"""What a task is: the question that a network answers about a clip. No TensorFlow.

A task is one folder (a package, in this one or anywhere) with three modules:

    spec     SPEC, a `Spec`: what is asked, what a network returns, and by which metrics it is
             judged. It imports no TensorFlow, for a search reads it, and so do the flags.
    task     `Learning`: targets, loss and metric objects, and how clips become the answer for a
             video (learning.py).
    served   `Served`: what a SavedModel returns, and what programs say of it (answering.py).

`registry.register(SPEC)` makes it known. Nothing else knows a task by its name.
"""

from collections.abc import Mapping
import dataclasses
import importlib
import typing

from data_prep.common import cli
from data_prep.dataset import metadata
from data_prep.dataset.streams import FRAMES

if typing.TYPE_CHECKING:
  from official.tasks import answering


@dataclasses.dataclass(frozen=True, kw_only=True)
class Labels:
  """The target is the classes of a clip, among those of its dataset.

  Attributes:
    several: Whether a clip may be of several classes.
  """

  several: bool = False

  def __str__(self) -> str:
    return "clips with several labels" if self.several else "clips with one label"


@dataclasses.dataclass(frozen=True)
class Self:
  """The target is the dataset's own frames; what a network reads of them is degraded."""

  def __str__(self) -> str:
    return "frames to be restored"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stream:
  """The target is a stream of the dataset.

  Attributes:
    name: Its name.
    kind: Its kind (data_prep.dataset.stream_kinds).
  """

  name: str
  kind: str

  def __str__(self) -> str:
    return f"the stream {self.name}"


Target = Labels | Self | Stream


@dataclasses.dataclass(frozen=True)
class ClassOutput:
  """A network returns logits [batch, classes]."""

  classes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenseOutput:
  """A network returns values [batch, time, height * scale, width * scale, channels].

  Networks have heads for classes alone so far: a training of a task with this output is refused
  (`Spec.classes`).
  """

  channels: int
  scale: int = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric:
  """A number that tells how good a network is.

  Attributes:
    name: By which results, reports and summaries have it.
    higher_is_better: False for a loss or an error.
    fed: What it is computed from: `logits` or `probabilities` (of the network's outputs), or
      `outputs`, as the network returns them.
    while_training: Whether it is computed of training batches, too, for the summaries.
    on_request: Whether it is computed only where a search's fitness asks for it.
    is_share: Whether it is the share of the clips that are answered right, so that it has an
      interval, and chance and the largest class to be compared with (baselines.py).
    format: How people are shown it, as in `format(value, ".4f")`.
  """

  name: str
  higher_is_better: bool = True
  fed: str = "logits"
  while_training: bool = False
  on_request: bool = False
  is_share: bool = False
  format: str = ".4f"

  def __post_init__(self) -> None:
    if self.fed not in ("logits", "probabilities", "outputs"):
      raise ValueError(
        f"the metric {self.name} is fed with {self.fed!r}; give logits, probabilities or outputs"
      )


@dataclasses.dataclass(frozen=True)
class Fitness:
  """What a search maximises: a metric, or a sum of some; it minimises it where lower is better.

  Attributes:
    name: The value of --fitness.
    metrics: The summands, all of one direction.
  """

  name: str
  metrics: tuple[Metric, ...]

  def __post_init__(self) -> None:
    if len({metric.higher_is_better for metric in self.metrics}) != 1:
      raise ValueError(
        f"the fitness {self.name} adds {', '.join(metric.name for metric in self.metrics)}; give "
        "one or more metrics, for all of which higher is better, or lower"
      )

  @property
  def higher_is_better(self) -> bool:
    return self.metrics[0].higher_is_better

  @property
  def format(self) -> str:
    return self.metrics[0].format

  def compute(self, metrics: Mapping[str, float]) -> float:
    """Returns a number that is larger for the better; raises KeyError where a metric is missing."""
    total = sum(metrics[metric.name] for metric in self.metrics)
    return total if self.higher_is_better else -total


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spec:
  """A task as far as it can be told without TensorFlow.

  A task whose answer is neither classes nor pixels is of a subclass, with an `output`, `names` and
  `check` of its own (docs/extending.md has one that learns numbers).

  Attributes:
    name: By which it is registered.
    package: Where its modules `task` and `served` are, such as `official.tasks.classification`.
    target: What a network is taught, in the dataset.
    metrics: Metrics of an evaluation, in the order in which results have them, with `LOSS`, which
      decides between candidates of equal fitness.
    fitness: What a search can maximise; the first is what it does if nothing else is asked for.
    losses: What a training can minimise; the first is what it does if nothing else is asked for.
      Empty: there is no choice.
  """

  name: str
  package: str
  target: Target
  metrics: tuple[Metric, ...]
  fitness: tuple[Fitness, ...]
  losses: tuple[str, ...] = ()

  def __post_init__(self) -> None:
    if LOSS not in self.metrics or not self.fitness:
      raise ValueError(f"the task {self.name} lacks a fitness, or contract.LOSS among its metrics")
    strange = {metric for one in self.fitness for metric in one.metrics} - set(self.metrics)
    if strange:
      raise ValueError(
        f"the task {self.name} has a fitness of {', '.join(metric.name for metric in strange)}, "
        "which is none of its metrics; add it to them"
      )

  @property
  def default_fitness(self) -> Fitness:
    return self.fitness[0]

  @property
  def learns_labels(self) -> bool:
    """Whether the target is classes, of clips or of pixels, so that they can be smoothed."""
    return isinstance(self.target, Labels | Stream)

  @property
  def target_streams(self) -> tuple[str, ...]:
    """The streams of a dataset that are the target."""
    return (self.target.name,) if isinstance(self.target, Stream) else ()

  def output(self, info: metadata.DatasetInfo) -> ClassOutput | DenseOutput:
    """Returns what a network for a dataset returns."""
    if isinstance(self.target, Self):
      return DenseOutput(channels=info.streams[FRAMES].channels)
    if isinstance(self.target, Stream):
      return DenseOutput(channels=len(self.names(info)))
    return ClassOutput(len(info.classes))

  def names(self, info: metadata.DatasetInfo) -> tuple[str, ...]:
    """Returns the names of what a network's answer tells apart, in order."""
    if isinstance(self.target, Stream):
      return info.streams[self.target.name].classes or ()
    return info.classes

  def check(self, info: metadata.DatasetInfo, data_dir: str) -> None:
    """Raises UserError where a dataset cannot answer the question."""
    if fault := self._fault(info):
      raise cli.UserError(f"`task`={self.name}, and {data_dir} {fault}")

  def _fault(self, info: metadata.DatasetInfo) -> str:
    target = self.target
    if isinstance(target, Labels):
      if not info.classes:
        return (
          "has no labels; give its manifest a column `label` and prepare it again, or give another "
          "`task`"
        )
      if info.multi_label and not target.several:
        return "has clips with several labels; give `task`=multi_label, or clips of one label each"
    elif isinstance(target, Self) and FRAMES not in info.streams:
      return f"has no stream {FRAMES}, whose frames are the target; prepare a dataset with frames"
    elif isinstance(target, Stream):
      stream = info.streams.get(target.name)
      if stream is None or stream.kind != target.kind:
        return f"has no stream {target.name} of the kind {target.kind}, which is the target; " + (
          "prepare a dataset that has it"
        )
    return ""

  def learning(self) -> type[typing.Any]:
    """Returns how the task is learned, a class of `learning.Learning`; imports TensorFlow.

    That class knows this module, so its type is not named here.
    """
    return importlib.import_module(f"{self.package}.task").Learning

  def served(self) -> "answering.Served":
    """Returns how the task is served."""
    return importlib.import_module(f"{self.package}.served").Served()

  def classes(self, info: metadata.DatasetInfo) -> int:
    """Returns the classes that a network for a dataset tells apart.

    Raises:
      UserError: The task wants another output, for which networks have no head.
    """
    output = self.output(info)
    if not isinstance(output, ClassOutput):
      raise cli.UserError(
        f"the task {self.name} wants {output}, and networks have heads for classes alone; give a "
        "task whose output is a ClassOutput"
      )
    return output.classes


LOSS = Metric(name="loss", higher_is_better=False)
"""The mean loss of a task over the clips of a split, without label smoothing or penalties."""

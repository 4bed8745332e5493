"""How a task is learned: what its module `task` has to define, as a class `Learning`."""

import abc
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import tensorflow as tf

from data_prep.dataset import degradation
from official.tasks import contract


class Learning(abc.ABC):
  """Targets, loss, metrics, and how answers about parts are joined.

  A batch of labels is what official.inputs makes of a dataset: `label` (int32 [batch], or with
  several labels a clip float32 [batch, classes] of 0 and 1) and `weight` (float32 [batch], 0 for
  padding). Of a target that is no label it has other things instead (inputs/targets.py). Outputs
  are those of a network, [batch, ...].
  """

  def __init__(
    self,
    spec: contract.Spec,
    output: contract.ClassOutput | contract.DenseOutput,
    *,
    loss: str = "",
    degrade: str = "",
  ):
    """Makes the learning of a task.

    Args:
      spec: The task.
      output: What the network returns.
      loss: One of the spec's losses; empty: the first, or the only one.
      degrade: What was done to the frames, if those are the target (degradation.py).
    """
    self.spec, self.output = spec, output
    self.loss = loss or next(iter(spec.losses), "")
    self.degrade = degradation.parse(degrade) if degrade else None

  @abc.abstractmethod
  def targets(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> tf.Tensor:
    """Returns what metrics compare outputs with."""

  @abc.abstractmethod
  def losses(
    self,
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
    *,
    label_smoothing: float = 0.0,
    class_weights: np.ndarray | None = None,
  ) -> tf.Tensor:
    """Returns the loss of every example, [batch].

    Args:
      labels: A batch of labels.
      outputs: The network's.
      label_smoothing: Share of the target given to all classes alike.
      class_weights: Factors of the loss by class, [classes]; None is 1 each.
    """

  @abc.abstractmethod
  def metric(self, metric: contract.Metric) -> tf.keras.metrics.Metric:
    """Returns what computes a metric of the task, under its name."""

  @staticmethod
  @abc.abstractmethod
  def probabilities(outputs: tf.Tensor) -> tf.Tensor:
    """Returns what metrics that are fed with probabilities get, and what a SavedModel tells."""

  @abc.abstractmethod
  def join_views(self, outputs: tf.Tensor, views: int) -> tf.Tensor:
    """Returns the answers about videos, [batch, ...], like outputs.

    Args:
      outputs: Those for clips, [batch * views, ...], the views of a video side by side.
      views: Clips and crops a video.
    """

  @staticmethod
  @abc.abstractmethod
  def join_networks(outputs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns the answer of several networks together, like the outputs of one."""

  def of_views(self, labels: Mapping[str, tf.Tensor], views: int) -> dict[str, tf.Tensor]:
    """Returns the labels of clips, [batch * views, ...], given those of videos, [batch, ...]."""
    return {name: tf.repeat(values, views, axis=0) for name, values in labels.items()}

  def looks(self) -> list[tf.keras.metrics.Metric]:
    """Returns what else is found where a network is looked at closely: arrays for the report.

    They are updated like metrics that are fed with logits.
    """
    return []

  def found(self, labels: Mapping[str, tf.Tensor], outputs: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns what predictions.csv is made of (`Served.predictions`), each [batch, ...].

    Args:
      labels: A batch of labels.
      outputs: The answers about videos, as `join_views` returns them.
    """
    del labels, outputs
    return {}

  def shown(
    self,
    streams: Mapping[str, tf.Tensor],
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
  ) -> dict[str, tf.Tensor]:
    """Returns pictures of the answers of a task that answers for every pixel.

    They are `input`, `output` and `truth` of the first view of every video, uint8 [batch, time,
    height, width, 3], or without channels where pixels have classes, and `badness`, float32
    [batch], which is larger for a worse answer. Other tasks have none.

    Args:
      streams: What the network read, [batch, views, time, ...].
      labels: A batch of labels.
      outputs: The answers about videos, as `join_views` returns them.
    """
    del streams, labels, outputs
    return {}

  def metrics(
    self, *, training: bool, requested: Collection[str] = ()
  ) -> list[tf.keras.metrics.Metric]:
    """Returns the metrics of an evaluation, or those of training batches, in the spec's order.

    Args:
      training: Whether they are of training batches.
      requested: Names of those that are computed on request only, and are wanted.
    """
    return [
      self.metric(metric)
      for metric in self.spec.metrics
      if (metric.while_training or not training)
      and (not metric.on_request or metric.name in requested)
    ]

  def update(
    self,
    metrics: Sequence[tf.keras.metrics.Metric],
    labels: Mapping[str, tf.Tensor],
    outputs: tf.Tensor,
  ) -> None:
    """Adds a batch to metrics, each fed as the spec says."""
    fed = {metric.name: metric.fed for metric in self.spec.metrics}
    targets = self.targets(labels, outputs)
    for metric in metrics:
      values = self.probabilities(outputs) if fed.get(metric.name) == "probabilities" else outputs
      metric.update_state(targets, values, sample_weight=labels["weight"])

"""How a task is served: what its module `served` has to define, as a class `Served`.

Importing it imports no TensorFlow, for `official.predict` names its columns before it loads any.
"""

import abc
from collections.abc import Iterable, Mapping, Sequence
import typing

import numpy as np

if typing.TYPE_CHECKING:
  import tensorflow as tf


class Served(abc.ABC):
  """What a SavedModel answers, and what programs and documents say of it.

  Attributes:
    outputs: Names of the outputs that every signature has.
    averaged: The one among them that is averaged over the windows of a video.
    columns: What `official.predict` writes of an answer, between the video and its windows.
    wide_prefix: What the names of the columns begin with that a network adds by its classes.
    has_rows: Whether `official.predict` can write an answer as a row, of an output that has a value
      for each class.
    returns_frames: Whether answers are frames, made of those that are sent and of outputs
      (`restored`); `official.predict` has no rows of them.
    returns_masks: Whether answers are `masks`, the class of every pixel.
  """

  outputs: tuple[str, ...]
  averaged: str
  columns: tuple[str, ...]
  wide_prefix: str
  returns_frames: bool = False
  returns_masks: bool = False
  has_rows: bool = True

  @abc.abstractmethod
  def answer(self, outputs: "tf.Tensor", classes: "tf.Tensor") -> dict[str, "tf.Tensor"]:
    """Returns the outputs of a signature, in its graph.

    Args:
      outputs: The network's, [batch, ...].
      classes: Names, string [classes].
    """

  def restored(
    self, frames: "tf.Tensor", outputs: "tf.Tensor", degrade: str
  ) -> dict[str, "tf.Tensor"]:
    """Returns the outputs of a signature, in its graph, of a task that returns frames.

    Args:
      frames: What was sent, from 0 to 255, [batch, time, height, width, 3].
      outputs: The network's.
      degrade: What the network was taught to restore (data_prep/dataset/degradation.py).
    """
    raise NotImplementedError

  @abc.abstractmethod
  def check(self, answer: Mapping[str, np.ndarray], classes: Sequence[str]) -> tuple[bool, str]:
    """Returns whether an answer to one clip is as it should be, and what it says.

    Args:
      answer: Outputs by name, [1, ...].
      classes: Names in the order of the network's outputs.
    """

  @abc.abstractmethod
  def title(self, classes: Sequence[str]) -> str:
    """Returns what the model card calls the network."""

  @abc.abstractmethod
  def names(self, classes: Sequence[str]) -> str:
    """Returns what the model card says of the classes."""

  @abc.abstractmethod
  def returns(self, classes: Sequence[str]) -> str:
    """Returns what the model card says of the outputs, in one sentence."""

  def report(
    self,
    directory: str,
    split: str,
    classes: Sequence[str],
    metrics: Mapping[str, float],
    looks: Mapping[str, np.ndarray],
  ) -> None:
    """Writes report.txt and whatever else there is to say of a split; nothing by default.

    Args:
      directory: Where files go; it exists.
      split: Whose videos they are.
      classes: Names in the order of the network's outputs.
      metrics: By name.
      looks: What `Learning.looks` found, by name.
    """
    del directory, split, classes, metrics, looks

  def predictions(
    self,
    labels: Sequence[Sequence[int]],
    values: Mapping[str, np.ndarray],
    classes: Sequence[str],
  ) -> list[dict[str, str]]:
    """Returns what predictions.csv says of videos, by column; nothing of them by default.

    Args:
      labels: The numbers of the classes of every video.
      values: What `Learning.found` found, by name, [videos, ...].
      classes: Names in the order of the network's outputs.
    """
    del labels, values, classes
    return []

  def badness(self, row: Mapping[str, str]) -> tuple[float, ...]:
    """Returns what sorts rows of predictions.csv, the best answer first."""
    del row
    return ()

  def wide_columns(self, classes: Sequence[str]) -> list[str]:
    """Returns the columns of a network of these classes, the last ones of a row."""
    return [self.wide_prefix + name for name in classes]

  @abc.abstractmethod
  def row(
    self, values: Sequence[float], named: Sequence[str], classes: Sequence[str]
  ) -> dict[str, str]:
    """Returns what a row says of an answer, by column.

    Args:
      values: The output that is averaged, of one video or window.
      named: What the values stand for.
      classes: Those of the wide columns; none where each answer brings its own.
    """

  @abc.abstractmethod
  def verdict(self, row: Mapping[str, str], labels: Sequence[str]) -> str:
    """Returns RIGHT or WRONG; nothing where that, or the answer, is not known."""

  def unknown(self, labels: Mapping[str, Sequence[str]], classes: Sequence[str]) -> list[str]:
    """Returns warnings about labels that the network cannot answer; none by default.

    Args:
      labels: Those of a manifest, by the ids of its clips.
      classes: Names in the order of the network's outputs.
    """
    del labels, classes
    return []

  @abc.abstractmethod
  def told(self, values: Sequence[float], named: Sequence[str], labels: Sequence[str]) -> str:
    """Returns what a console says of an answer, and whether it is right."""

  @abc.abstractmethod
  def marks(
    self,
    rows: Iterable[Mapping[str, str]],
    labels: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    *,
    per_window: bool,
  ) -> list[str]:
    """Returns lines that say how right the rows of a CSV are.

    Args:
      rows: By column, those of one video one after the other.
      labels: By the ids that count, what is right.
      classes: Those of the wide columns.
      per_window: Whether there is a row for each window.
    """


RIGHT, WRONG = "right", "wrong"

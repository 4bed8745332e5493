"""Multi-label classification: a probability for each class, whatever the others have.

There is no report: of several labels, none is mistaken for another.
"""

from collections.abc import Mapping, Sequence
import typing

import numpy as np

from official.tasks import label_answers

if typing.TYPE_CHECKING:
  import tensorflow as tf


class Served(label_answers.LabelServed):
  """Each class is right or not, whatever the others are."""

  def probabilities(self, outputs: "tf.Tensor") -> "tf.Tensor":
    from official.tasks.multi_label import task  # imports TensorFlow

    return task.Learning.probabilities(outputs)

  def report(
    self,
    directory: str,
    split: str,
    classes: Sequence[str],
    metrics: Mapping[str, float],
    looks: Mapping[str, np.ndarray],
  ) -> None:
    """Writes nothing."""

"""Multi-label classification: a probability for each class, whatever the others have.

There is no report but for the worst answers: of several labels, none is mistaken for another.
"""

from collections.abc import Mapping, Sequence
import typing

import numpy as np

from official.tasks import label_answers
from official.tasks import label_predictions

if typing.TYPE_CHECKING:
  import tensorflow as tf


class Served(label_answers.LabelServed):
  """Each class is right or not, whatever the others are."""

  def probabilities(self, outputs: "tf.Tensor") -> "tf.Tensor":
    from official.tasks.multi_label import task  # imports TensorFlow

    return task.Learning.probabilities(outputs)

  def predictions(
    self,
    labels: Sequence[Sequence[int]],
    values: Mapping[str, np.ndarray],
    classes: Sequence[str],
  ) -> list[dict[str, str]]:
    return label_predictions.of_several(labels, values["probabilities"], classes)

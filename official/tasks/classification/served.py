"""Classification: probabilities that sum to 1, and a report of which class is taken for which."""

from collections.abc import Mapping, Sequence
import typing

import numpy as np

from official.tasks import label_answers

if typing.TYPE_CHECKING:
  import tensorflow as tf


class Served(label_answers.LabelServed):
  """Exactly one of the classes is right."""

  def probabilities(self, outputs: "tf.Tensor") -> "tf.Tensor":
    from official.tasks.classification import task  # imports TensorFlow

    return task.Learning.probabilities(outputs)

  def report(
    self,
    directory: str,
    split: str,
    classes: Sequence[str],
    metrics: Mapping[str, float],
    looks: Mapping[str, np.ndarray],
  ) -> None:
    from official.tasks.classification import report  # imports matplotlib

    report.write(directory, split, classes, metrics, np.rint(looks["confusion"]).astype(np.int64))

"""Multi-label classification: a probability for each class, whatever the others have.

There is no report: of several labels, none is mistaken for another.
"""

import typing

from official.tasks import label_answers

if typing.TYPE_CHECKING:
  import tensorflow as tf


class Served(label_answers.LabelServed):
  """Each class is right or not, whatever the others are."""

  def probabilities(self, outputs: "tf.Tensor") -> "tf.Tensor":
    from official.tasks.multi_label import task  # imports TensorFlow

    return task.Learning.probabilities(outputs)

"""What tasks have in common whose answer is the probabilities of classes.

class, score            the best class
verdict                 right where the best class is one of the labels, else wrong
probability of ...      of every class, where they are all known
"""

import abc
from collections.abc import Iterable, Mapping, Sequence
import typing

import numpy as np

from data_prep.common import cli
from official.tasks import answering
from official.tasks import label_marks
from official.tasks import label_predictions

if typing.TYPE_CHECKING:
  import tensorflow as tf

_TOP = 5


class LabelServed(answering.Served):
  """A signature returns probabilities [batch, classes], and the best classes with their scores."""

  outputs = ("probabilities", "classes", "scores")
  averaged = "probabilities"
  columns = ("class", "score")
  wide_prefix = "probability of "

  @abc.abstractmethod
  def probabilities(self, outputs: "tf.Tensor") -> "tf.Tensor":
    """Returns the probabilities of logits [batch, classes]."""

  def answer(self, outputs: "tf.Tensor", classes: "tf.Tensor") -> dict[str, "tf.Tensor"]:
    import tensorflow as tf

    probabilities = self.probabilities(outputs)
    scores, best = tf.math.top_k(probabilities, k=min(_TOP, classes.shape[0]))
    return {"probabilities": probabilities, "classes": tf.gather(classes, best), "scores": scores}

  def check(self, answer: Mapping[str, np.ndarray], classes: Sequence[str]) -> tuple[bool, str]:
    probabilities = answer["probabilities"][0]
    best = answer["classes"][0, 0].decode()
    right = (
      probabilities.shape == (len(classes),)
      and (probabilities >= 0).all()
      and (probabilities <= 1).all()
      and best == classes[int(probabilities.argmax())]
    )
    return bool(right), f"{best} {probabilities.max():.3f}"

  def title(self, classes: Sequence[str]) -> str:
    return f"Video classifier of {len(classes)} classes"

  def names(self, classes: Sequence[str]) -> str:
    return f"Classes (assets/labels.txt): {', '.join(classes)}."

  def returns(self, classes: Sequence[str]) -> str:
    return (
      f"Every signature returns `probabilities` [batch, {len(classes)}], and the best `classes` "
      "with their `scores`, [batch, k]."
    )

  def row(
    self, values: Sequence[float], named: Sequence[str], classes: Sequence[str]
  ) -> dict[str, str]:
    best, score = _best(values, named)
    wide = dict(zip(self.wide_columns(classes), (f"{one:.4f}" for one in values)))
    return {"class": best, "score": f"{score:.4f}", **wide}

  def verdict(self, row: Mapping[str, str], labels: Sequence[str]) -> str:
    return _verdict(row["class"], labels)

  def unknown(self, labels: Mapping[str, Sequence[str]], classes: Sequence[str]) -> list[str]:
    return label_marks.unknown(labels, classes)

  def predictions(
    self,
    labels: Sequence[Sequence[int]],
    values: Mapping[str, np.ndarray],
    classes: Sequence[str],
  ) -> list[dict[str, str]]:
    return label_predictions.of_one(labels, values["probabilities"], classes)

  def badness(self, row: Mapping[str, str]) -> tuple[float, ...]:
    return label_predictions.badness(row)

  def told(self, values: Sequence[float], named: Sequence[str], labels: Sequence[str]) -> str:
    best, score = _best(values, named)
    mark = _verdict(best, labels)
    right = cli.printable(";".join(labels))
    return (
      f"{cli.printable(best)} {score:.3f}"
      + f", {mark}" * bool(mark)
      + f" (it is {right})" * (mark == answering.WRONG)
    )

  def marks(
    self,
    rows: Iterable[Mapping[str, str]],
    labels: Mapping[str, Sequence[str]],
    classes: Sequence[str],
    *,
    per_window: bool,
  ) -> list[str]:
    return label_marks.lines(
      rows, labels, classes, self.wide_columns(classes), per_window=per_window
    )


def _best(values: Sequence[float], named: Sequence[str]) -> tuple[str, float]:
  """Returns the best class and its score."""
  index = int(np.argmax(values))
  return named[index], float(values[index])


def _verdict(best: str, labels: Sequence[str]) -> str:
  if not best or not labels:
    return ""
  return answering.RIGHT if best in labels else answering.WRONG

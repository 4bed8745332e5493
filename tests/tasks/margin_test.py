"""The mean margin: a fitness that moves in smaller steps than accuracy."""

import numpy as np
import pytest
import tensorflow as tf

from official.runs import fitness
from official.tasks import contract
from official.tasks import label_learning
from official.tasks import label_metrics
from official.tasks import registry

_SPEC = registry.DEFAULT


@pytest.fixture
def learning():
  return _SPEC.learning()(_SPEC, contract.ClassOutput(3))


def test_it_is_the_right_probability_less_the_best_of_the_others():
  targets = tf.constant([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
  probabilities = tf.constant([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.0, 0.0, 1.0]])
  np.testing.assert_allclose(
    label_learning.margins(targets, probabilities), [0.5, -0.3, 1.0], atol=1e-6
  )


def test_padding_does_not_count(learning):
  metric = learning.metric(label_metrics.MARGIN)
  labels = {"label": tf.constant([0, 1]), "weight": tf.constant([1.0, 0.0])}
  logits = tf.math.log(tf.constant([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1]]))
  learning.update([metric], labels, logits)
  assert float(metric.result()) == pytest.approx(0.25)


def test_it_is_measured_only_where_it_is_asked_for(learning):
  assert "margin" not in [metric.name for metric in learning.metrics(training=False)]
  asked = learning.metrics(training=False, requested=["margin"])
  assert [metric.name for metric in asked][-1] == "margin"


def test_the_fitness_asks_for_it():
  assert [fitness.requested(name) for name in ("accuracy", "loss", "margin")] == ["", "", "margin"]
  assert fitness.compute("margin", {"margin": -0.25}) == -0.25

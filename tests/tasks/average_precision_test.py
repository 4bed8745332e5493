"""Mean average precision against its definition in NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from official.tasks import average_precision


def _average_precision(truth, scores):
  """AP of one class without ties: the mean, over its clips, of the precision down to each."""
  hits = np.asarray(truth)[np.argsort(scores)[::-1]]
  return np.mean([hits[: k + 1].mean() for k in np.flatnonzero(hits)])


def _metric(truth, probabilities, weights=None):
  metric = average_precision.MeanAveragePrecision(np.shape(truth)[1])
  metric.update_state(tf.constant(truth), tf.constant(probabilities, tf.float32), weights)
  return metric


def test_is_the_mean_over_classes():
  truth = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
  # Class 0 has ranks 1 and 3, class 1 has rank 2: (1 + 2/3) / 2 and 1/2.
  metric = _metric(truth, [[0.9, 0.7], [0.5, 0.6], [0.1, 0.2]])
  assert float(metric.result()) == pytest.approx((5 / 6 + 1 / 2) / 2)


def test_agrees_with_the_definition_over_several_batches():
  rng = np.random.default_rng(0)
  truth = (rng.uniform(size=(60, 5)) < 0.3).astype(np.float32)
  scores = (rng.permuted(np.tile(np.linspace(-7, 7, 60), (5, 1)), axis=1).T + truth).astype(
    np.float32
  )
  metric = average_precision.MeanAveragePrecision(5)
  for start in range(0, 60, 16):
    part = np.s_[start : start + 16]
    metric.update_state(truth[part], tf.sigmoid(scores[part]))
  expected = np.mean([_average_precision(truth[:, k], scores[:, k]) for k in range(5)])
  assert float(metric.result()) == pytest.approx(expected, abs=2e-3)


def test_equal_scores_are_one_step():
  metric = _metric([[1.0], [0.0], [1.0], [0.0]], [[0.5]] * 4)
  assert float(metric.result()) == 0.5


def test_classes_that_no_clip_has_do_not_count():
  metric = _metric([[1.0, 0.0], [0.0, 0.0]], [[0.9, 0.9], [0.1, 0.1]])
  assert float(metric.result()) == 1


def test_clips_of_weight_0_do_not_count():
  metric = _metric([[1.0], [0.0]], [[0.2], [0.9]], tf.constant([1.0, 0.0]))
  assert float(metric.result()) == 1


def test_certain_scores_are_ranked_too():
  metric = _metric([[1.0], [0.0], [0.0]], [[1.0], [0.999], [0.0]])
  assert float(metric.result()) == 1


def test_a_score_that_is_no_number_makes_a_metric_that_is_none():
  metric = _metric([[1.0], [0.0]], [[0.9], [np.nan]])
  assert np.isnan(metric.result())


def test_reset_begins_anew():
  metric = _metric([[0.0], [1.0]], [[0.9], [0.1]])
  metric.reset_state()
  metric.update_state(tf.constant([[1.0]]), tf.constant([[0.5]]))
  assert float(metric.result()) == 1

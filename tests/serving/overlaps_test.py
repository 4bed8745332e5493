"""Intersections over unions of masks."""

import math

import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset import stream_files
from official.serving import overlaps
from official.tasks.segmentation import task

_TRUTH = np.array([[0, 0, 1, 255], [2, 1, 1, 255]], np.uint8)
_IDS = np.array([[0, 1, 1, 2], [2, 2, 1, 0]], np.uint8)


def test_pixels_are_counted_by_class_and_answer():
  found = overlaps.confusion(_TRUTH, _IDS, 4)
  expected = [[1, 1, 0, 0], [0, 2, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
  np.testing.assert_array_equal(found, expected)


def test_a_class_that_is_not_there_does_not_count():
  counts = overlaps.confusion(_TRUTH, _IDS, 4)
  shares = overlaps.of_classes(counts)
  assert shares[:3].tolist() == [1 / 2, 2 / 4, 1 / 2]
  assert math.isnan(shares[3])
  assert overlaps.mean(counts) == pytest.approx(1 / 2)
  assert overlaps.accuracy(counts) == pytest.approx(4 / 6)


def test_they_are_the_metrics_of_training():
  draw = np.random.default_rng(0).integers
  truth, ids = draw(0, 4, (2, 5, 7), np.uint8), draw(0, 4, (2, 5, 7), np.uint8)
  truth[0, 0] = 255
  metric = task.MeanIoU(4, name="mean_iou")
  metric.update_state(truth, tf.one_hot(ids, 4))
  found = overlaps.mean(overlaps.confusion(truth, ids, 4))
  assert found == pytest.approx(float(metric.result()))


def test_a_number_beyond_the_classes_is_refused():
  with pytest.raises(stream_files.StreamError, match="has the number 2, and the network knows 2"):
    overlaps.confusion(_TRUTH, np.zeros_like(_TRUTH), 2)

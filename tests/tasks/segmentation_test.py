"""Segmentation: what counts in the loss and in intersections over unions, and what does not."""

import numpy as np
import pytest
import tensorflow as tf

from official.tasks import contract
from official.tasks import registry
from official.tasks.segmentation import spec as spec_lib
from official.tasks.segmentation import task as task_lib

_MASK = np.uint8([[[[0, 0, 1], [2, 255, 1]]], [[[1, 1, 1], [255, 255, 255]]]])  # [2, 1, 2, 3]


@pytest.fixture
def learning():
  spec = registry.get("segmentation")
  return spec.learning()(spec, contract.DenseOutput(channels=3))


def _logits(answer) -> np.ndarray:
  """Returns logits whose largest is the answer's."""
  return (4 * np.eye(3)[np.asarray(answer)]).astype(np.float32)


def _labels(mask=_MASK, weight=None) -> dict[str, tf.Tensor]:
  weight = [1.0] * len(mask) if weight is None else weight
  return {"mask": tf.constant(mask), "weight": tf.constant(weight)}


def test_the_loss_is_the_mean_over_pixels_that_count(learning):
  logits = np.random.default_rng(0).normal(size=(*_MASK.shape, 3)).astype(np.float32)
  log_shares = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
  for index, mask in enumerate(_MASK):
    there = mask != 255
    expected = -log_shares[index][there][np.arange(there.sum()), mask[there]].mean()
    np.testing.assert_allclose(learning.losses(_labels(), logits)[index], expected, rtol=1e-5)


def test_what_does_not_count_has_no_gradient(learning):
  logits = tf.constant(np.zeros((*_MASK.shape, 3), np.float32))
  with tf.GradientTape() as tape:
    tape.watch(logits)
    loss = tf.reduce_sum(learning.losses(_labels(), logits, label_smoothing=0.1))
  gradient = tape.gradient(loss, logits).numpy()
  assert not gradient[_MASK == 255].any() and gradient[_MASK != 255].any(-1).all()


def test_a_clip_without_a_pixel_that_counts_has_no_loss(learning):
  mask = np.full((1, 1, 2, 3), 255, np.uint8)
  assert learning.losses(_labels(mask), _logits(np.zeros(mask.shape, int))).numpy() == [0.0]


def test_a_class_weight_is_a_factor_of_its_pixels(learning):
  mask = np.uint8([[[[0, 1]]]])
  logits = np.zeros((*mask.shape, 3), np.float32)
  weighted = learning.losses(_labels(mask), logits, class_weights=np.float32([2, 6, 1]))
  np.testing.assert_allclose(weighted, [np.log(3) * (2 + 6) / 2], rtol=1e-6)


def _judged(learning, *batches) -> dict[str, float]:
  metrics = learning.metrics(training=False)
  for labels, logits in batches:
    learning.update(metrics, labels, logits)
  return {metric.name: float(metric.result()) for metric in metrics}


def test_intersections_are_over_unions_of_all_pixels_together(learning):
  answer = [[[[0, 1, 1], [2, 0, 1]]], [[[1, 1, 2], [0, 1, 2]]]]
  found = _judged(learning, (_labels(), _logits(answer)))
  # Class 0: 1 of 2; class 1: 4 of 6, one of them wrongly; class 2: 1 of 2.
  assert found["mean_iou"] == pytest.approx((1 / 2 + 4 / 6 + 1 / 2) / 3)
  assert found["pixel_accuracy"] == pytest.approx(6 / 8)


def test_batches_and_clips_do_not_matter(learning):
  answer = np.random.default_rng(1).integers(0, 3, _MASK.shape)
  together = _judged(learning, (_labels(), _logits(answer)))
  apart = [(_labels(_MASK[[n]]), _logits(answer[[n]])) for n in range(2)]
  assert _judged(learning, *apart)["mean_iou"] == together["mean_iou"]


def test_padding_does_not_count(learning):
  answer = np.where(_MASK == 255, 0, _MASK)
  wrong = np.concatenate([answer, (answer + 1) % 3])
  labels = _labels(np.concatenate([_MASK, _MASK]), [1.0, 1.0, 0.0, 0.0])
  found = _judged(learning, (labels, _logits(wrong)))
  assert (found["mean_iou"], found["pixel_accuracy"]) == (1, 1)


def test_a_class_that_is_nowhere_does_not_count(learning):
  mask = np.uint8([[[[0, 1]]]])
  assert _judged(learning, (_labels(mask), _logits(mask)))["mean_iou"] == 1


def test_each_view_is_judged_by_its_own_mask(learning):
  views = np.stack([_MASK, (_MASK + 0)], axis=1)  # [2, 2, 1, 2, 3]
  answer = np.where(views == 255, 0, views)
  outputs = learning.join_views(_logits(answer.reshape(4, 1, 2, 3)), 2)
  assert outputs.shape == (2, 2, 1, 2, 3, 3)
  assert _judged(learning, (_labels(views), outputs))["mean_iou"] == 1
  assert learning.of_views(_labels(views), 2)["mask"].shape == (4, 1, 2, 3)


def test_counts_go_on_beyond_what_float32_can_hold():
  metric = task_lib.Confusion(2, "confusion")
  metric.counts.assign([[2.0**24, 0], [0, 0]])
  metric.update_state(np.uint8([[0]]), np.float32([[[1, 0]]]))
  assert metric.result()[0, 0] == 2**24 + 1


def test_replicas_count_together():
  strategy = tf.distribute.MirroredStrategy(["CPU:0"])
  with strategy.scope():
    metric = task_lib.MeanIoU(3, spec_lib.MEAN_IOU.name)

  @tf.function
  def step(mask, logits):
    strategy.run(lambda: metric.update_state(mask, logits))

  step(tf.constant(_MASK), tf.constant(_logits(np.where(_MASK == 255, 0, _MASK))))
  assert metric.result() == 1
  metric.reset_state()
  assert metric.result() == 0

"""Restoration: the answer, its losses and metrics, each against a few lines of NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from data_prep.dataset import degradation
from official.tasks import contract
from official.tasks import registry
from official.tasks.restoration import answer


def _learning(loss: str = "", degrade: str = "bicubic:2"):
  spec = registry.get("restoration")
  scale = degradation.parse(degrade).scale
  return spec.learning()(
    spec, contract.DenseOutput(channels=3, scale=scale), loss=loss, degrade=degrade
  )


def _labels(scale: int = 2, side: int = 16, frames: int = 3, views: tuple[int, ...] = ()):
  """Two clips, of which the second is padding."""
  rng = np.random.default_rng(0)
  truth = rng.integers(0, 256, (2, *views, frames, side, side, 3), dtype=np.uint8)
  seen = rng.integers(0, 256, (2, *views, frames, side // scale, side // scale, 3), dtype=np.uint8)
  return {
    "frames": tf.constant(truth),
    "input": tf.constant(seen),
    "weight": tf.constant([1.0, 0.0]),
  }


def _measured(learning, labels, outputs) -> dict[str, float]:
  metrics = learning.metrics(training=False)
  learning.update(metrics, labels, outputs)
  return {metric.name: float(metric.result()) for metric in metrics}


def test_without_a_residual_the_answer_is_the_enlarged_input():
  labels = _labels()
  residual = tf.zeros(labels["frames"].shape)
  chain = degradation.parse("bicubic:2")
  found = answer.restored(labels["input"], residual, chain)
  flat = tf.reshape(labels["input"], [-1, 8, 8, 3])
  wanted = tf.image.resize(flat, [16, 16], method="bicubic") / 255
  np.testing.assert_allclose(tf.reshape(found, [-1, 16, 16, 3]), wanted, atol=1e-6)
  measured = _measured(_learning(), labels, residual)
  assert measured["psnr_gain"] == 0 and measured["psnr"] == measured["input_psnr"] > 0


def test_a_grey_frame_stays_grey_when_it_is_enlarged():
  grey = tf.fill([1, 2, 6, 4, 3], np.uint8(51))
  np.testing.assert_allclose(answer.resized(grey, 3), np.full([1, 2, 18, 12, 3], 0.2), atol=1e-6)


def test_frames_that_are_there_are_left_as_they_are():
  labels = _labels(scale=1)
  residual = tf.ones(labels["frames"].shape)
  found = answer.restored(labels["input"], residual, degradation.parse("drop:2"))
  added = (found - tf.cast(labels["input"], tf.float32) / 255).numpy()[0, :, 0, 0, 0]
  np.testing.assert_allclose(added, [0, 1, 0], atol=1e-6)


@pytest.mark.parametrize(
  ("loss", "wanted"),
  [
    ("", lambda d: np.sqrt(d**2 + 1e-6)),
    ("charbonnier", lambda d: np.sqrt(d**2 + 1e-6)),
    ("l1", np.abs),
    ("l2", np.square),
  ],
)
def test_a_loss_is_the_mean_over_the_values_of_a_clip(loss, wanted):
  labels = _labels(scale=1)
  residual = tf.fill(labels["frames"].shape, 0.125)
  found = _learning(loss, "jpeg:10").losses(labels, residual)
  seen, truth = (labels[name].numpy() / 255 for name in ("input", "frames"))
  np.testing.assert_allclose(found, wanted(seen + 0.125 - truth).mean(axis=(1, 2, 3, 4)), rtol=1e-5)


def test_metrics_are_those_of_8_bits_and_leave_padding_out():
  labels = _labels(scale=1, views=(2,))
  residual = tf.random.stateless_normal(labels["frames"].shape, [1, 2], stddev=0.1)
  found = _measured(_learning(degrade="jpeg:10"), labels, residual)
  seen, truth = (labels[name].numpy()[0] / 255 for name in ("input", "frames"))
  shown = np.rint(np.clip(seen + residual[0].numpy(), 0, 1) * 255) / 255
  after, before = (
    -10 * np.log10(((one - truth) ** 2).mean(axis=(1, 2, 3, 4))) for one in (shown, seen)
  )
  assert found["psnr"] == pytest.approx(after.mean(), abs=1e-4)
  assert found["psnr_gain"] == pytest.approx((after - before).mean(), abs=1e-4)
  ssim = tf.image.ssim(tf.constant(shown, tf.float32), tf.constant(truth, tf.float32), 1.0)
  assert found["ssim"] == pytest.approx(float(tf.reduce_mean(ssim)), abs=1e-5)


def test_a_perfect_answer_has_100_decibels():
  labels = _labels(scale=1)
  labels["input"] = labels["frames"]
  found = _measured(_learning(degrade="jpeg:10"), labels, tf.zeros(labels["frames"].shape))
  assert found["psnr"] == pytest.approx(100, abs=1e-3)


def test_a_network_that_returns_the_difference_gains():
  labels = _labels(scale=1)
  difference = (tf.cast(labels["frames"], tf.float32) - tf.cast(labels["input"], tf.float32)) / 255
  assert _measured(_learning(degrade="jpeg:10"), labels, difference * 0.5)["psnr_gain"] > 5


def test_views_of_a_clip_are_compared_with_truths_of_their_own():
  learning, labels = _learning(degrade="jpeg:10"), _labels(scale=1, views=(2,))
  clips = learning.of_views(labels, 2)
  outputs = tf.random.stateless_normal(clips["frames"].shape, [1, 2], stddev=0.1)
  of_videos = learning.losses(labels, learning.join_views(outputs, 2))
  of_clips = tf.reshape(learning.losses(clips, outputs), [2, 2])
  np.testing.assert_allclose(of_videos, tf.reduce_mean(of_clips, axis=1), rtol=1e-5)

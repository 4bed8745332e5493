"""Decibels and structural similarity of frames."""

import math

import numpy as np
import pytest
import tensorflow as tf

from official.serving import quality

_RNG = np.random.default_rng(0)


def _image(height: int, width: int) -> np.ndarray:
  return _RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(11, 11), (24, 37)])
def test_similarity_is_that_of_the_metrics_of_training(size):
  truth = _image(*size)
  image = np.clip(truth + _RNG.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
  expected = float(tf.image.ssim(tf.constant(image), tf.constant(truth), 255))
  assert quality.ssim(image, truth) == pytest.approx(expected, abs=1e-5)


def test_an_image_is_entirely_similar_to_itself():
  image = _image(20, 30)
  assert quality.ssim(image, image) == pytest.approx(1)


def test_images_smaller_than_the_window_have_no_similarity():
  assert math.isnan(quality.ssim(_image(10, 30), _image(10, 30)))


def test_decibels_of_a_known_error():
  truth = np.zeros([2, 3, 3], np.uint8)
  error = quality.squared_error(truth + 5, truth)
  assert error == 25 * truth.size
  assert quality.psnr(error, truth.size) == pytest.approx(10 * math.log10(255**2 / 25))


def test_equal_frames_have_a_hundred_decibels():
  assert quality.psnr(0.0, 12) == 100

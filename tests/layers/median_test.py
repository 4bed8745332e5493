"""The 5x5 median against OpenCV's."""

import cv2
import numpy as np
import pytest

from official.layers import median


@pytest.mark.parametrize("height, width", [(7, 9), (40, 33), (3, 2)])
def test_is_opencvs_median(height, width):
  images = np.random.default_rng(height).normal(size=(3, height, width)).astype(np.float32)
  expected = np.stack([cv2.medianBlur(image, 5) for image in images])
  np.testing.assert_array_equal(median.median_5x5(images), expected)

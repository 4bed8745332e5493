"""How close frames come to the truth: decibels and structural similarity, in NumPy and OpenCV.

    PSNR = 10 log10(255^2 / mean squared error)
    SSIM = mean of (2 m_x m_y + c1) (2 s_xy + c2) / ((m_x^2 + m_y^2 + c1) (s_x^2 + s_y^2 + c2))

with means m, variances s^2 and covariances s_xy in a Gaussian window of 11x11 pixels (1.5 pixels
wide), c1 = (0.01 * 255)^2 and c2 = (0.03 * 255)^2 (Wang et al., 2004). Pixels whose window is not
whole do not count. Both are what the metrics of a training compute (official.tasks.restoration).
"""

import math

import cv2
import numpy as np

_PERFECT = 100.0  # Decibels of equal videos.
_WINDOW, _WIDTH = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(squared_error: float, count: int) -> float:
  """Returns decibels, given the sum of the squared errors of so many grey levels."""
  mean = squared_error / count
  return min(_PERFECT, 10 * math.log10(255**2 / mean)) if mean else _PERFECT


def squared_error(image: np.ndarray, truth: np.ndarray) -> float:
  """Returns the sum of the squared differences of two images, in grey levels."""
  return float(np.square(image.astype(np.float64) - truth).sum())


def ssim(image: np.ndarray, truth: np.ndarray) -> float:
  """Returns the structural similarity of two images of grey levels [height, width, channels].

  It is NaN where they are smaller than the window.
  """
  if min(truth.shape[:2]) < _WINDOW:
    return math.nan
  x, y = (one.astype(np.float64) for one in (image, truth))
  mean_x, mean_y = _blurred(x), _blurred(y)
  squares = mean_x**2 + mean_y**2
  variances = _blurred(x**2 + y**2) - squares
  covariance = _blurred(x * y) - mean_x * mean_y
  luminance = (2 * mean_x * mean_y + _C1) / (squares + _C1)
  return float(np.mean(luminance * (2 * covariance + _C2) / (variances + _C2)))


def _blurred(values: np.ndarray) -> np.ndarray:
  """Returns the means in every whole window, [height - 10, width - 10, channels]."""
  edge = _WINDOW // 2
  return cv2.GaussianBlur(values, (_WINDOW, _WINDOW), _WIDTH)[edge:-edge, edge:-edge]

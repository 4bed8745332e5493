"""Optical flow between two frames: TV-L1 (Zach, Pock, Bischof 2007), on the CPU.

Flow (x, y) is where a pixel of the first frame has gone in the second, in pixels. Two profiles:

    opencv_default   OpenCV's DualTVL1 with its own parameters, those of most published two-stream
                     networks
    fast             the same algorithm in code of our own (tvl1_kernels.py), with half-size pyramid
                     steps, 3 warps and 10 iterations after each; on real frames it differs from the
                     default by 0.08 px on average, and it follows large motion better

The result depends on the OpenCV version, which makes the pyramid, and for OpenCV's code on the CPU
type; it does not depend on the number of threads or on what was computed before.
docs/performance.md has the times.
"""

import cv2
import numpy as np

ALGORITHM = "tvl1"
FAST, OPENCV_DEFAULT = PROFILES = ("fast", "opencv_default")
VERSION = 2  # Of what `fast` gives. The first was OpenCV's with these parameters.

_LEVELS, _SMALLEST_SIDE = 5, 16
_WARPS, _ITERATIONS = 3, 10


class FlowComputer:
  """Computes flow; one object serves one thread."""

  def __init__(self, profile: str):
    """Makes a computer for one of `PROFILES`; the first one of `fast` loads compiled code."""
    if profile == FAST:
      from data_prep.dataset import tvl1_kernels  # Not for --help: it takes a second or more.

      self._refine = tvl1_kernels.refine
      self._compute = self._fast
    else:
      self._method = cv2.optflow.DualTVL1OpticalFlow_create()
      self._scales = self._method.getScalesNumber()
      self._compute = self._by_opencv

  def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns float32 `[height, width, 2]` from two grey uint8 images `[height, width]`."""
    if np.array_equal(first, second):  # A repeated frame: TV-L1 would find exactly zero too.
      return np.zeros((*first.shape, 2), np.float32)
    return self._compute(first, second)

  def _fast(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    pyramid = [tuple(np.array(image, np.float32, order="C") for image in (first, second))]
    while len(pyramid) < _LEVELS:
      size = tuple(round(side / 2) for side in pyramid[-1][0].shape)
      if min(size) < _SMALLEST_SIDE:
        break
      pyramid.append(tuple(_resized(image, size) for image in pyramid[-1]))
    flow = np.zeros((2, *pyramid[-1][0].shape), np.float32)
    for one, other in reversed(pyramid):
      if flow.shape[1:] != one.shape:
        flow = 2 * np.stack([_resized(component, one.shape) for component in flow])
      self._refine(one, other, flow, _WARPS, _ITERATIONS)
    return np.ascontiguousarray(flow.transpose(1, 2, 0))

  def _by_opencv(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    # OpenCV lowers the number for good when it meets a small image; the next would be worse for it.
    self._method.setScalesNumber(self._scales)
    return self._method.calc(first, second, None)


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  """Returns [*size], interpolated linearly."""
  return cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)

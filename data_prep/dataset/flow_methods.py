"""The algorithms of optical flow that data preparation has, on the CPU.

    tvl1           Zach, Pock, Bischof 2007 (tvl1.py); has profiles
    farneback      Farneback 2003, by OpenCV with its own parameters
    dis            dense inverse search, Kroeger et al. 2016, by OpenCV, preset "medium"
    lucas_kanade   Lucas and Kanade 1981, in pyramids, on a grid of points (lucas_kanade.py)

Flow (x, y) is where a pixel of the first frame has gone in the second, in pixels; that of two equal
frames is exactly zero. A served network computes TV-L1 alone (official.inputs.flow_source).
"""

from collections.abc import Callable
import types

import cv2
import numpy as np

from data_prep.dataset import lucas_kanade
from data_prep.dataset import tvl1

Compute = Callable[[np.ndarray, np.ndarray], np.ndarray]
NONE = "none"
_DIS_SMALLEST = 12  # Pixels of a shorter side that OpenCV's DIS always takes.


def _farneback(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  return cv2.FarnebackOpticalFlow_create().calc(first, second, None)


def _dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  # An object changes its parameters for good when it meets a small image: one for each pair.
  method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
  return method.calc(first, second, None)


_OTHERS = types.MappingProxyType(
  {"farneback": _farneback, "dis": _dis, "lucas_kanade": lucas_kanade.flow}
)
NAMES = (tvl1.ALGORITHM, *_OTHERS)


def has_profiles(name: str) -> bool:
  """Returns whether an algorithm has sets of parameters to choose from."""
  return name == tvl1.ALGORITHM


def smallest_side(name: str) -> int:
  """Returns the pixels that the shorter side of frames must have."""
  return _DIS_SMALLEST if name == "dis" else 1


def computer(name: str, profile: str) -> Compute:
  """Returns what computes flow, for one thread: float32 `[height, width, 2]` from two grey uint8
  images `[height, width]`.

  Args:
    name: One of NAMES.
    profile: The parameters of an algorithm that has profiles; others ignore it.
  """
  if has_profiles(name):
    return tvl1.FlowComputer(profile)
  method = _OTHERS[name]

  def compute(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    if np.array_equal(first, second):
      return np.zeros((*first.shape, 2), np.float32)
    return method(first, second)

  return compute

"""Optical flow as colours: the hue is the direction, the saturation is the speed.

Still is white; a motion to the right is red, down (positive y) is yellow-green, to the left is
cyan, up is violet. `wheel` draws the key to it.
"""

import cv2
import numpy as np


def colors(flow: np.ndarray, fastest: float) -> np.ndarray:
  """Returns uint8 RGB `[height, width, 3]`.

  Args:
    flow: `[height, width, 2]` (x, y) in pixels.
    fastest: Pixels at which a colour is fully saturated; above 0.
  """
  x, y = flow[..., 0], flow[..., 1]
  hue = np.degrees(np.arctan2(y, x)) % 360
  saturation = np.minimum(np.hypot(x, y) / fastest, 1)
  hsv = np.stack([hue, saturation, np.ones_like(hue)], axis=-1).astype(np.float32)
  return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)


def wheel(side: int) -> np.ndarray:
  """Returns the colours of all motions up to `fastest`, uint8 RGB `[side, side, 3]`; the corners
  are white."""
  axis = np.linspace(-1, 1, side, dtype=np.float32)
  flow = np.stack(np.meshgrid(axis, axis), axis=-1)
  picture = colors(flow, 1.0)
  picture[np.hypot(flow[..., 0], flow[..., 1]) > 1] = 255
  return picture

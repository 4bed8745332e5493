"""Optical flow between two frames: Lucas and Kanade (1981) in pyramids, by OpenCV, made dense.

The method follows single points. Here they lie on a grid with one point every 4 pixels:

    follow each point to the second frame, and back again (pyramids of Bouguet, 2001)
    forget those that come back more than a pixel from where they began, or leave the picture
    fill the gaps from their surroundings, the nearer the better
    median of 5x5 points, then bilinear to every pixel

OpenCV's own `calcOpticalFlowSparseToDense` is not used: of frames of 64 pixels and less, it ended
the process or gave wrong flow, or flow that is not finite.
"""

import cv2
import numpy as np

_STEP = 4  # Pixels from a point to the next.
_PYRAMIDS = {"winSize": (11, 11), "maxLevel": 3}
_FARTHEST = 1.0  # Pixels from its beginning at which a point that is followed back may end.
_MEDIAN = 5


def flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  """Returns float32 `[height, width, 2]` (x, y) from two grey uint8 images `[height, width]`."""
  height, width = first.shape
  rows, columns = -(-height // _STEP), -(-width // _STEP)
  y, x = np.mgrid[:rows, :columns].astype(np.float32) * _STEP + (_STEP - 1) / 2
  points = np.stack([x, y], -1).reshape(-1, 1, 2)
  moved, found, _ = cv2.calcOpticalFlowPyrLK(first, second, points, None, **_PYRAMIDS)
  back, found_again, _ = cv2.calcOpticalFlowPyrLK(second, first, moved, None, **_PYRAMIDS)
  near = np.linalg.norm(back - points, axis=-1, keepdims=True)[..., 0] <= _FARTHEST
  trusted = ((found == 1) & (found_again == 1) & near).reshape(rows, columns)
  if not trusted.any():
    return np.zeros((height, width, 2), np.float32)
  vectors = np.where(trusted[..., np.newaxis], (moved - points).reshape(rows, columns, 2), 0)
  filled = _filled(vectors.astype(np.float32), trusted.astype(np.float32))
  smooth = [cv2.medianBlur(np.ascontiguousarray(filled[..., axis]), _MEDIAN) for axis in (0, 1)]
  size = (columns * _STEP, rows * _STEP)
  dense = cv2.resize(np.stack(smooth, -1), size, interpolation=cv2.INTER_LINEAR)
  return np.ascontiguousarray(dense[:height, :width])


def _filled(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
  """Returns vectors everywhere; where nothing has a weight, those of a grid half as fine.

  Args:
    sums: Vectors times their weights, float32 [rows, columns, 2].
    weights: Float32 [rows, columns], not all of them 0.
  """
  known = weights[..., np.newaxis]
  means = sums / np.where(known > 0, known, 1)
  if weights.all():
    return means
  rows, columns = weights.shape
  half = (-(-columns // 2), -(-rows // 2))
  coarse = _filled(
    *(cv2.resize(one, half, interpolation=cv2.INTER_AREA) for one in (sums, weights))
  )
  around = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
  return np.where(known > 0, means, around)

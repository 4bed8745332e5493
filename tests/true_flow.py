"""Pairs of images whose optical flow is known."""

from collections.abc import Iterator
import pathlib

import cv2
import numpy as np

_UNKNOWN = 1e9  # larger values of a .flo file mean that nobody knows

Pair = tuple[np.ndarray, np.ndarray, np.ndarray]


def rubber_whale(shared_data: pathlib.Path) -> Pair:
  """Returns two grey images [height, width] and the flow between them, [height, width, 2]."""
  return _pair(shared_data / "flow", "frame10.png", "frame11.png", "flow10.flo")


def flying_chairs(shared_data: pathlib.Path) -> Iterator[Pair]:
  """Yields three pairs like that, whose motion is large."""
  for name in ("0000000", "0000001", "0000002"):
    yield _pair(shared_data / "flow", f"{name}-img0.ppm", f"{name}-img1.ppm", f"{name}-gt.flo")


def error(vectors: np.ndarray, truth: np.ndarray) -> float:
  """Returns the mean distance in pixels from the true end points, where they are known."""
  known = np.abs(truth).max(axis=2) < _UNKNOWN
  return float(np.linalg.norm(vectors - truth, axis=2)[known].mean())


def _pair(folder: pathlib.Path, first: str, second: str, truth: str) -> Pair:
  images = [cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE) for name in (first, second)]
  content = (folder / truth).read_bytes()
  width, height = np.frombuffer(content, np.int32, 2, 4)
  return *images, np.frombuffer(content, np.float32, offset=12).reshape(height, width, 2)

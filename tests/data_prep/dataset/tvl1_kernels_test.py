"""The machine code of TV-L1 against the same formulas in NumPy, and its bits everywhere."""

from concurrent import futures
import hashlib
import itertools
import multiprocessing
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from data_prep.dataset import tvl1
from data_prep.dataset import tvl1_kernels

_TAU, _LAMBDA, _THETA = 0.25, 0.15, 0.3
_DIGEST = """
import hashlib, sys
import numpy as np
from data_prep.dataset import tvl1_kernels
first, second, flow = (np.load(sys.argv[1])[name] for name in ("first", "second", "flow"))
tvl1_kernels.refine(first, second, flow, 3, 10)
hits = tvl1_kernels.refine.stats.cache_hits.values()
print(hashlib.sha256(flow.tobytes()).hexdigest(), sum(hits))
"""


def _images(height, width, seed=0):
  """Returns a smooth picture, itself shifted by (1, -0.5) pixels, and a flow to begin with."""
  rng = np.random.default_rng(seed)
  picture = cv2.GaussianBlur(rng.uniform(0, 255, (height, width)).astype(np.float32), (0, 0), 1.5)
  picture = np.clip((picture - picture.mean()) * 4 + 128, 0, 255)
  shift = np.float32([[1, 0, 1], [0, 1, -0.5]])
  moved = cv2.warpAffine(picture, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
  return picture, moved, rng.normal(0, 0.3, (2, height, width)).astype(np.float32)


def _gradient(image):
  padded = np.pad(image, 1, "edge")
  return (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2


def _cubic(distance):
  """Keys' kernel with a = -0.75, at any distance."""
  t, a = abs(distance), -0.75
  if t <= 1:
    return (a + 2) * t**3 - (a + 3) * t**2 + 1
  return a * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0.0


def _interpolated(image, x, y):
  """Returns a value between pixels; an image continues with its border, and far outside is none."""
  height, width = image.shape
  if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
    return 0.0
  left, top = int(x), int(y)
  return sum(
    _cubic(x - j) * _cubic(y - i) * image[np.clip(i, 0, height - 1), np.clip(j, 0, width - 1)]
    for i in range(top - 1, top + 3)
    for j in range(left - 1, left + 3)
  )


def _median(image):
  windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, 2, "edge"), (5, 5))
  return np.median(windows, axis=(2, 3))


def _forward(u):
  return np.diff(u, axis=1, append=u[:, -1:]), np.diff(u, axis=0, append=u[-1:])


def _divergence(p_x, p_y):
  return np.diff(p_x, axis=1, prepend=0) + np.diff(p_y, axis=0, prepend=0)


def _reference(first, second, flow, warps, iterations):
  """Returns the flow of one level, in float64 and pixel by pixel, as the papers write it."""
  first, second, u = (values.astype(np.float64) for values in (first, second, flow))
  p = [(np.zeros_like(first), np.zeros_like(first)) for _ in range(2)]
  for _ in range(warps):
    u_0, (height, width) = u.copy(), first.shape
    warped, g_x, g_y = np.zeros((3, height, width))
    for y, x in itertools.product(range(height), range(width)):
      to = x + u_0[0, y, x], y + u_0[1, y, x]
      warped[y, x] = _interpolated(second, *to)
      g_x[y, x], g_y[y, x] = (_interpolated(g, *to) for g in _gradient(second))
    square = g_x**2 + g_y**2
    u = np.stack([_median(component) for component in u])
    for _ in range(iterations):
      rho = warped + g_x * (u[0] - u_0[0]) + g_y * (u[1] - u_0[1]) - first
      d = np.where(square > 1e-7, -rho / np.maximum(square, 1e-7), 0)
      d = np.clip(d, -_LAMBDA * _THETA, _LAMBDA * _THETA)
      for k, g in enumerate((g_x, g_y)):
        u[k] += d * g + _THETA * _divergence(*p[k])
        u_x, u_y = _forward(u[k])
        scale = 1 + _TAU / _THETA * np.hypot(u_x, u_y)
        p[k] = tuple((q + _TAU / _THETA * v) / scale for q, v in zip(p[k], (u_x, u_y)))
  return u


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (24, 9), (5, 40), (2, 3), (1, 7), (6, 1)])
def test_one_level_is_what_the_formulas_say(size):
  first, second, flow = _images(*size)
  expected = _reference(first, second, flow, 3, 10)
  tvl1_kernels.refine(first, second, flow, 3, 10)
  np.testing.assert_allclose(flow, expected, atol=2e-3)
  assert np.abs(flow - expected).mean() < 1e-4


def test_where_nothing_has_a_gradient_flow_stays_zero():
  flow = np.zeros((2, 20, 30), np.float32)
  dark, light = (np.full((20, 30), level, np.float32) for level in (20, 200))
  tvl1_kernels.refine(dark, light, flow, 3, 10)
  assert not flow.any()


def test_flow_of_equal_images_is_exactly_zero_without_a_look_at_them_first():
  first, _, flow = _images(33, 47)
  flow[:] = 0
  tvl1_kernels.refine(first, first.copy(), flow, 3, 10)
  assert not flow.any()


def _digests(seed):
  """Returns the hashes of three flows of frames of several sizes, by an object of its own."""
  computer, found = tvl1.FlowComputer(tvl1.FAST), []
  for height, width in ((64, 48), (33, 70), (16, 16)):
    first, second, _ = _images(height, width, seed)
    vectors = computer(first.astype(np.uint8), second.astype(np.uint8))
    found.append(hashlib.sha256(vectors.tobytes()).hexdigest())
  return found


def test_threads_and_forked_processes_give_the_same_bits():
  expected = [_digests(seed) for seed in range(8)]
  with futures.ThreadPoolExecutor(4) as threads:
    assert list(threads.map(_digests, range(8))) == expected
  with multiprocessing.get_context("fork").Pool(2) as processes:
    assert processes.map(_digests, range(8)) == expected


class _Fresh:
  """Processes of their own that compute one flow, with a cache for their code."""

  def __init__(self, folder):
    self._images, self.cache = folder / "images.npz", folder / "cache"
    np.savez(self._images, **dict(zip(("first", "second", "flow"), _images(70, 61))))

  def start(self, **environment):
    return subprocess.Popen(
      [sys.executable, "-c", _DIGEST, self._images],
      env={**os.environ, "NUMBA_CACHE_DIR": str(self.cache), **environment},
      stdout=subprocess.PIPE,
      text=True,
    )

  def finish(self, process):
    """Returns the hash of the flow, and how often code was loaded from the cache."""
    found, hits = process.communicate()[0].split()
    assert process.returncode == 0
    return found, int(hits)

  def run(self, **environment):
    return self.finish(self.start(**environment))


@pytest.fixture
def fresh(tmp_path):
  return _Fresh(tmp_path)


def _expected():
  first, second, flow = _images(70, 61)
  tvl1_kernels.refine(first, second, flow, 3, 10)
  return hashlib.sha256(flow.tobytes()).hexdigest()


@pytest.mark.slow
def test_code_for_any_cpu_gives_the_same_bits(fresh):
  generic = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
  assert fresh.run(**generic) == (_expected(), 0)


@pytest.mark.slow
def test_processes_that_fill_one_cache_at_once_and_later_ones_agree(fresh):
  at_once = [fresh.start() for _ in range(3)]
  assert {fresh.finish(process)[0] for process in at_once} == {_expected()}
  assert fresh.run() == (_expected(), 1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache_is_not_used(fresh, kind):
  fresh.run()
  (damaged,) = fresh.cache.rglob(f"*.{kind}")
  damaged.write_bytes(damaged.read_bytes()[:-100])
  assert fresh.run() == (_expected(), 0)

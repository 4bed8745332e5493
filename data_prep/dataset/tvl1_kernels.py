"""One level of TV-L1's pyramid, in machine code that numba makes of these loops.

The flow u minimises, over the image (Zach, Pock, Bischof 2007; Sanchez, Meinhardt-Llopis, Facciolo,
IPOL 2013),

    sum |grad u1| + |grad u2| + lambda |I1(x + u) - I0(x)|

The second image is warped by the flow u0 so far, and its brightness linearised there: rho(u) =
I1(x + u0) + grad I1 . (u - u0) - I0. Then two problems alternate (theta couples them, p1 and p2 are
the dual variables of u1 and u2):

    v = u + d grad I1            d = -rho / |grad I1|^2, clipped to +-lambda theta
    u = v + theta div p
    p = (p + tau/theta grad u) / (1 + tau/theta |grad u|)

The constants and the order of steps are those of OpenCV's DualTVL1: per warp, I1 and its gradient
are interpolated bicubically, u passes a 5x5 median, and the iterations follow. Two things differ:
where u points outside the image, nothing pulls at it; and every iteration is made, where OpenCV
stops when little changes.

*How it is fast.* Time is memory traffic, so an iteration passes once over the image: row y of u is
followed by row y - 1 of p, which nobody reads any more. u is kept in units of theta, in which theta
disappears. Each inner loop runs along a row, reads few arrays and writes one or two, without a
branch, so that the compiler makes vector instructions of it. Arrays have a column more than the
image (u repeats its last one, p begins with zeros), so that no pixel has to ask whether it has a
neighbour. The median is a network of minima and maxima (official/layers/median.py says how).

*The same bits everywhere.* The loops are compiled without leave to reorder sums or to fuse products
into them, and hence give what IEEE 754 says, on every type of CPU.

Importing this module compiles `refine`, which takes seconds, or loads it from numba's cache: the
folder NUMBA_CACHE_DIR, `__pycache__` here, or one in the user's home, whichever can be written
first. All loops are in this file, because numba notices only changes of the file of `refine`.
"""

from collections.abc import Callable
import pickle

import numba
import numpy as np

_TAU, _LAMBDA, _THETA = np.float32(0.25), np.float32(0.15), np.float32(0.3)
_BOUND = _LAMBDA * _THETA
_FLAT = np.float32(1e-7)  # Squared gradient below which there is nothing to follow.
_CUBIC = np.float32(-0.75)  # As in OpenCV's INTER_CUBIC.
_ZERO, _HALF, _ONE, _TWO, _THREE = (np.float32(value) for value in (0, 0.5, 1, 2, 3))

_loop = numba.njit(nogil=True, error_model="numpy")


@_loop
def _pack(image):
  """Returns [height + 3, width + 3, 3]: grey level, and its change to the right and down, with a
  row and column of the border repeated before, and two behind."""
  height, width = image.shape
  packed = np.empty((height + 3, width + 3, 3), np.float32)
  for row in range(height + 3):
    y = min(max(row - 1, 0), height - 1)
    for column in range(width + 3):
      x = min(max(column - 1, 0), width - 1)
      right, left = image[y, min(x + 1, width - 1)], image[y, max(x - 1, 0)]
      below, above = image[min(y + 1, height - 1), x], image[max(y - 1, 0), x]
      packed[row, column, 0] = image[y, x]
      packed[row, column, 1] = _HALF * (right - left)
      packed[row, column, 2] = _HALF * (below - above)
  return packed


@_loop
def _near(t):
  """Returns the weight of a pixel at a distance of up to 1 in Keys' bicubic interpolation."""
  return ((_CUBIC + _TWO) * t - (_CUBIC + _THREE)) * t * t + _ONE


@_loop
def _weights(t):
  """Returns the weights of the pixels at -1, 0, 1 and 2, for a point at t in [0, 1)."""
  before = _CUBIC * t * (_ONE - t) * (_ONE - t)
  here, behind = _near(t), _near(_ONE - t)
  return before, here, behind, _ONE - before - here - behind


@_loop
def _along(row, x, channel, weights):
  """Returns what a row has between x and x + 1."""
  return (
    weights[0] * row[x, channel]
    + weights[1] * row[x + 1, channel]
    + weights[2] * row[x + 2, channel]
    + weights[3] * row[x + 3, channel]
  )


@_loop
def _warp(first, packed, flow, terms):
  """Writes the terms of rho: in -rho / |grad I1|^2 = constant + along_x u1 + along_y u2 the three
  numbers, and grad I1 / theta, [height, 5, width], u in units of theta."""
  height, width = first.shape
  edge_x, edge_y = np.float32(width - 1), np.float32(height - 1)
  for y in range(height):
    for x in range(width):
      u1, u2 = flow[0, y, x], flow[1, y, x]
      to_x, to_y = np.float32(x) + u1, np.float32(y) + u2
      value, g_x, g_y = _ZERO, _ZERO, _ZERO
      if to_x >= _ZERO and to_y >= _ZERO and to_x <= edge_x and to_y <= edge_y:
        left, top = np.int64(to_x), np.int64(to_y)
        across, down = _weights(to_x - np.float32(left)), _weights(to_y - np.float32(top))
        for k in range(4):
          row = packed[top + k]
          value += down[k] * _along(row, left, 0, across)
          g_x += down[k] * _along(row, left, 1, across)
          g_y += down[k] * _along(row, left, 2, across)
      inverse = -_ONE / max(g_x * g_x + g_y * g_y, _FLAT)
      terms[y, 0, x] = (value - first[y, x] - g_x * u1 - g_y * u2) * inverse
      terms[y, 1, x] = g_x * inverse * _THETA
      terms[y, 2, x] = g_y * inverse * _THETA
      terms[y, 3, x] = g_x / _THETA
      terms[y, 4, x] = g_y / _THETA


@_loop
def _follow(d, u1, u2, constant, along_x, along_y):
  """Writes a row of d."""
  for x in range(d.size):
    value = constant[x] + along_x[x] * u1[x] + along_y[x] * u2[x]
    value = value if value < _BOUND else _BOUND
    d[x] = value if value > -_BOUND else -_BOUND


@_loop
def _primal(u, d, gradient, p_x, p_x_left, p_y, p_y_above):
  """Makes a row of u of the one before."""
  for x in range(d.size):
    divergence = (p_x[x] - p_x_left[x]) + (p_y[x] - p_y_above[x])
    u[x] = u[x] + d[x] * gradient[x] + divergence


@_loop
def _dual(p_x, p_y, u, u_right, u_below):
  """Makes a row of p of the one before."""
  for x in range(p_x.size):
    u_x = _TAU * (u_right[x] - u[x])
    u_y = _TAU * (u_below[x] - u[x])
    scale = _ONE / (_ONE + np.sqrt(u_x * u_x + u_y * u_y))
    p_x[x] = (p_x[x] + u_x) * scale
    p_y[x] = (p_y[x] + u_y) * scale


@_loop
def _iterate(u, p, terms, d):
  """Makes one iteration.

  Args:
    u: Flow, [height, 2, width + 1], the last column repeated.
    p: The dual of u1 along x and y, then of u2, [height + 1, 4, width + 1]. What belongs to a pixel
      is one further down and to the right; zeros come first.
    terms: What `_warp` writes.
    d: Room for a row, [width].
  """
  height, width = u.shape[0], d.size
  for y in range(height):
    row, above, here, term = u[y], p[y], p[y + 1], terms[y]
    _follow(d, row[0], row[1], term[0], term[1], term[2])
    for k in range(2):
      p_x, p_y, p_y_above = here[2 * k], here[2 * k + 1], above[2 * k + 1]
      _primal(row[k], d, term[3 + k], p_x[1:], p_x, p_y[1:], p_y_above[1:])
      row[k, width] = row[k, width - 1]
      if y > 0:
        before = u[y - 1, k]
        _dual(above[2 * k][1:], p_y_above[1:], before, before[1:], row[k])
  for k in range(2):
    last = u[height - 1, k]
    _dual(p[height, 2 * k][1:], p[height, 2 * k + 1][1:], last, last[1:], last)


@_loop
def _low(a, b):
  return a if a < b else b


@_loop
def _high(a, b):
  return b if a < b else a


@_loop
def _sort(a, b, c, d, e):
  """Returns five values in order, after nine comparisons."""
  a, b = _low(a, b), _high(a, b)
  d, e = _low(d, e), _high(d, e)
  c, e = _low(c, e), _high(c, e)
  c, d = _low(c, d), _high(c, d)
  b, e = _low(b, e), _high(b, e)
  a, d = _low(a, d), _high(a, d)
  a, c = _low(a, c), _high(a, c)
  b, d = _low(b, d), _high(b, d)
  b, c = _low(b, c), _high(b, c)
  return a, b, c, d, e


@_loop
def _sort_columns(ranks, r0, r1, r2, r3, r4):
  """Writes the columns of five rows in order."""
  for x in range(r0.size):
    one, two, three, four, five = _sort(r0[x], r1[x], r2[x], r3[x], r4[x])
    ranks[0, x] = one
    ranks[1, x] = two
    ranks[2, x] = three
    ranks[3, x] = four
    ranks[4, x] = five


@_loop
def _sort_next(rank, x):
  return _sort(rank[x], rank[x + 1], rank[x + 2], rank[x + 3], rank[x + 4])


@_loop
def _medians(out, ranks):
  """Writes a row of medians, of columns in order."""
  r0, r1, r2, r3, r4 = ranks[0], ranks[1], ranks[2], ranks[3], ranks[4]
  for x in range(ranks.shape[1] - 4):
    _, _, _, a0, b0 = _sort_next(r0, x)
    _, _, a1, b1, c0 = _sort_next(r1, x)
    _, a2, b2, c1, _ = _sort_next(r2, x)
    a3, b3, c2, _, _ = _sort_next(r3, x)
    b4, c3, _, _, _ = _sort_next(r4, x)
    low = _high(_high(a0, a1), _high(a2, a3))
    high = _low(_low(c0, c1), _low(c2, c3))
    _, _, middle, _, _ = _sort(b0, b1, b2, b3, b4)
    low, high = _low(low, high), _high(low, high)
    out[x] = _high(low, _low(middle, high))


@_loop
def _smooth(flow, u, padded, ranks):
  """Writes the 5x5 medians of the flow into u, in units of theta.

  Args:
    flow: [2, height, width], in pixels; an image continues with the pixels of its border.
    u: [height, 2, width + 1].
    padded, ranks: Room, [height, width + 4] and [5, width + 4].
  """
  height, width = flow.shape[1], flow.shape[2]
  last = height - 1
  for k in range(2):
    for y in range(height):
      for column in range(width + 4):
        padded[y, column] = flow[k, y, min(max(column - 2, 0), width - 1)]
    for y in range(height):
      _sort_columns(
        ranks,
        padded[max(y - 2, 0)],
        padded[max(y - 1, 0)],
        padded[y],
        padded[min(y + 1, last)],
        padded[min(y + 2, last)],
      )
      row = u[y, k]
      _medians(row, ranks)
      for x in range(width):
        row[x] = row[x] / _THETA
      row[width] = row[width - 1]


def _refine(first, second, flow, warps, iterations):
  """Improves the flow between two images, on one level.

  Args:
    first, second: Grey, float32 [height, width], from 0 to 255.
    flow: float32 [2, height, width], in pixels; it is overwritten.
    warps: How often the second image is warped.
    iterations: How many follow each warp.
  """
  height, width = first.shape
  packed = _pack(second)
  p = np.zeros((height + 1, 4, width + 1), np.float32)
  u = np.empty((height, 2, width + 1), np.float32)
  terms = np.empty((height, 5, width), np.float32)
  padded = np.empty((height, width + 4), np.float32)
  ranks = np.empty((5, width + 4), np.float32)
  d = np.empty(width, np.float32)
  for _ in range(warps):
    _warp(first, packed, flow, terms)
    _smooth(flow, u, padded, ranks)
    for _ in range(iterations):
      _iterate(u, p, terms, d)
    for k in range(2):
      for y in range(height):
        for x in range(width):
          flow[k, y, x] = u[y, k, x] * _THETA


def _compiled(*, cached: bool) -> Callable[..., None]:
  function = numba.njit(nogil=True, error_model="numpy")(_refine)
  if cached:
    function.enable_caching()
  image = numba.float32[:, ::1]
  function.compile((image, image, numba.float32[:, :, ::1], numba.int64, numba.int64))
  return function


try:
  refine = _compiled(cached=True)
except (RuntimeError, OSError, EOFError, pickle.UnpicklingError):
  # No folder can be written, or what is in it is damaged.
  refine = _compiled(cached=False)

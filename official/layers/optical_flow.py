"""Optical flow in the graph: TV-L1 (Zach, Pock, Bischof 2007), as data preparation has it.

The flow u minimises, over the image,

    sum |grad u1| + |grad u2| + lambda |I1(x + u) - I0(x)|

From the coarsest level of a pyramid to the finest, the second image is warped by the flow so far,
the brightness difference is linearised there, rho(u) = I1(x + u0) + grad I1 . (u - u0) - I0, and
the problem is split in two that alternate (theta couples them, p1 and p2 are dual variables):

    v = u + d grad I1            d = -rho / |grad I1|^2, clipped to +-lambda theta
    u = v + theta div p
    p = (p + tau/theta grad u) / (1 + tau/theta |grad u|)

The parameters are those of the profile `fast` of data preparation (data_prep.dataset.tvl1): pyramid
steps of one half, 3 warps a level, each before a 5x5 median, 10 iterations. Two things differ from
there: images are warped bilinearly, not bicubically, and a point outside the image is taken for the
nearest one inside. Nothing depends on other clips of the batch, and the graph holds TensorFlow's
own operations only, none of Python, none of tensorflow_addons' compiled ones.

*How it is fast.* TensorFlow runs an operation at a time, so that time is memory traffic: the number
of passes over the images. u and p of both components lie in flat vectors, and a neighbouring pixel
is a roll by 1 or by the width. A roll takes the first pixel of a line for the neighbour of the last
one of the line before; but p is zero at the last column and row, so that its divergence is right
there, and the gradient of u is set to zero there anyway. Flow is held in units of theta, in which
theta disappears from the iteration. docs/performance.md has figures.
"""

from collections.abc import Sequence
import warnings

import tensorflow as tf

from official.layers import base
from official.layers import median

with warnings.catch_warnings():
  warnings.simplefilter("ignore", UserWarning)  # the package says that it will not change any more
  import tensorflow_addons as tfa

_TAU, _LAMBDA, _THETA = 0.25, 0.15, 0.3
_LEVELS, _SMALLEST_SIDE = 5, 16
_WARPS, _ITERATIONS = 3, 10
_FLAT = 1e-7  # squared gradient, in grey levels per pixel, below which there is nothing to follow
_TINY = 1e-12  # keeps the derivative of the square root finite where nothing moves
_GREY = (0.299, 0.587, 0.114)


@base.serializable
class OpticalFlow(tf.keras.layers.Layer):
  """Flow from every frame to the next.

  [batch, time, height, width, 3], RGB from 0 to 255, integers or floats -> float32 [batch, time,
  height, width, 2], (x, y) in pixels. The last flow is that of the frame before, because nothing
  follows the last frame; a clip of one frame is refused. Sides may be dynamic.
  """

  def __init__(self, **kwargs):
    # Frames keep their type: under mixed precision Keras would make float16 of float32.
    super().__init__(**{"autocast": False, "trainable": False, "dtype": tf.float32, **kwargs})

  def call(self, clips: tf.Tensor) -> tf.Tensor:
    return clip_flow(clips)

  def compute_output_shape(self, input_shape: base.Shape) -> base.Shape:
    return *input_shape[:-1], 2


def clip_flow(clips: tf.Tensor) -> tf.Tensor:
  """Returns what `OpticalFlow` does; raises ValueError unless time is static and at least 2."""
  time = clips.shape[1]
  if time is None or time < 2:
    raise ValueError(
      "optical flow takes clips of at least two frames, [batch, time, height, width, 3], time "
      f"static; got {clips.shape}"
    )
  colours = tf.unstack(tf.cast(clips, tf.float32), axis=-1)
  grey = tf.add_n([weight * colour for weight, colour in zip(_GREY, colours, strict=True)])
  sides = tf.shape(grey)[2:]
  first, second = (
    tf.reshape(frames, tf.concat([[-1], sides], 0)) for frames in (grey[:, :-1], grey[:, 1:])
  )
  first.set_shape([None, *clips.shape[2:4]])
  second.set_shape(first.shape)
  flow = tf.reshape(tvl1(first, second), tf.concat([[-1, time - 1], sides, [2]], 0))
  flow = tf.concat([flow, flow[:, -1:]], axis=1)
  flow.set_shape([clips.shape[0], *clips.shape[1:4], 2])
  return flow


@tf.function(input_signature=[tf.TensorSpec([None, 2, None, None, 3], tf.uint8)], autograph=False)
def pair_flow(pairs: tf.Tensor) -> tf.Tensor:
  """Returns the flow from the first to the second frame of pairs, [pairs, height, width, 2]."""
  return clip_flow(pairs)[:, 0]


def tvl1(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
  """Returns the flow (x, y) in pixels from `first` to `second`, [pairs, height, width, 2].

  Args:
    first, second: Grey images, float32 [pairs, height, width], from 0 to 255. Sides of two pixels
      or more; below 16 motion is not searched for in smaller images.
  """
  pyramid = [(first, second)]
  for _ in range(_LEVELS - 1):
    sides = [_half(side) for side in _sides(pyramid[-1][0])]
    pyramid.append(tuple(_resize(image, sides) for image in pyramid[-1]))
  pairs = tf.shape(first)[0]
  flow = tf.zeros([2, pairs, *_sides(pyramid[-1][0])])
  for level, (one, other) in reversed(list(enumerate(pyramid))):
    height, width = _sides(one)
    if level < _LEVELS - 1:
      coarse = tf.reshape(flow, tf.concat([[-1], tf.shape(flow)[2:]], 0))
      flow = 2 * tf.reshape(_resize(coarse, [height, width]), [2, pairs, height, width])
    is_used = level == 0 or tf.minimum(height, width) >= _SMALLEST_SIDE
    flow = _refine(one, other, flow, _WARPS * tf.cast(is_used, tf.int32))
  return tf.transpose(flow, [1, 2, 3, 0])


def _image(*leading: int | None) -> tf.TensorSpec:
  return tf.TensorSpec([*leading, None, None, None], tf.float32)


# A function of its own, and not inlined, so that it is traced and optimized once for all levels.
@tf.function(
  input_signature=[_image(), _image(), _image(2), tf.TensorSpec([], tf.int32)],
  autograph=False,
  experimental_attributes={"_noinline": True},
)
def _refine(first: tf.Tensor, second: tf.Tensor, flow: tf.Tensor, warps: tf.Tensor) -> tf.Tensor:
  """Returns a better flow, [2, pairs, height, width] as given, on one level of the pyramid."""
  size = tf.shape(first)
  pairs, height, width = size[0], size[1], size[2]
  pixels = pairs * height * width
  x = tf.cast(tf.range(width), tf.float32)
  y = tf.cast(tf.range(height), tf.float32)[:, tf.newaxis]
  has_right = _TAU * tf.cast(x < tf.cast(width - 1, tf.float32), tf.float32)
  has_below = _TAU * tf.cast(y < tf.cast(height - 1, tf.float32), tf.float32)
  has_right, has_below = (
    tf.reshape(tf.broadcast_to(has, [2 * pairs, height, width]), [-1])
    for has in (has_right, has_below)
  )
  to_warp = _with_gradients(second)

  def warp(number: tf.Tensor, flow: tf.Tensor, p_x: tf.Tensor, p_y: tf.Tensor):
    points = tf.reshape(tf.stack([x + flow[0], y + flow[1]], -1), [pairs, -1, 2])
    warped = tfa.image.interpolate_bilinear(to_warp, points, indexing="xy")
    image, g_x, g_y = (
      tf.reshape(channel, tf.shape(first)) for channel in tf.unstack(warped, axis=-1)
    )
    inverse = -1 / tf.maximum(g_x * g_x + g_y * g_y, _FLAT)
    rest = image - first - g_x * flow[0] - g_y * flow[1]
    # -rho / |grad I1|^2 = constant + along_x u1 + along_y u2, u in units of theta
    terms = [
      tf.reshape(value, [-1])
      for value in (
        rest * inverse,
        g_x * inverse * _THETA,
        g_y * inverse * _THETA,
        g_x / _THETA,
        g_y / _THETA,
      )
    ]

    def iterate(number: tf.Tensor, u: tf.Tensor, p_x: tf.Tensor, p_y: tf.Tensor):
      return number + 1, *_iterate(u, p_x, p_y, terms, has_right, has_below, width)

    smooth = median.median_5x5(tf.reshape(flow, [2 * pairs, height, width]))
    _, u, p_x, p_y = tf.while_loop(
      lambda number, *_: number < _ITERATIONS,
      iterate,
      [0, tf.reshape(smooth / _THETA, [-1]), p_x, p_y],
      maximum_iterations=_ITERATIONS,
    )
    return number + 1, tf.reshape(u * _THETA, tf.shape(flow)), p_x, p_y

  zero = tf.zeros([2 * pixels])
  shapes = [tf.TensorShape([]), flow.shape, zero.shape, zero.shape]
  return tf.while_loop(
    lambda number, *_: number < warps,
    warp,
    [0, flow, zero, zero],
    shape_invariants=shapes,
    maximum_iterations=_WARPS,
  )[1]


def _iterate(
  u: tf.Tensor,
  p_x: tf.Tensor,
  p_y: tf.Tensor,
  terms: Sequence[tf.Tensor],
  has_right: tf.Tensor,
  has_below: tf.Tensor,
  width: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns u and its dual p after one iteration, all [2 * pixels].

  Args:
    u: Flow in units of theta: all of x, then all of y.
    p_x, p_y: The dual.
    terms: constant, along_x and along_y of -rho / |grad I1|^2, and grad I1 / theta, [pixels] each.
    has_right, has_below: tau where a pixel has such a neighbour, else 0, [2 * pixels].
    width: Pixels of a row.
  """
  constant, along_x, along_y, g_x, g_y = terms
  pixels = tf.size(constant)
  u_1, u_2 = u[:pixels], u[pixels:]
  d = tf.add_n([constant, along_x * u_1, along_y * u_2])
  d = tf.clip_by_value(d, -_LAMBDA * _THETA, _LAMBDA * _THETA)
  u = tf.add_n([u, tf.concat([d * g_x, d * g_y], 0), p_x, p_y])
  u = u - tf.roll(p_x, 1, 0) - tf.roll(p_y, width, 0)
  u_x = (tf.roll(u, -1, 0) - u) * has_right
  u_y = (tf.roll(u, -width, 0) - u) * has_below
  scale = 1 + tf.sqrt(u_x * u_x + u_y * u_y + _TINY)
  return u, (p_x + u_x) / scale, (p_y + u_y) / scale


def _with_gradients(images: tf.Tensor) -> tf.Tensor:
  """Returns [pairs, height + 1, width + 1, 3]: grey level, and its change to the right and down.

  The last row and column come twice, so that a point on them lies between two pixels: the value
  there is then exact, and that of a second image equal to the first is exactly the first's.
  """
  padded = tf.pad(images, [[0, 0], [1, 1], [1, 1]], "SYMMETRIC")
  g_x = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
  g_y = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
  return tf.pad(tf.stack([images, g_x, g_y], -1), [[0, 0], [0, 1], [0, 1], [0, 0]], "SYMMETRIC")


def _resize(images: tf.Tensor, sides: list[int | tf.Tensor]) -> tf.Tensor:
  return tf.image.resize(images[..., tf.newaxis], sides)[..., 0]


def _sides(images: tf.Tensor) -> list[int | tf.Tensor]:
  """Returns height and width of [images, height, width], as numbers where they are static."""
  return [images.shape[axis] or tf.shape(images)[axis] for axis in (1, 2)]


def _half(side: int | tf.Tensor) -> int | tf.Tensor:
  """Returns half the side, rounded to even as OpenCV does, and at least 1."""
  half = side // 2 + side % 2 * (side // 2 % 2)
  return max(1, half) if isinstance(half, int) else tf.maximum(1, half)

"""The padding of convolutions, in layers and in a whole network, against NumPy.

The digest is that of the network's own outcome; NumPy's float64 reaches the same numbers from the
formulas, gradients by differences.
"""

import zlib

import numpy as np
import pytest
import tensorflow as tf

from official import layers
from official import network
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from tests.layers import numpy_layers

_STREAMS = {"rgb": 3, "flow": 2}
# At 64x64: the logits, and norms of the gradients of their sum of squares.
_LOGITS = [-1.5352372, -5.2442520, 6.8297405]
_GRADIENTS = {
  "block_rgb/space/convolution/kernel": 88.701,
  "block_flow/space/convolution/kernel": 134.46,
  "block_a/module_0/space/convolution/kernel": 153.55,
  "block_b/module_0/space/convolution/kernel": 32.919,
  "block_b/module_0/shortcut/convolution/kernel": 88.858,
  "block_b/module_1/reduce/convolution/kernel": 109.67,
  "combine_c/connection_weights": 108.12,
  "head/dense/kernel": 221.79,
}


def _clips(*shape: int) -> np.ndarray:
  return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("sides", [(8, 8), (9, 9), (8, 11), (13, 6)])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 4, 7])
def test_windows_in_space_are_centred_whatever_the_stride(size, stride, sides):
  clips = _clips(1, 2, *sides, 3)
  layer = layers.SpatialConv(4, size, strides=stride)
  result = layer(clips)
  assert tuple(result.shape) == layer.compute_output_shape(clips.shape)
  np.testing.assert_allclose(
    result, numpy_layers.conv_space(clips, layer.kernel.numpy(), stride), atol=1e-5
  )


@pytest.mark.parametrize("sides", [(8, 8), (9, 9), (8, 11)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [3, 7])
@pytest.mark.parametrize("dilation", [1, 2])
def test_windows_in_spacetime_are_centred_whatever_the_stride(dilation, size, stride, sides):
  clips = _clips(1, 5, *sides, 2)
  layer = layers.SpacetimeConv(3, size, strides=stride, dilation=dilation)
  result = layer(clips)
  expected = numpy_layers.conv_spacetime(clips, layer.kernel.numpy(), dilation, stride)
  np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("size", [3, 7])
def test_the_gradient_of_the_kernel_is_that_of_the_same_windows(size, side):
  """The convolution is linear: the gradient of <w, y> along a kernel is <w, y of that kernel>."""
  clips = _clips(1, 2, side, side, 2)
  layer = layers.SpatialConv(3, size, strides=2)
  with tf.GradientTape() as tape:
    result = layer(clips)
    weights = _clips(*result.shape)
    loss = tf.reduce_sum(result * weights)
  direction = _clips(*layer.kernel.shape)
  along = np.sum(tape.gradient(loss, layer.kernel) * direction)
  expected = np.sum(weights * numpy_layers.conv_space(clips, direction, 2))
  assert along == pytest.approx(expected, rel=1e-4)


def _architecture() -> Architecture:
  def block(name: str, level: int, channels: int, stride: int, **settings) -> Block:
    return Block(
      id=name,
      level=level,
      kind="interleaved_bottleneck",
      channels=channels,
      modules=2,
      spatial_stride=stride,
      intermediate_channels=5,
      **settings,
    )

  return Architecture(
    (
      Block(id="rgb", level=0, kind="stem_2plus1d", streams=("rgb",), channels=6, spatial_stride=4),
      Block(id="flow", level=0, kind="stem_2d", streams=("flow",), channels=4, spatial_stride=4),
      block("a", 1, 3, 1),
      block("b", 2, 4, 2, temporal_dilation=2),
      block("c", 3, 4, 2),
    ),
    tuple(
      Connection(*pair.split("->"))
      for pair in ("rgb->a", "flow->a", "a->b", "rgb->b", "b->c", "a->c")
    ),
  )


def _fixed(name: str, shape: tuple[int, ...]) -> np.ndarray:
  """Values that depend on the name alone."""
  rng = np.random.default_rng(zlib.crc32(name.encode()))
  if name.endswith("kernel"):
    return rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))
  if name.endswith(("gamma", "variance")):
    return rng.uniform(0.5, 1.5, size=shape)
  return rng.uniform(-0.5, 0.5, size=shape)


class _Network:
  """The network with fixed weights, and what both ways make of fixed clips."""

  def __init__(self, side: int):
    self.architecture = _architecture()
    self.model = network.build_network(
      self.architecture, streams=_STREAMS, num_frames=3, height=side, width=side, num_classes=3
    )
    self.variables = {
      variable.name.removesuffix(":0"): variable for variable in self.model.variables
    }
    for name, variable in self.variables.items():
      variable.assign(_fixed(name, variable.shape))
    self.weights = {
      name: variable.numpy().astype(np.float64) for name, variable in self.variables.items()
    }
    self.clips = {name: _clips(1, 3, side, side, channels) for name, channels in _STREAMS.items()}

  def gradients(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Returns the logits, and the gradient of their sum of squares by name of variable."""
    with tf.GradientTape() as tape:
      logits = self.model(self.clips, training=False)
      loss = tf.reduce_sum(tf.square(logits))
    found = tape.gradient(loss, self.variables, unconnected_gradients="zero")
    return logits.numpy(), {name: gradient.numpy() for name, gradient in found.items()}

  def loss(self, weights: dict[str, np.ndarray]) -> float:
    return np.sum(numpy_layers.logits(self.architecture, weights, self.clips) ** 2)


@pytest.fixture(scope="module", params=[64, 65])
def fixed(request) -> _Network:
  return _Network(request.param)


def test_logits_of_a_network_are_numpys(fixed):
  expected = numpy_layers.logits(fixed.architecture, fixed.weights, fixed.clips)
  np.testing.assert_allclose(
    fixed.model(fixed.clips, training=False), expected, rtol=1e-4, atol=1e-4
  )


@pytest.mark.parametrize(
  "name",
  [
    "block_rgb/space/convolution/kernel",
    "block_flow/space/convolution/kernel",
    "block_b/module_0/space/convolution/kernel",
    "block_c/module_0/shortcut/convolution/kernel",
    "combine_c/connection_weights",
  ],
)
def test_gradients_of_a_network_are_numpys(fixed, name):
  """Along one direction, by central differences."""
  _, gradients = fixed.gradients()
  direction = np.random.default_rng(5).normal(size=gradients[name].shape)
  step = 1e-6 * direction
  ends = [
    fixed.loss({**fixed.weights, name: fixed.weights[name] + sign * step}) for sign in (1, -1)
  ]
  assert np.sum(gradients[name] * direction) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-3)


def test_the_digest_at_64x64_is_the_recorded_one():
  logits, gradients = _Network(64).gradients()
  np.testing.assert_allclose(logits[0], _LOGITS, rtol=1e-4)
  for name, norm in _GRADIENTS.items():
    assert np.linalg.norm(gradients[name]) == pytest.approx(norm, rel=1e-3), name

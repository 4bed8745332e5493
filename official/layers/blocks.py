"""Block kinds as Keras layers: the table, and the base class of its entries.

A block is a chain of layers. A kind says which:

    @blocks.register("spatial_only")
    class SpatialOnly(blocks.Block):
      \"\"\"A 3x3 convolution.\"\"\"

      def chain(self) -> list[base.Layer]:
        return [self.over_space(self.channels, 3, strides=self.spatial_stride, name="spatial")]

`register` makes it known to `network.build_network` under its name, and to Keras for loading. The
facts about it that need no TensorFlow (is it a stem, how many weights has it) stand in
official/architecture/kinds.py; `network.register_kind` registers both for a kind of your own
(docs/networks.md).
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from official.layers import base
from official.layers import checkpointing
from official.layers import residual
from official.layers import spacetime_conv
from official.layers import spatial
from official.layers import temporal_conv

_KINDS: dict[str, type["Block"]] = {}


class Block(base.Layer):
  """Abstract: a chain of layers from clips to clips.

  [batch, time, height, width, any] -> [batch, time, height / s, width / s, expansion * channels],
  where s is `spatial_stride` (sides are rounded up) and the expansion is the kind's. Given a list
  of clips, it joins them by channels first: that is how a stem reads several streams.

  Attributes:
    channels: Channels C of the block.
    modules: Residual modules, where the kind has them.
    temporal_dilation: Frames between taps of the temporal convolutions, r.
    spatial_stride: Pixels of its input to one pixel of its output, along each side.
    intermediate_channels: Channels D of the 3x3 convolutions of bottleneck kinds.
    momentum: Momentum of the moving statistics of the batch normalizations.
    epsilon: Added to the variance by the batch normalizations.
    synchronized: Whether batch statistics are those of all replicas.
    activation: Keras' name of what follows the batch normalizations and the shortcuts' sums.
  """

  def __init__(
    self,
    channels: int,
    *,
    modules: int = 1,
    temporal_dilation: int = 1,
    spatial_stride: int = 1,
    intermediate_channels: int | None = None,
    momentum: float = 0.99,
    epsilon: float = 1e-5,
    synchronized: bool = False,
    activation: str = "relu",
    **kwargs,
  ):
    super().__init__(**kwargs)
    self.channels = channels
    self.modules = modules
    self.temporal_dilation = temporal_dilation
    self.spatial_stride = spatial_stride
    self.intermediate_channels = intermediate_channels
    self.momentum = momentum
    self.epsilon = epsilon
    self.synchronized = synchronized
    self.activation = activation
    self.layers = self.chain()

  def chain(self) -> list[base.Layer]:
    """Returns the layers of the block, in order. A kind overrides this."""
    raise NotImplementedError(f"{type(self).__name__} has no chain(); a block kind defines one")

  def over_space(
    self, filters: int, size: int, *, strides: int = 1, name: str, **settings
  ) -> residual.NormalizedConv:
    """Returns size x size convolution -> batch norm -> ReLU; settings as of NormalizedConv."""
    return self._normalized(
      spatial.SpatialConv(
        filters, size, strides=strides, dtype=self.dtype_policy, name="convolution"
      ),
      name,
      settings,
    )

  def over_time(
    self, filters: int, size: int, *, name: str, growth: int = 1, **settings
  ) -> residual.NormalizedConv:
    """Returns convolution over `size` frames, dilated by `growth` times r -> batch norm -> ReLU;
    settings likewise."""
    return self._normalized(
      temporal_conv.TemporalConv(
        filters,
        size,
        dilation=self.temporal_dilation * growth,
        dtype=self.dtype_policy,
        name="convolution",
      ),
      name,
      settings,
    )

  def over_spacetime(
    self, filters: int, size: int, *, strides: int = 1, name: str, **settings
  ) -> residual.NormalizedConv:
    """Returns size x size x size convolution, dilated over time -> batch norm -> ReLU; likewise."""
    return self._normalized(
      spacetime_conv.SpacetimeConv(
        filters,
        size,
        strides=strides,
        dtype=self.dtype_policy,
        dilation=self.temporal_dilation,
        name="convolution",
      ),
      name,
      settings,
    )

  def residual_module(
    self, branch: Sequence[base.Layer], shortcut: base.Layer | None = None, *, name: str
  ) -> residual.Residual:
    """Returns activation(branch(x) + shortcut(x)); no shortcut is the identity."""
    return residual.Residual(
      branch, shortcut, activation=self.activation, dtype=self.dtype_policy, name=name
    )

  def build(self, input_shape: Any) -> None:
    base.build_chain(self.layers, self._joined_shape(input_shape))
    super().build(input_shape)

  def call(self, clips: tf.Tensor | Sequence[tf.Tensor], training: bool | None = None) -> tf.Tensor:
    clips = tf.nest.flatten(clips)
    joined = tf.concat(clips, axis=-1) if len(clips) > 1 else clips[0]
    time = joined.shape[1]

    def of_frames(frames: tf.Tensor) -> tf.Tensor:
      return base.run_chain(self.layers, frames, training, time)

    def of_clips(clips: tf.Tensor) -> tf.Tensor:
      return base.on_frames(of_frames, clips)

    return checkpointing.run(of_clips, joined)

  def compute_output_shape(self, input_shape: Any) -> base.Shape:
    shape = self._joined_shape(input_shape)
    for layer in self.layers:
      shape = layer.compute_output_shape(shape)
    return tuple(shape)

  def get_config(self) -> dict[str, Any]:
    return super().get_config() | {
      "channels": self.channels,
      "modules": self.modules,
      "temporal_dilation": self.temporal_dilation,
      "spatial_stride": self.spatial_stride,
      "intermediate_channels": self.intermediate_channels,
      "momentum": self.momentum,
      "epsilon": self.epsilon,
      "synchronized": self.synchronized,
      "activation": self.activation,
    }

  def _normalized(
    self, convolution: base.Layer, name: str, settings: dict[str, Any]
  ) -> residual.NormalizedConv:
    return residual.NormalizedConv(
      convolution,
      momentum=self.momentum,
      epsilon=self.epsilon,
      synchronized=self.synchronized,
      activation=self.activation,
      dtype=self.dtype_policy,
      name=name,
      **settings,
    )

  def _joined_shape(self, input_shape: Any) -> base.Shape:
    shapes = [tuple(tf.TensorShape(shape)) for shape in base.each_shape(input_shape)]
    return *shapes[0][:-1], sum(shape[-1] for shape in shapes)


def register(kind: str) -> Callable[[type[Block]], type[Block]]:
  """Returns a decorator that registers a class as block kind `kind`, which must be new."""

  def decorate(layer_class: type[Block]) -> type[Block]:
    if kind in _KINDS:
      raise ValueError(f"there is already a layer for block kind {kind!r}: {_KINDS[kind].__name__}")
    _KINDS[kind] = base.serializable(layer_class)
    return layer_class

  return decorate


def get(kind: str) -> type[Block]:
  """Returns the layer class of a block kind; ValueError lists those that are known."""
  if kind not in _KINDS:
    raise ValueError(
      f"no layer is registered for block kind {kind!r}; there are {', '.join(names())}"
    )
  return _KINDS[kind]


def names() -> tuple[str, ...]:
  """Returns the kinds that have a layer, sorted."""
  return tuple(sorted(_KINDS))

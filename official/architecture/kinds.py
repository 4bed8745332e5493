"""Block kinds: the layers of each, described without TensorFlow.

A kind is a name, a few facts, and the list of its convolutions. Cost (cost.py), validation
(architecture.py) and mutation read the facts; the Keras layer of the same name computes what the
list describes. Convolutions have no bias, "same" padding, and a batch normalization after each
unless said otherwise. C is `block.channels`, D is `block.intermediate_channels`, r is
`block.temporal_dilation`.

  stem_2plus1d            7x7 /2 -> C, then 5 frames dilated by r; spatial stride 4 adds a max
                          pooling of 3x3 /2
  stem_2d                 7x7 /2 -> C; spatial stride 4 adds a max pooling of 2x2 /2; no r
  stem_fine               3x3 -> C, then 3 frames dilated by r; its spatial stride is 1 or 2, for
                          answers about every pixel
  basic_2plus1d           residual modules of 3x3, then 3 frames dilated by r; output C
  growing_2plus1d         the same, but the 3 frames of module m, from 0, are dilated by r 2^m
  spacetime_3d            residual modules of one 3x3x3, its 3 frames dilated by r; output C
  interleaved_bottleneck  residual modules in turn 2D (1x1 -> C, 3x3 -> D, 1x1 -> 4C) and (2+1)D,
                          where 3 frames dilated by r replace the first 1x1; output 4C
                          (AssembleNet, ICLR 2020)
  bottleneck_2plus1d      the same, every module (2+1)D

The first module of a residual block takes the block's spatial stride in its 3x3, and its shortcut
is a 1x1 projection; other shortcuts are the identity.

A name with a dot, `my_kinds.gated`, is your own kind: the module before the last dot is
imported when the name is first met, and registers it (network.register_kind).
"""

from collections.abc import Callable, Iterator
import dataclasses
import math
from typing import Protocol

from data_prep.common import lookup


@dataclasses.dataclass(frozen=True)
class Convolution:
  """One convolution of a block.

  Attributes:
    kernel: Taps over (time, height, width).
    input_channels: Channels it reads.
    output_channels: Channels it writes.
    stride: Spatial stride of what it writes, relative to what the *block* reads.
    batch_norm: Whether a batch normalization follows.
    dilation: Frames between its taps over time.
  """

  kernel: tuple[int, int, int]
  input_channels: int
  output_channels: int
  stride: int = 1
  batch_norm: bool = True
  dilation: int = 1

  @property
  def weights(self) -> int:
    """Number of kernel weights."""
    return math.prod(self.kernel) * self.input_channels * self.output_channels

  def multiply_adds(self, num_frames: int, height: int, width: int) -> int:
    """Multiply-adds that write `num_frames` frames of height x width pixels.

    Taps beyond the clip from every frame are not computed; frames are padded to a multiple of the
    dilation where taps are left (layers/temporal_conv.py).
    """
    taps, rows, columns = self.kernel
    reach = min(taps // 2, (num_frames - 1) // self.dilation)
    if reach:
      num_frames += -num_frames % self.dilation
    each = (2 * reach + 1) * rows * columns * self.input_channels * self.output_channels
    return each * num_frames * height * width


class Sizes(Protocol):
  """The attributes of a block that a kind reads; an `architecture.Block` has them.

  Attributes:
    kind: Name of its kind.
    channels: C.
    modules: Number of residual modules.
    temporal_dilation: r, in frames.
    spatial_stride: Pixels of its input to one pixel of its output, along each side.
    intermediate_channels: D, of the kinds that need one.
  """

  @property
  def kind(self) -> str: ...

  @property
  def channels(self) -> int: ...

  @property
  def modules(self) -> int: ...

  @property
  def temporal_dilation(self) -> int: ...

  @property
  def spatial_stride(self) -> int: ...

  @property
  def intermediate_channels(self) -> int | None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
  """The facts about one kind of block.

  Attributes:
    name: As written in an architecture's JSON.
    convolutions: `(block, input_channels)` -> its convolutions, in order.
    expansion: Output channels are `expansion * block.channels`.
    is_stem: Reads streams of the dataset instead of other blocks.
    needs_intermediate_channels: Whether `block.intermediate_channels` must be given, or must not.
    spatial_strides: The strides it can have; empty for any.
    has_temporal: Whether a block of this kind has a convolution over time, so that r has an effect.
  """

  name: str
  convolutions: Callable[[Sizes, int], Iterator[Convolution]]
  expansion: int = 1
  is_stem: bool = False
  needs_intermediate_channels: bool = False
  spatial_strides: tuple[int, ...] = ()
  has_temporal: Callable[[Sizes], bool] = lambda block: True


def _stem_2plus1d(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  yield Convolution((1, 7, 7), input_channels, block.channels, 2)
  yield Convolution((5, 1, 1), block.channels, block.channels, 2, dilation=block.temporal_dilation)


def _stem_2d(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  yield Convolution((1, 7, 7), input_channels, block.channels, 2)


def _stem_fine(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  stride = block.spatial_stride
  yield Convolution((1, 3, 3), input_channels, block.channels, stride)
  yield Convolution(
    (3, 1, 1), block.channels, block.channels, stride, dilation=block.temporal_dilation
  )


def _basic_2plus1d(block: Sizes, input_channels: int, growth: int = 1) -> Iterator[Convolution]:
  width, stride = block.channels, block.spatial_stride
  yield Convolution((1, 1, 1), input_channels, width, stride)  # The shortcut's projection.
  for index in range(block.modules):
    dilation = block.temporal_dilation * growth**index
    yield Convolution((1, 3, 3), input_channels, width, stride)
    yield Convolution((3, 1, 1), width, width, stride, dilation=dilation)
    input_channels = width


def _growing_2plus1d(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  return _basic_2plus1d(block, input_channels, growth=2)


def _spacetime_3d(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  width, stride = block.channels, block.spatial_stride
  yield Convolution((1, 1, 1), input_channels, width, stride)  # The shortcut's projection.
  for _ in range(block.modules):
    yield Convolution((3, 3, 3), input_channels, width, stride, dilation=block.temporal_dilation)
    input_channels = width


def _bottleneck(
  block: Sizes, input_channels: int, is_temporal: Callable[[int], bool]
) -> Iterator[Convolution]:
  width, stride, middle = block.channels, block.spatial_stride, block.intermediate_channels
  assert middle is not None, f"{block.kind} needs intermediate_channels"
  yield Convolution((1, 1, 1), input_channels, 4 * width, stride)  # The shortcut's projection.
  for index in range(block.modules):
    taps, dilation = (3, block.temporal_dilation) if is_temporal(index) else (1, 1)
    yield Convolution(
      (taps, 1, 1), input_channels, width, stride if index else 1, dilation=dilation
    )
    yield Convolution((1, 3, 3), width, middle, stride)
    yield Convolution((1, 1, 1), middle, 4 * width, stride)
    input_channels = 4 * width


def _interleaved_bottleneck(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  return _bottleneck(block, input_channels, lambda index: index % 2 == 1)


def _bottleneck_2plus1d(block: Sizes, input_channels: int) -> Iterator[Convolution]:
  return _bottleneck(block, input_channels, lambda index: True)


_KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
  """Registers a kind under its name, which must be new."""
  return lookup.add(_KINDS, kind.name, kind, "block kind")


def get(name: str) -> Kind:
  """Returns the kind of that name; ValueError lists the known ones."""
  return lookup.get(_KINDS, name, "block kind", "kinds", needed="where the network is built")


def names() -> tuple[str, ...]:
  """Returns the names of all registered kinds, sorted."""
  return tuple(sorted(_KINDS))


def output_channels(block: Sizes) -> int:
  """Returns the number of channels of a block's output."""
  return get(block.kind).expansion * block.channels


def is_stem(block: Sizes) -> bool:
  """Returns whether a block reads streams of the dataset."""
  return get(block.kind).is_stem


def has_temporal(block: Sizes) -> bool:
  """Returns whether the block's temporal dilation changes what it computes."""
  return get(block.kind).has_temporal(block)


register(
  Kind(name="stem_2plus1d", convolutions=_stem_2plus1d, is_stem=True, spatial_strides=(2, 4))
)
register(
  Kind(
    name="stem_2d",
    convolutions=_stem_2d,
    is_stem=True,
    spatial_strides=(2, 4),
    has_temporal=lambda block: False,
  )
)
register(Kind(name="stem_fine", convolutions=_stem_fine, is_stem=True, spatial_strides=(1, 2)))
register(Kind(name="basic_2plus1d", convolutions=_basic_2plus1d))
register(Kind(name="growing_2plus1d", convolutions=_growing_2plus1d))
register(Kind(name="spacetime_3d", convolutions=_spacetime_3d))
register(
  Kind(
    name="bottleneck_2plus1d",
    convolutions=_bottleneck_2plus1d,
    expansion=4,
    needs_intermediate_channels=True,
  )
)
register(
  Kind(
    name="interleaved_bottleneck",
    convolutions=_interleaved_bottleneck,
    expansion=4,
    needs_intermediate_channels=True,
    has_temporal=lambda block: block.modules > 1,
  )
)

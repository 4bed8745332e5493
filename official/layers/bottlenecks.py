"""The blocks of large spaces: bottlenecks with a 3x3 in the middle, some or all over time."""

from official.layers import base
from official.layers import blocks


class _Bottleneck(blocks.Block):
  """Abstract: residual bottlenecks, each 2D or (2+1)D; output 4C.

      2D:        1x1 -> C                     3x3 -> D   1x1 -> 4C
      (2+1)D:    3 frames, r apart -> C       3x3 -> D   1x1 -> 4C

  Each convolution is followed by batch normalization and ReLU, the last by batch normalization that
  starts at zero, the shortcut's sum and ReLU. The first module takes the spatial stride in its 3x3
  and projects its shortcut.
  """

  def is_temporal(self, index: int) -> bool:
    """Whether module `index` is (2+1)D."""
    raise NotImplementedError(f"{type(self).__name__} does not say which modules are (2+1)D")

  def chain(self) -> list[base.Layer]:
    if not self.intermediate_channels:
      raise ValueError(
        f"intermediate_channels is {self.intermediate_channels}; a block of "
        "bottlenecks needs the channels of its 3x3 convolutions"
      )
    return [self._module(index) for index in range(self.modules)]

  def _module(self, index: int) -> base.Layer:
    strides = self.spatial_stride if index == 0 else 1
    reduce = self.over_time if self.is_temporal(index) else self.over_space
    branch = [
      reduce(self.channels, 3 if self.is_temporal(index) else 1, name="reduce"),
      self.over_space(self.intermediate_channels, 3, strides=strides, name="space"),
      self.over_space(4 * self.channels, 1, name="expand", activate=False, zero_gamma=True),
    ]
    shortcut = None
    if index == 0:
      shortcut = self.over_space(
        4 * self.channels, 1, strides=strides, name="shortcut", activate=False
      )
    return self.residual_module(branch, shortcut, name=f"module_{index}")


@blocks.register("interleaved_bottleneck")
class InterleavedBottleneck(_Bottleneck):
  """2D and (2+1)D bottlenecks in turn, 2D first (AssembleNet, ICLR 2020)."""

  def is_temporal(self, index: int) -> bool:
    return index % 2 == 1


@blocks.register("bottleneck_2plus1d")
class Bottleneck2Plus1D(_Bottleneck):
  """(2+1)D bottlenecks throughout."""

  def is_temporal(self, index: int) -> bool:
    return True

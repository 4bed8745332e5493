"""The published block of AssembleNet: bottlenecks, every second of them with time in it."""

from official.layers import base
from official.layers import blocks


@blocks.register("interleaved_bottleneck")
class InterleavedBottleneck(blocks.Block):
  """Residual bottlenecks, 2D and (2+1)D in turn; output 4C (AssembleNet, ICLR 2020).

      even modules:  1x1 -> C                     3x3 -> D   1x1 -> 4C
      odd modules:   3 frames, r apart -> C       3x3 -> D   1x1 -> 4C

  Each convolution is followed by batch normalization and ReLU, the last by batch normalization that
  starts at zero, the shortcut's sum and ReLU. The first module takes the spatial stride in its 3x3
  and projects its shortcut.
  """

  def chain(self) -> list[base.Layer]:
    if not self.intermediate_channels:
      raise ValueError(f"intermediate_channels is {self.intermediate_channels}; an "
                       "interleaved_bottleneck needs the channels of its 3x3 convolutions")
    return [self._module(index) for index in range(self.modules)]

  def _module(self, index: int) -> base.Layer:
    strides = self.spatial_stride if index == 0 else 1
    reduce = self.over_time(self.channels, 3, name="reduce") if index % 2 else self.over_space(
        self.channels, 1, name="reduce")
    branch = [reduce,
              self.over_space(self.intermediate_channels, 3, strides=strides, name="space"),
              self.over_space(4 * self.channels, 1, name="expand", activate=False, zero_gamma=True)]
    shortcut = None
    if index == 0:
      shortcut = self.over_space(
          4 * self.channels, 1, strides=strides, name="shortcut", activate=False)
    return self.residual_module(branch, shortcut, name=f"module_{index}")

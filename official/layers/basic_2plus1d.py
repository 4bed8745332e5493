"""The block of small spaces: space, then time, in two convolutions per module."""

from official.layers import base
from official.layers import blocks


@blocks.register("basic_2plus1d")
class Basic2Plus1D(blocks.Block):
  """Residual modules of a 3x3 convolution and one over 3 dilated frames; C channels throughout.

  The first module applies the spatial stride and projects its shortcut; other shortcuts are the
  identity. The last batch normalization of a module starts at zero, so that a block starts as its
  shortcuts alone.
  """

  def chain(self) -> list[base.Layer]:
    return [self._module(index) for index in range(self.modules)]

  def _module(self, index: int) -> base.Layer:
    strides = self.spatial_stride if index == 0 else 1
    branch = [
      self.over_space(self.channels, 3, strides=strides, name="space"),
      self.over_time(self.channels, 3, name="time", activate=False, zero_gamma=True),
    ]
    shortcut = None
    if index == 0:
      shortcut = self.over_space(self.channels, 1, strides=strides, name="shortcut", activate=False)
    return self.residual_module(branch, shortcut, name=f"module_{index}")

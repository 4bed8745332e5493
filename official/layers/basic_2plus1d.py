"""The blocks of small spaces: space, then time, in two convolutions per module."""

from official.layers import base
from official.layers import blocks


@blocks.register("basic_2plus1d")
class Basic2Plus1D(blocks.Block):
  """Residual modules of a 3x3 convolution and one over 3 dilated frames; C channels throughout.

  The first module applies the spatial stride and projects its shortcut; other shortcuts are the
  identity. The last batch normalization of a module starts at zero, so that a block starts as its
  shortcuts alone.
  """

  # Factor from the dilation over time of one module to that of the next.
  growth = 1

  def chain(self) -> list[base.Layer]:
    return [self._module(index) for index in range(self.modules)]

  def _module(self, index: int) -> base.Layer:
    strides = self.spatial_stride if index == 0 else 1
    branch = [
      self.over_space(self.channels, 3, strides=strides, name="space"),
      self.over_time(
        self.channels,
        3,
        name="time",
        growth=self.growth**index,
        activate=False,
        zero_gamma=True,
      ),
    ]
    shortcut = None
    if index == 0:
      shortcut = self.over_space(self.channels, 1, strides=strides, name="shortcut", activate=False)
    return self.residual_module(branch, shortcut, name=f"module_{index}")


@blocks.register("growing_2plus1d")
class Growing2Plus1D(Basic2Plus1D):
  """The same, but that the dilation over time doubles from module to module.

  With r = 1 and three modules, a frame of the output depends on 15 frames instead of 7, with as
  many weights.
  """

  growth = 2

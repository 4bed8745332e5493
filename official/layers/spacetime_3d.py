"""The block without factorization: space and time in one convolution per module."""

from official.layers import base
from official.layers import blocks


@blocks.register("spacetime_3d")
class Spacetime3D(blocks.Block):
  """Residual modules of one 3x3x3 convolution, its frames r apart; C channels throughout.

  The first module takes the spatial stride and projects its shortcut; the others' is the identity.
  The batch normalization of a module starts at zero, so that a block begins as its shortcuts.
  """

  def chain(self) -> list[base.Layer]:
    return [self._module(index) for index in range(self.modules)]

  def _module(self, index: int) -> base.Layer:
    strides = self.spatial_stride if index == 0 else 1
    branch = [
      self.over_spacetime(
        self.channels, 3, strides=strides, name="spacetime", activate=False, zero_gamma=True
      )
    ]
    shortcut = None
    if index == 0:
      shortcut = self.over_space(self.channels, 1, strides=strides, name="shortcut", activate=False)
    return self.residual_module(branch, shortcut, name=f"module_{index}")

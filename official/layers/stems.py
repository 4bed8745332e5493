"""Stems: the blocks that read the streams of a dataset.

A 7x7 convolution of stride 2, for pictures followed by one over 5 frames; a spatial stride of 4
adds a max pooling. Several streams are joined by channels. AssembleNet (ICLR 2020) gives flow the
stem without the convolution over time, and every stem stride 4.

Answers about every pixel want a finer one: 3x3 of stride 1 or 2, and 3 frames.
"""

from official.layers import base
from official.layers import blocks
from official.layers import spatial


class _Stem(blocks.Block):
  """Abstract base of the stems."""

  def _pooling(self, size: int) -> list[base.Layer]:
    """Returns the layers that bring the stride from 2 to `spatial_stride`."""
    if self.spatial_stride not in (2, 4):
      raise ValueError(f"spatial_stride is {self.spatial_stride}; a stem has 2 or 4")
    if self.spatial_stride == 2:
      return []
    return [spatial.SpatialMaxPool(size, strides=2, dtype=self.dtype_policy, name="pool")]


@blocks.register("stem_2plus1d")
class Stem2Plus1D(_Stem):
  """7x7 /2 -> 5 frames, r apart -> for stride 4, max pooling 3x3 /2; C channels throughout."""

  def chain(self) -> list[base.Layer]:
    return [
      self.over_space(self.channels, 7, strides=2, name="space"),
      self.over_time(self.channels, 5, name="time"),
      *self._pooling(3),
    ]


@blocks.register("stem_2d")
class Stem2D(_Stem):
  """7x7 /2 -> for stride 4, max pooling 2x2 /2; C channels. The temporal dilation has no effect."""

  def chain(self) -> list[base.Layer]:
    return [self.over_space(self.channels, 7, strides=2, name="space"), *self._pooling(2)]


@blocks.register("stem_fine")
class StemFine(blocks.Block):
  """3x3 -> 3 frames, r apart; C channels throughout, at the frames' own size or at half of it."""

  def chain(self) -> list[base.Layer]:
    return [
      self.over_space(self.channels, 3, strides=self.spatial_stride, name="space"),
      self.over_time(self.channels, 3, name="time"),
    ]

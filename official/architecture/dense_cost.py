"""The cost of a dense head: exact parameters and multiply-adds (official/layers/dense_head.py)."""

from collections.abc import Sequence
import dataclasses

FEATURES = 32  # Channels in which a head sums the blocks of all strides.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dense:
  """The values that a dense head returns for every pixel of its input.

  Attributes:
    channels: Values a pixel of the output.
    scale: By what the output is larger than the input, in height and width.
  """

  channels: int
  scale: int = 1

  def filters(self, stride: int) -> int:
    """Returns the outputs of the last convolution, given the least stride of the blocks."""
    return self.channels * (stride * self.scale) ** 2


def parameters(blocks: Sequence[tuple[int, int]], dense: Dense) -> int:
  """Returns the trainable parameters.

  Args:
    blocks: (stride, channels) of every block.
    dense: What the head returns.
  """
  least = min(stride for stride, _ in blocks)
  filters = dense.filters(least)
  projections = sum(channels * FEATURES for _, channels in set(blocks))
  return len(blocks) + projections + FEATURES + 9 * FEATURES * filters + filters


def multiply_adds(
  blocks: Sequence[tuple[int, int]], dense: Dense, frames: int, height: int, width: int
) -> int:
  """Returns the multiply-adds of the convolutions for one clip. Arguments as of `parameters`."""

  def pixels(stride: int) -> int:
    return frames * -(-height // stride) * -(-width // stride)

  least = min(stride for stride, _ in blocks)
  projections = sum(pixels(stride) * channels * FEATURES for stride, channels in set(blocks))
  return projections + pixels(least) * 9 * FEATURES * dense.filters(least)

"""Memory of a network's activations, counted from its architecture alone.

A training step keeps, from the forward pass, what the backward pass will read:

* of every convolution what it wrote, and where batch normalization and ReLU follow, their outcome;
* of every block the pooled copies of inputs that it is the first to need at that size, the sum of
  its inputs, and the sum of each group of channels that is projected;
* what a max pooling at the end of a stem wrote.

The backward pass starts with all of that in place and needs room for the gradients with respect to
an output and an input, at most twice the largest single activation. The sum of both is the peak.
Workspace of convolution kernels, weights, their gradients and the optimizer's slots come on top.
Gradient checkpointing (layers/checkpointing.py) takes less. What a clip more in the batch added to
the memory of a process was 0.95 to 1.1 times the estimate (docs/performance.md).
Sizes are numbers, four bytes each in float32.
"""

from collections.abc import Iterable, Sequence

from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.kinds import Convolution


def block_numbers(
  architecture: Architecture,
  block: Block,
  convolutions: Sequence[tuple[Convolution, int]],
  num_frames: int,
  size: tuple[int, int],
) -> list[int]:
  """Returns the size, in numbers, of each activation that a block keeps for the backward pass.

  Args:
    architecture: That the block is of.
    block: Whose activations.
    convolutions: Its convolutions, each with the cumulative stride of what it writes.
    num_frames: Frames of a clip.
    size: (height, width) of a clip, in pixels.
  """

  def numbers(channels: int, stride: int) -> int:
    return channels * num_frames * -(-size[0] // stride) * -(-size[1] // stride)

  kept = []
  if not kinds.is_stem(block):
    stride = architecture.input_stride(block.id)
    sources = [architecture.block(source) for source in architecture.inputs(block.id)]
    counts = {kinds.output_channels(source) for source in sources}
    kept += [numbers(count, stride) for count in sorted(counts)]
    kept += [
      numbers(kinds.output_channels(source), stride)
      for source in sources
      if _is_first_to_pool(architecture, block, source, stride)
    ]
  for convolution, stride in convolutions:
    kept += (1 + convolution.batch_norm) * [numbers(convolution.output_channels, stride)]
  if kinds.is_stem(block) and convolutions[-1][1] != block.spatial_stride:
    kept.append(numbers(block.channels, block.spatial_stride))
  return kept


def peak_numbers(blocks: Iterable[Sequence[int]]) -> int:
  """Returns how many numbers of a network's blocks are in memory when the backward pass starts."""
  kept = [number for block in blocks for number in block]
  return sum(kept) + 2 * max(kept)


def _is_first_to_pool(architecture: Architecture, block: Block, source: Block, stride: int) -> bool:
  if architecture.stride(source.id) == stride:
    return False
  alike = [
    target
    for target in architecture.outputs(source.id)
    if architecture.input_stride(target) == stride
  ]
  return alike[0] == block.id

"""What a network costs, counted from its architecture alone.

Every convolution of the network is listed with the stride at which it writes; parameters and
multiply-adds are sums over that list, plus the connection weights (one a connection) and the head.
With "same" padding the side of a feature map at cumulative stride s is ceil(side / s), however the
stride came about, so the list needs no sizes.

Before a block combines inputs of different channel counts, each group of inputs of one count, other
than the largest, passes a 1x1 convolution of its own, without bias or batch normalization. The
head's dense layer reads, for each channel count on the last level, one group of features.

Multiply-adds are those of convolutions and of the dense layer. Each is two floating point
operations (FLOPs), as TensorFlow's profiler counts them.
"""

from collections.abc import Iterator, Mapping
import dataclasses

from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.kinds import Convolution


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
  """The input and output of a network, as far as they shape its cost.

  Attributes:
    streams: Channels of each stream by name; may hold more than a network reads.
    num_frames: Frames of a clip.
    height: Pixels.
    width: Pixels.
    num_classes: Outputs of the dense layer.
  """

  streams: Mapping[str, int]
  num_frames: int
  height: int
  width: int
  num_classes: int


def parameters(architecture: Architecture, streams: Mapping[str, int], num_classes: int) -> int:
  """Trainable parameters of the network: kernels, batch norms, connection weights, dense layer."""
  total = len(architecture.connections) + (head_features(architecture) + 1) * num_classes
  for _, convolution, _ in convolutions(architecture, streams):
    total += convolution.weights + 2 * convolution.output_channels * convolution.batch_norm
  return total


def non_trainable_parameters(architecture: Architecture, streams: Mapping[str, int]) -> int:
  """Moving means and variances of the batch normalizations."""
  return sum(2 * convolution.output_channels * convolution.batch_norm
             for _, convolution, _ in convolutions(architecture, streams))


def multiply_adds(architecture: Architecture, streams: Mapping[str, int], num_frames: int,
                  height: int, width: int, num_classes: int) -> int:
  """Multiply-adds of one clip through the network, forward."""
  total = head_features(architecture) * num_classes
  for _, convolution, stride in convolutions(architecture, streams):
    total += convolution.weights * num_frames * -(-height // stride) * -(-width // stride)
  return total


def flops(architecture: Architecture, clip: Clip) -> int:
  """Floating point operations of one clip through the network, forward: two a multiply-add."""
  return 2 * multiply_adds(architecture, clip.streams, clip.num_frames, clip.height, clip.width,
                           clip.num_classes)


def head_features(architecture: Architecture) -> int:
  """Inputs of the dense layer: the different channel counts of the last level, summed."""
  last = architecture.level(architecture.last_level)
  return sum({kinds.output_channels(block) for block in last})


def input_channels(architecture: Architecture, block: Block, streams: Mapping[str, int]) -> int:
  """Channels that a block's first convolution reads: of its streams, or of its widest input."""
  if not kinds.is_stem(block):
    return max(_counts(architecture, block))
  for name in block.streams:
    if name not in streams:
      raise ArchitectureError(f"block {block.id!r} reads stream {name!r}; "
                              f"the streams are {', '.join(sorted(streams)) or 'none'}")
  return sum(streams[name] for name in block.streams)


def convolutions(architecture: Architecture,
                 streams: Mapping[str, int]) -> Iterator[tuple[Block, Convolution, int]]:
  """Yields each convolution with its block and the cumulative stride of what it writes."""
  for block in architecture.blocks:
    read = input_channels(architecture, block, streams)
    stride = architecture.input_stride(block.id)
    if not kinds.is_stem(block):
      for count in sorted(set(_counts(architecture, block)))[:-1]:
        yield block, Convolution((1, 1, 1), count, read, batch_norm=False), stride
    for convolution in kinds.get(block.kind).convolutions(block, read):
      yield block, convolution, stride * convolution.stride


def _counts(architecture: Architecture, block: Block) -> list[int]:
  """Output channels of a block's inputs."""
  return [kinds.output_channels(architecture.block(source))
          for source in architecture.inputs(block.id)]

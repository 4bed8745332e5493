"""The cost of a network, counted from its architecture alone.

Every convolution of the network is listed with the stride at which it writes; parameters and
multiply-adds are sums over that list, plus the connection weights (one a connection) and the head.
With "same" padding the side of a feature map at cumulative stride s is ceil(side / s), however the
stride came about, so the list needs no sizes.

Before a block combines inputs of different channel counts, each group of inputs of one count, other
than the largest, passes a 1x1 convolution of its own, without bias or batch normalization. The
head's dense layer reads, for each channel count on the last level, one group of features; it is
applied to every frame where the head pools logits.

Multiply-adds are those of convolutions and of the dense layer. Each is two floating point
operations (FLOPs), as TensorFlow's profiler counts them.

`table` has a row for every block and one for the head; `describe` is that table as text. The memory
of activations is counted in activations.py.
"""

from collections.abc import Iterator, Mapping
import dataclasses
import types

from official.architecture import activations
from official.architecture import dense_cost
from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.kinds import Convolution

HEAD = "head"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Clip:
  """The input and output of a network, as far as they shape its cost.

  Attributes:
    streams: Channels of each stream by name; may hold more than a network reads.
    num_frames: Frames of a clip.
    height: Pixels.
    width: Pixels.
    num_classes: Outputs of the dense layer.
    pooling: How the head pools over time: average, max or softmax.
    sizes: (height, width) of the streams that have others than the clip's.
    dense: What is returned for every pixel, instead of classes.
  """

  streams: Mapping[str, int]
  num_frames: int
  height: int
  width: int
  num_classes: int
  pooling: str = "average"
  sizes: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
  dense: dense_cost.Dense | None = None

  @property
  def output(self) -> tuple[int, ...]:
    """Shape of what is returned for a clip."""
    if self.dense is None:
      return (self.num_classes,)
    height, width = (side * self.dense.scale for side in (self.height, self.width))
    return self.num_frames, height, width, self.dense.channels

  def size_of(self, block: Block) -> tuple[int, int]:
    """Returns the (height, width) that a stem reads; for other blocks, that of the clip."""
    size = self.height, self.width
    return self.sizes.get(block.streams[0], size) if block.streams else size


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
  """The cost of one block with the sum that feeds it, or of the head.

  Attributes:
    id: Id of the block, or `HEAD`.
    kind: Kind of the block, or "".
    output: Shape of what it writes for a clip.
    params: Trainable parameters.
    multiply_adds: For one clip, forward.
    activation_bytes: What it writes for one clip and keeps for the gradient, at 4 bytes a number.
  """

  id: str
  kind: str
  output: tuple[int, ...]
  params: int
  multiply_adds: int
  activation_bytes: int


def parameters(
  architecture: Architecture,
  streams: Mapping[str, int],
  num_classes: int,
  dense: dense_cost.Dense | None = None,
) -> int:
  """Trainable parameters of the network: kernels, batch norms, connection weights, head."""
  blocks = sum(_block_parameters(architecture, block, streams) for block in architecture.blocks)
  return blocks + _head_parameters(architecture, num_classes, dense)


def non_trainable_parameters(architecture: Architecture, streams: Mapping[str, int]) -> int:
  """Moving means and variances of the batch normalizations."""
  return sum(
    2 * convolution.output_channels * convolution.batch_norm
    for block in architecture.blocks
    for convolution, _ in convolutions(architecture, block, streams)
  )


def multiply_adds(architecture: Architecture, clip: Clip) -> int:
  """Multiply-adds of one clip through the network, forward."""
  return _head_multiply_adds(architecture, clip) + sum(
    _block_multiply_adds(architecture, block, clip) for block in architecture.blocks
  )


def flops(architecture: Architecture, clip: Clip) -> int:
  """Floating point operations of one clip through the network, forward: two per multiply-add."""
  return 2 * multiply_adds(architecture, clip)


def peak_activation_bytes(architecture: Architecture, clip: Clip, bytes_a_number: int = 4) -> int:
  """Peak memory of the activations of a clip in a training step, see activations.py."""
  sizes = [_activations(architecture, block, clip) for block in architecture.blocks]
  inputs = 0
  for name in architecture.streams:
    height, width = clip.sizes.get(name, (clip.height, clip.width))
    inputs += clip.streams[name] * clip.num_frames * height * width
  return bytes_a_number * (inputs + activations.peak_numbers(sizes))


def table(architecture: Architecture, clip: Clip) -> tuple[Row, ...]:
  """Returns one row per block, in order, and one for the head; their sum is the network's cost."""
  rows = []
  for block in architecture.blocks:
    stride = architecture.stride(block.id)
    size = _activations(architecture, block, clip)
    rows.append(
      Row(
        id=block.id,
        kind=block.kind,
        output=(
          clip.num_frames,
          -(-clip.height // stride),
          -(-clip.width // stride),
          kinds.output_channels(block),
        ),
        params=_block_parameters(architecture, block, clip.streams),
        multiply_adds=_block_multiply_adds(architecture, block, clip),
        activation_bytes=4 * sum(size),
      )
    )
  rows.append(
    Row(
      id=HEAD,
      kind="",
      output=clip.output,
      params=_head_parameters(architecture, clip.num_classes, clip.dense),
      multiply_adds=_head_multiply_adds(architecture, clip),
      activation_bytes=0,
    )
  )
  return tuple(rows)


def describe(
  architecture: Architecture, clip: Clip, reads_from: Mapping[str, str] = types.MappingProxyType({})
) -> str:
  """The table as text, with the network's sums below.

  Args:
    architecture: The network.
    clip: What it reads.
    reads_from: What is said in one more column of what a block reads from, by block.
  """
  rows = table(architecture, clip)
  last = "  reads from" if reads_from else ""
  lines = [f"{'block':<16}{'kind':<24}{'output':<22}{'parameters':>12}{'MMADD':>11}{'MB':>9}{last}"]
  lines += [
    f"{row.id:<16}{row.kind:<24}{'x'.join(map(str, row.output)):<22}{row.params:>12,}"
    f"{row.multiply_adds / 1e6:>11,.1f}{row.activation_bytes / 1e6:>9,.1f}"
    f"  {reads_from.get(row.id, '')}".rstrip()
    for row in rows
  ]
  giga = sum(row.multiply_adds for row in rows) / 1e9
  peak = peak_activation_bytes(architecture, clip) / 1e6
  lines.append(
    f"{clip.num_frames}x{clip.height}x{clip.width} {'+'.join(architecture.streams)}, "
    f"{_told(clip)}: {sum(row.params for row in rows):,} parameters, {giga:,.2f} G "
    f"multiply-adds a clip, {peak:,.0f} MB of activations a clip in training"
  )
  return "\n".join(lines)


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
      raise ArchitectureError(
        f"block {block.id!r} reads stream {name!r}; "
        f"the streams are {', '.join(sorted(streams)) or 'none'}"
      )
  return sum(streams[name] for name in block.streams)


def convolutions(
  architecture: Architecture, block: Block, streams: Mapping[str, int]
) -> Iterator[tuple[Convolution, int]]:
  """Yields each convolution of a block with the cumulative stride of what it writes.

  The projections of the block's inputs come first.
  """
  read = input_channels(architecture, block, streams)
  stride = architecture.input_stride(block.id)
  if not kinds.is_stem(block):
    for count in sorted(set(_counts(architecture, block)))[:-1]:
      yield Convolution((1, 1, 1), count, read, batch_norm=False), stride
  for convolution in kinds.get(block.kind).convolutions(block, read):
    yield convolution, stride * convolution.stride


def _convolutions(
  architecture: Architecture, block: Block, clip: Clip
) -> list[tuple[Convolution, int]]:
  return list(convolutions(architecture, block, clip.streams))


def _block_parameters(architecture: Architecture, block: Block, streams: Mapping[str, int]) -> int:
  return len(architecture.inputs(block.id)) + sum(
    convolution.weights + 2 * convolution.output_channels * convolution.batch_norm
    for convolution, _ in convolutions(architecture, block, streams)
  )


def _block_multiply_adds(architecture: Architecture, block: Block, clip: Clip) -> int:
  height, width = clip.size_of(block)
  convolved = sum(
    convolution.multiply_adds(clip.num_frames, -(-height // stride), -(-width // stride))
    for convolution, stride in convolutions(architecture, block, clip.streams)
  )
  return convolved + _resizing(block, clip)[0]


def _resizing(block: Block, clip: Clip) -> tuple[int, list[int]]:
  """Returns what it costs to bring a stem's output to the clip's size (layers/resize.py): its
  multiply-adds, and the sizes of its activations."""
  size, (height, width) = (clip.height, clip.width), clip.size_of(block)
  if (height, width) == size:
    return 0, []
  rows, columns, made_rows, made_columns = (
    -(-side // block.spatial_stride) for side in (height, width, *size)
  )
  maps = clip.num_frames * kinds.output_channels(block)
  across, down = made_columns * columns * rows, made_rows * rows * made_columns
  return maps * (across + down), [maps * rows * made_columns, maps * made_rows * made_columns]


def _activations(architecture: Architecture, block: Block, clip: Clip) -> list[int]:
  """Returns the sizes, in numbers, of what a block keeps for the gradient."""
  kept = activations.block_numbers(
    architecture,
    block,
    _convolutions(architecture, block, clip),
    clip.num_frames,
    clip.size_of(block),
  )
  return kept + _resizing(block, clip)[1]


def _told(clip: Clip) -> str:
  if clip.dense is None:
    return f"{clip.num_classes} classes"
  return f"{'x'.join(map(str, clip.output))} values"


def _strides_and_channels(architecture: Architecture) -> list[tuple[int, int]]:
  return [
    (architecture.stride(block.id), kinds.output_channels(block)) for block in architecture.blocks
  ]


def _head_parameters(
  architecture: Architecture, num_classes: int, dense: dense_cost.Dense | None
) -> int:
  if dense is None:
    return (head_features(architecture) + 1) * num_classes
  return dense_cost.parameters(_strides_and_channels(architecture), dense)


def _head_multiply_adds(architecture: Architecture, clip: Clip) -> int:
  if clip.dense is not None:
    blocks = _strides_and_channels(architecture)
    return dense_cost.multiply_adds(blocks, clip.dense, clip.num_frames, clip.height, clip.width)
  times = clip.num_frames if clip.pooling == "softmax" else 1
  return head_features(architecture) * clip.num_classes * times


def _counts(architecture: Architecture, block: Block) -> list[int]:
  """Output channels of a block's inputs."""
  return [
    kinds.output_channels(architecture.block(source)) for source in architecture.inputs(block.id)
  ]

"""An architecture as a table for people, with what every block costs.

    block     level kind          channels modules  r  output            parameters  multiply-adds
    rgb_0         0 stem_2plus1d         8       -  2  8x16x16x8             1,528      2,408,448
    level1_0      1 basic_2plus1d       16       1  1  8x8x8x16              3,762      1,884,160
                    from rgb_0, flow_0
    head                                          -  6                         102             96

`r` is the temporal dilation, `output` is [time, height, width, channels] of one clip. What a block
costs includes its connection weights and the projections of its inputs.
"""

import collections

from official.architecture import cost
from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block

_COLUMNS = ("block", "level", "kind", "channels", "modules", "r", "output", "parameters",
            "multiply-adds")
_TEXT_COLUMNS = ("block", "kind", "output")


def table(architecture: Architecture, clip: cost.Clip) -> str:
  """Returns the table, a line a block and one for its inputs, the head's and the sums last."""
  parameters, multiply_adds = _costs(architecture, clip)
  rows = [_row(architecture, block, clip, parameters[block.id], multiply_adds[block.id])
          for block in architecture.blocks]
  features = cost.head_features(architecture)
  total = (cost.parameters(architecture, clip.streams, clip.num_classes),
           cost.flops(architecture, clip) // 2)
  rows.append(["head", "", "", "", "", "", f"{clip.num_classes}",
               f"{(features + 1) * clip.num_classes:,}", f"{features * clip.num_classes:,}"])
  rows.append(["all", "", "", "", "", "", "", f"{total[0]:,}", f"{total[1]:,}"])
  widths = [max(len(row[column]) for row in [list(_COLUMNS), *rows])
            for column in range(len(_COLUMNS))]
  lines = [_line(list(_COLUMNS), widths)]
  sources = [architecture.inputs(block.id) or block.streams for block in architecture.blocks]
  for row, names in zip(rows, [*sources, (), ()], strict=True):
    lines.append(_line(row, widths))
    if names:
      lines.append(" " * (widths[0] + widths[1] + 4) + f"from {', '.join(names)}")
  return "\n".join(lines)


def _costs(architecture: Architecture, clip: cost.Clip) -> tuple[dict[str, int], dict[str, int]]:
  """Returns trainable parameters and multiply-adds by block."""
  parameters = collections.Counter(connection.target for connection in architecture.connections)
  multiply_adds: collections.Counter[str] = collections.Counter()
  for block, convolution, stride in cost.convolutions(architecture, clip.streams):
    parameters[block.id] += (
        convolution.weights + 2 * convolution.output_channels * convolution.batch_norm)
    multiply_adds[block.id] += (convolution.weights * clip.num_frames * -(-clip.height // stride)
                                * -(-clip.width // stride))
  return dict(parameters), dict(multiply_adds)


def _row(architecture: Architecture, block: Block, clip: cost.Clip, parameters: int,
         multiply_adds: int) -> list[str]:
  stride = architecture.stride(block.id)
  shape = (clip.num_frames, -(-clip.height // stride), -(-clip.width // stride),
           kinds.output_channels(block))
  return [block.id, str(block.level), block.kind, str(block.channels),
          "-" if kinds.is_stem(block) else str(block.modules),
          str(block.temporal_dilation) if kinds.has_temporal(block) else "-",
          "x".join(str(side) for side in shape), f"{parameters:,}", f"{multiply_adds:,}"]


def _line(cells: list[str], widths: list[int]) -> str:
  return "  ".join(
      cell.ljust(width) if column in _TEXT_COLUMNS else cell.rjust(width)
      for column, cell, width in zip(_COLUMNS, cells, widths, strict=True)).rstrip()

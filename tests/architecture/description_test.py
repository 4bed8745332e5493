"""The table of an architecture's blocks."""

from official.architecture import cost
from official.architecture import description
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection

_ARCHITECTURE = Architecture(
    (Block(id="rgb_0", level=0, kind="stem_2plus1d", streams=("rgb",), channels=8,
           spatial_stride=2),
     Block(id="flow_0", level=0, kind="stem_2d", streams=("flow",), channels=4, spatial_stride=2),
     Block(id="level1_0", level=1, kind="basic_2plus1d", channels=16, temporal_dilation=2,
           spatial_stride=2)),
    (Connection("rgb_0", "level1_0"), Connection("flow_0", "level1_0")))
_CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)


def test_every_block_is_a_line_with_its_cost_and_one_with_its_inputs():
  assert description.table(_ARCHITECTURE, _CLIP) == """\
block     level  kind           channels  modules  r  output     parameters  multiply-adds
flow_0        0  stem_2d               4        -  -  8x16x16x4         400        802,816
                 from flow
rgb_0         0  stem_2plus1d          8        -  1  8x16x16x8       1,528      3,063,808
                 from rgb
level1_0      1  basic_2plus1d        16        1  2  8x8x8x16        2,178      1,114,112
                 from flow_0, rgb_0
head                                                  6                 102             96
all                                                                   4,208      4,980,832"""


def test_the_blocks_add_up_to_the_whole():
  rows = [line.split() for line in description.table(_ARCHITECTURE, _CLIP).splitlines()]
  figures = [[int(cell.replace(",", "")) for cell in row[-2:]] for row in rows[1:]
             if row[0] != "from"]
  *parts, total = figures
  assert [sum(column) for column in zip(*parts)] == total
  assert total == [cost.parameters(_ARCHITECTURE, _CLIP.streams, 6),
                   cost.flops(_ARCHITECTURE, _CLIP) // 2]

"""Draws a network: levels as columns, blocks as boxes, connections as wide as their weights.

    box         a block: id, kind, channels C, temporal dilation r, spatial stride s, modules
    its stripe  the streams that reach it, each by its share (drawn_network.py)
    line        a connection, wider the greater its learned weight, coloured as the stream that has
                two thirds of what it carries; dashed if a child would not keep it
    dot, cross  a connection that is new in a child; one that its parent has and the child has not

Data flow from left to right. The places come from layout.py; the same network always gives the same
picture. What a picture has no room for is said where the pointer rests, and in network_table.py.
"""

from collections.abc import Mapping
import dataclasses
from typing import Any

from matplotlib import patches
from matplotlib import path as path_lib
import numpy as np

from official.architecture import cost
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.reports import colours
from official.reports import drawn_network
from official.reports import layout as layout_lib
from official.reports import pictures
from official.reports.drawn_network import DrawnNetwork

# All lengths are CSS pixels.
_BOX = (132.0, 54.0)
_HEAD_BOX = (96.0, 54.0)
_ROW, _LANE = 74.0, 11.0
_GAP, _WIDEST_GAP, _HEAD_GAP = 60.0, 170.0, 0.7  # The last is a share of the others.
_MARGIN, _HEADING, _LEGEND = 12.0, 34.0, 60.0
_STRIPE = 7.0
_LINE = (0.8, 4.4)  # Width of a line of weight 0, and what one of weight 1 has besides.
_MIDDLE = "center_baseline"  # How a text lies on a height.
_UNKNOWN = 0.2  # Weight as which a connection of unknown weight is drawn.
_HEAD_LINES = 24  # Blocks of the largest network whose dense head gets a line from every block.
_LONGEST = 17  # Characters of the first line in a box.


@dataclasses.dataclass(frozen=True)
class Marks:
  """What differs between a parent and its child.

  Attributes:
    connections: Those to be marked.
    blocks: What happened to a block, in a word or two, by its id.
    sign: "new" or "gone".
  """

  connections: frozenset[Connection] = frozenset()
  blocks: Mapping[str, str] = dataclasses.field(default_factory=dict)
  sign: str = "new"


def draw(network: DrawnNetwork, *, heading: str = "", marks: Marks = Marks()) -> pictures.Picture:
  """Returns the picture of a network.

  Args:
    network: The network.
    heading: A line above it.
    marks: What is marked.
  """
  with pictures.style():
    canvas = _Canvas(network, heading, marks)
    canvas.draw_all()
    return canvas.picture


def description(network: DrawnNetwork) -> str:
  """Returns a picture of a network in words, for those who cannot see it."""
  architecture = network.architecture
  by_level = ", ".join(
    f"{len(architecture.level(level))} on level {level}"
    for level in sorted({block.level for block in architecture.blocks})
  )
  weak = f", {len(network.weak)} of them dashed ({network.weak_means})" if network.weak else ""
  return (
    f"A network of {len(architecture.blocks)} blocks ({by_level}) and "
    f"{len(architecture.connections)} connections{weak}. It reads "
    f"{' and '.join(architecture.streams)}."
  )


def block_words(block: Block) -> str:
  """Returns all about a block in a line."""
  reads = f", reads {' and '.join(block.streams)}" if block.streams else ""
  middle = "" if block.intermediate_channels is None else f" (D {block.intermediate_channels})"
  return (
    f"{block.id}: {block.kind}{reads}, {block.channels} channels{middle}, temporal dilation "
    f"{block.temporal_dilation}, spatial stride {block.spatial_stride}, "
    f"{block.modules} module{'s' * (block.modules != 1)}"
  )


class _Canvas:
  """The picture of one network while it is drawn."""

  def __init__(self, network: DrawnNetwork, heading: str, marks: Marks):
    self._network, self._heading, self._marks = network, heading, marks
    self._shares = drawn_network.shares(network)
    self._colours = colours.of_streams(network.architecture.streams)
    levels = sorted({block.level for block in network.architecture.blocks})
    names = [[block.id for block in network.architecture.level(level)] for level in levels]
    edges = [(one.source, one.target) for one in network.architecture.connections]
    self._head_edges = [(source, cost.HEAD) for source in self._head_sources()]
    self._layout = layout_lib.layered(
      [*names, [cost.HEAD]], edges + self._head_edges, node=_ROW, lane=_LANE
    )
    self._headings = [f"level {level}" if level else "stems" for level in levels] + [cost.HEAD]
    self._gap = min(_WIDEST_GAP, _GAP + 0.6 * len(edges))
    self._column = {name: column for column, row in enumerate(self._layout.layers) for name in row}
    width = self._left(len(names)) + _HEAD_BOX[0] + _MARGIN
    self._top = _MARGIN + _HEADING * bool(heading) + 24
    height = self._top + self._layout.extent + _LEGEND + _MARGIN
    self.picture = pictures.figure(width, height)
    self._axes = self.picture.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    self._axes.set_axis_off()
    self._size = width, height

  def draw_all(self) -> None:
    """Draws everything."""
    if self._heading:
      self._text(_MARGIN, _MARGIN + 14, self._heading, size=15, weight="bold")
    for column, heading in enumerate(self._headings):
      x = self._left(column) + (_HEAD_BOX if heading == cost.HEAD else _BOX)[0] / 2
      self._text(x, self._top - 10, heading, size=11, color=colours.FAINT, ha="center")
    for edge in self._head_edges:
      self._head_edge(edge)
    for connection in sorted(self._network.architecture.connections, key=self._drawn_order):
      self._edge(connection)
    for block in self._network.architecture.blocks:
      self._block(block)
    self._head()
    self._legend()

  def _head_sources(self) -> list[str]:
    architecture, strengths = self._network.architecture, self._network.head_weights
    if not strengths:
      return [block.id for block in architecture.level(architecture.last_level)]
    sources = [block.id for block in architecture.blocks if block.id in strengths]
    if len(sources) > _HEAD_LINES:
      sources = sorted(sources, key=lambda name: -strengths[name])[: _HEAD_LINES // 3]
    return sources

  def _left(self, column: int) -> float:
    left = _MARGIN + column * (_BOX[0] + self._gap)
    return left - (1 - _HEAD_GAP) * self._gap if column == len(self._headings) - 1 else left

  def _drawn_order(self, connection: Connection) -> tuple[float, Connection]:
    return self._network.weights.get(connection, 0.0), connection  # The strongest lie on top.

  def _route(self, source: str, target: str) -> path_lib.Path:
    """Returns the line of an edge: from port to port, level where it passes a column."""
    points = [self._port(source, target, outgoing=True)]
    for offset, height in enumerate(self._layout.lanes[source, target]):
      x, y = self._left(self._column[source] + 1 + offset), self._top + height
      points += [(x - 5, y), (x + _BOX[0] + 5, y)]
    points.append(self._port(target, source, outgoing=False))
    vertices, codes = [points[0]], [path_lib.Path.MOVETO]
    for index, ((x, y), (x_, y_)) in enumerate(zip(points, points[1:])):
      if index % 2:  # Along a column.
        vertices.append((x_, y_))
        codes.append(path_lib.Path.LINETO)
      else:  # Across a gap.
        middle = (x + x_) / 2
        vertices += [(middle, y), (middle, y_), (x_, y_)]
        codes += [path_lib.Path.CURVE4] * 3
    return path_lib.Path(vertices, codes)

  def _port(self, name: str, other: str, *, outgoing: bool) -> tuple[float, float]:
    """Returns where an edge meets a box: edges of one side keep the order of where they go."""
    if outgoing:
      others = [target for source, target in self._layout.lanes if source == name]
      x = self._left(self._column[name]) + _BOX[0]
    else:
      others = [source for source, target in self._layout.lanes if target == name]
      x = self._left(self._column[name])
    others.sort(key=lambda end: (self._next_height(name, end, outgoing), end))
    room = _BOX[1] - 12
    step = min(8.0, room / max(1, len(others) - 1))
    place = others.index(other) - (len(others) - 1) / 2
    return x, self._top + self._layout.heights[name] + place * step

  def _next_height(self, name: str, other: str, outgoing: bool) -> float:
    lanes = self._layout.lanes[(name, other) if outgoing else (other, name)]
    if lanes:
      return lanes[0] if outgoing else lanes[-1]
    return self._layout.heights[other]

  def _edge(self, connection: Connection) -> None:
    weight = self._network.weights.get(connection)
    weak = connection in self._network.weak
    leading = drawn_network.leading(self._shares[connection.source])
    route = self._route(connection.source, connection.target)
    line = patches.PathPatch(
      route,
      fill=False,
      edgecolor=colours.GREY if leading is None else self._colours[leading],
      linewidth=line_width(weight),
      linestyle=(0, (3.5, 2.0)) if weak else "solid",
      alpha=0.75 if weak else 0.9,
      capstyle="butt",
    )
    self._axes.add_artist(line)
    told = "of unknown weight" if weight is None else f"weight {weight:.3f}"
    marked = connection in self._marks.connections
    sign = f", {self._marks.sign}" if marked else ""
    pictures.hover(
      line, f"{connection.source} to {connection.target}: {told}{', weak' * weak}{sign}"
    )
    if marked:
      # Off the middle, where lines cross.
      self._mark(*np.asarray(route.interpolated(9).vertices)[3])

  def _mark(self, x: float, y: float) -> None:
    marker = "o" if self._marks.sign == "new" else "x"
    self._axes.plot(x, y, marker, color=colours.INK, ms=6, mew=1.7, zorder=4)

  def _head_edge(self, edge: tuple[str, str]) -> None:
    strength = self._network.head_weights.get(edge[0])
    line = patches.PathPatch(
      self._route(*edge),
      fill=False,
      edgecolor=colours.FAINT,
      linewidth=line_width(strength),
      alpha=0.6,
      capstyle="butt",
    )
    self._axes.add_artist(line)
    told = "read by the head" if strength is None else f"strength {strength:.3f} in the head"
    pictures.hover(line, f"{edge[0]}: {told}")

  def _block(self, block: Block) -> None:
    x, y = self._left(self._column[block.id]), self._top + self._layout.heights[block.id]
    shared = self._shares[block.id]
    leading = drawn_network.leading(shared)
    colour = colours.GREY if leading is None else self._colours[leading]
    changed = self._marks.blocks.get(block.id, "")
    box = self._box(x, y, edgecolor=colour, linewidth=2.6 if changed else 1.2)
    streams = ", ".join(f"{name} {share:.0%}" for name, share in shared.items())
    strength = self._network.head_weights.get(block.id)
    pictures.hover(
      box,
      f"{block_words(block)}; streams that reach it: {streams}"
      + ("" if strength is None else f"; strength in the head {strength:.3f}")
      + (f"; {changed}" if changed else ""),
    )
    top = y - _BOX[1] / 2
    for name, share in shared.items():
      self._axes.add_artist(
        patches.Rectangle(
          (x, top), _STRIPE, share * _BOX[1], facecolor=self._colours[name], linewidth=0
        )
      )
      top += share * _BOX[1]
    modules = f" · ×{block.modules}" if block.modules > 1 else ""
    sizes = f"C {block.channels} · r {block.temporal_dilation} · s {block.spatial_stride}{modules}"
    title = block.id if not block.streams else f"{block.id} ← {'+'.join(block.streams)}"
    left = x + _STRIPE + 6
    self._text(left, y - 10.0, _short(title), size=12, weight="bold")
    self._text(left, y + 4.5, _short(block.kind, 22), size=10, color=colours.FAINT)
    self._text(left, y + 19.0, sizes, size=10.5)
    if changed:
      self._text(
        x + _BOX[0] / 2, y - _BOX[1] / 2 - 4, changed, size=10, ha="center", style="italic"
      )

  def _head(self) -> None:
    x, y = self._left(self._column[cost.HEAD]), self._top + self._layout.heights[cost.HEAD]
    box = self._box(x, y, _HEAD_BOX, edgecolor=colours.FAINT, linewidth=1.2)
    self._text(x + 11, y - 10.0, cost.HEAD, size=12, weight="bold")
    if self._network.head_weights:
      lines = ["answers for", "every pixel"]
    elif self._network.weights:
      lines = ["averages and", "scores a clip"]
    else:  # An architecture alone is the same for every task.
      lines = []
    for place, line in enumerate(lines):
      self._text(x + 11, y + 4.5 + 12.5 * place, line, size=10, color=colours.FAINT)
    pictures.hover(box, " ".join(["the head", *lines]))

  def _box(
    self, x: float, y: float, size: tuple[float, float] = _BOX, **style: Any
  ) -> patches.Patch:
    box = patches.Rectangle((x, y - size[1] / 2), *size, facecolor=colours.PANEL, **style)
    self._axes.add_artist(box)
    return box

  def _legend(self) -> None:
    x, y = _MARGIN, self._size[1] - _MARGIN - 26
    known = bool(self._network.weights)
    mixed = any(drawn_network.leading(shared) is None for shared in self._shares.values())
    for name, colour in self._colours.items():
      x = self._sample(x, y, name, color=colour, linewidth=3)
    if mixed:
      x = self._sample(x, y, "mixed: no stream has two thirds", color=colours.GREY, linewidth=3)
    if self._marks.connections:
      new = self._marks.sign == "new"
      self._mark(x + 13, y)
      self._text(x + 24, y, "new in the child" if new else "not in the child", size=11, va=_MIDDLE)
    x, y = _MARGIN, y + 20
    if not known:
      self._text(x, y, "no connection weights are known", size=11, va=_MIDDLE)
      return
    for weight in (0.1, 0.5, 0.9):
      x = self._sample(
        x, y, f"weight {weight}", color=colours.INK, linewidth=line_width(weight), alpha=0.8
      )
    if self._network.weak:
      x = self._sample(
        x, y, self._network.weak_means, color=colours.INK, linewidth=1.6, dashes=(3.5, 2.0)
      )

  def _sample(self, x: float, y: float, text: str, **style: Any) -> float:
    self._axes.plot([x, x + 26], [y, y], solid_capstyle="butt", dash_capstyle="butt", **style)
    self._text(x + 32, y, text, size=11, va=_MIDDLE)
    return x + 32 + 6.0 * len(text) + 18

  def _text(self, x: float, y: float, text: str, *, size: float, **style: Any) -> None:
    style = {"color": colours.INK, "va": "baseline", **style}
    self._axes.text(x, y, text, fontsize=size, zorder=5, **style)


def line_width(weight: float | None) -> float:
  """Returns how wide a connection is drawn."""
  return _LINE[0] + _LINE[1] * (_UNKNOWN if weight is None else weight)


def _short(text: str, longest: int = _LONGEST) -> str:
  return text if len(text) <= longest else text[: longest - 1] + "…"

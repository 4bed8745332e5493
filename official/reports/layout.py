"""Places for the nodes and edges of a layered graph, with few crossings.

Nodes are on layers, edges run from lower to higher ones. The method is Sugiyama's (Sugiyama, Tagawa
and Toda, "Methods for visual understanding of hierarchical system structures", 1981), in the form
of Gansner et al., "A technique for drawing directed graphs", 1993:

1. An edge over several layers becomes a chain of *lanes*, one on each layer that it passes.
2. Sweeps up and down order the layers: each item goes to the median of its neighbours; then
   neighbours are exchanged where that saves crossings. The best order that was seen stays.
3. Items get heights: each is drawn to its neighbours, lanes strongest, so that long edges are
   straight. The nearest places that keep the order and the distances are an isotonic regression.

Nothing is random: the same graph always has the same places. networkx has no such layout
(`multipartite_layout` puts nodes on layers, but does not order them).
"""

import bisect
from collections.abc import Hashable, Iterable, Mapping, Sequence
import dataclasses

Lane = tuple[str, str, int]  # An edge, and the layer that it passes.
Item = Hashable  # The name of a node, or a Lane.

_SWEEPS = 12
_STRAIGHTENING = 24
_LANE_PULL = 8.0  # Between two lanes; between a lane and a node, its root.


@dataclasses.dataclass(frozen=True)
class Layout:
  """Places of a graph.

  Attributes:
    layers: Names of the nodes of each layer, from top to bottom.
    heights: Height of the centre of each node, downwards from 0, in units of the distances given.
    lanes: By edge, the height at which it passes each layer between its ends, in order.
    extent: Height of the lowest edge of an item; the highest has 0.
    crossings: Number of crossings between neighbouring layers.
  """

  layers: tuple[tuple[str, ...], ...]
  heights: Mapping[str, float]
  lanes: Mapping[tuple[str, str], tuple[float, ...]]
  extent: float
  crossings: int


def layered(
  layers: Sequence[Sequence[str]],
  edges: Iterable[tuple[str, str]],
  *,
  node: float = 1.0,
  lane: float = 0.25,
) -> Layout:
  """Returns places for a graph.

  Args:
    layers: Names of the nodes of each layer; their order breaks ties.
    edges: (source, target), from lower to higher layers.
    node: Height that a node takes, with the space around it.
    lane: Height that an edge takes where it passes a layer.
  """
  graph = _Graph(layers, sorted(edges))
  order, crossings = _ordered(graph)
  centres, extent = _placed(graph, order, {False: node, True: lane})
  return Layout(
    layers=tuple(tuple(str(i) for i in row if not isinstance(i, tuple)) for row in order),
    heights={item: centres[item] for row in layers for item in row},
    lanes={edge: tuple(centres[item] for item in graph.chains[edge][1:-1]) for edge in graph.edges},
    extent=extent,
    crossings=crossings,
  )


class _Graph:
  """A graph whose long edges are chains of lanes; `below` and `above` are lists of neighbours."""

  def __init__(self, layers: Sequence[Sequence[str]], edges: Sequence[tuple[str, str]]):
    rank = {name: index for index, row in enumerate(layers) for name in row}
    self.edges = edges
    self.items: list[list[Item]] = [list(row) for row in layers]
    self.chains: dict[tuple[str, str], list[Item]] = {}
    self.below: dict[Item, list[Item]] = {name: [] for name in rank}
    self.above: dict[Item, list[Item]] = {name: [] for name in rank}
    for source, target in edges:
      lanes = [(source, target, layer) for layer in range(rank[source] + 1, rank[target])]
      for lane in lanes:
        self.items[lane[2]].append(lane)
        self.below[lane], self.above[lane] = [], []
      chain: list[Item] = [source, *lanes, target]
      self.chains[source, target] = chain
      for one, other in zip(chain, chain[1:]):
        self.above[one].append(other)
        self.below[other].append(one)


Order = list[list[Item]]


def _ordered(graph: _Graph) -> tuple[Order, int]:
  """Returns the items of each layer in the best order found, and its crossings."""
  best: Order = [list(row) for row in graph.items]
  fewest = _crossings(graph, best)
  for first in (graph.items, [list(reversed(row)) for row in graph.items]):
    order = [list(row) for row in first]
    for sweep in range(_SWEEPS):
      _sweep(graph, order, upwards=sweep % 2 == 0)
      _exchange(graph, order)
      crossings = _crossings(graph, order)
      if crossings < fewest:
        best, fewest = [list(row) for row in order], crossings
  return best, fewest


def _sweep(graph: _Graph, order: Order, *, upwards: bool) -> None:
  """Sorts each layer by the median place of its neighbours on the layer before."""
  neighbours = graph.below if upwards else graph.above
  layers = range(1, len(order)) if upwards else range(len(order) - 2, -1, -1)
  for layer in layers:
    before = {item: place for place, item in enumerate(order[layer - 1 if upwards else layer + 1])}
    scale = len(before) / max(1, len(order[layer]))
    wanted = {
      item: _median([before[other] for other in neighbours[item]], place * scale)
      for place, item in enumerate(order[layer])
    }
    order[layer].sort(key=wanted.__getitem__)


def _median(places: list[int], otherwise: float) -> float:
  if not places:
    return otherwise
  places.sort()
  middle = len(places) // 2
  return places[middle] if len(places) % 2 else (places[middle - 1] + places[middle]) / 2


def _exchange(graph: _Graph, order: Order) -> None:
  """Exchanges neighbours of a layer as long as that saves crossings, a few times at most."""
  for layer, row in enumerate(order):
    around = []
    if layer:
      around.append((graph.below, {item: i for i, item in enumerate(order[layer - 1])}))
    if layer + 1 < len(order):
      around.append((graph.above, {item: i for i, item in enumerate(order[layer + 1])}))
    places = {item: [sorted(at[o] for o in near[item]) for near, at in around] for item in row}
    for _ in range(4):
      changed = False
      for i in range(len(row) - 1):
        one, other = places[row[i]], places[row[i + 1]]
        now = sum(_inversions(a, b) for a, b in zip(one, other))
        then = sum(_inversions(b, a) for a, b in zip(one, other))
        if then < now:
          row[i], row[i + 1] = row[i + 1], row[i]
          changed = True
      if not changed:
        break


def _inversions(first: Sequence[int], second: Sequence[int]) -> int:
  """Returns the crossings between the edges of two items, the first of which is above."""
  return sum(bisect.bisect_left(second, place) for place in first)


def _crossings(graph: _Graph, order: Order) -> int:
  """Returns the number of crossings between all neighbouring layers."""
  count = 0
  for row, following in zip(order, order[1:]):
    at = {item: place for place, item in enumerate(following)}
    seen: list[int] = []
    for item in row:
      ends = sorted(at[other] for other in graph.above[item])
      count += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
      for end in ends:
        bisect.insort(seen, end)
  return count


def _placed(
  graph: _Graph, order: Order, height: Mapping[bool, float]
) -> tuple[dict[Item, float], float]:
  """Returns the height of every item's centre, and where the lowest one ends."""
  sizes = {item: height[isinstance(item, tuple)] for row in order for item in row}
  offsets: dict[Item, float] = {}
  for row in order:
    total = 0.0
    for item in row:
      offsets[item] = total + sizes[item] / 2
      total += sizes[item]
  tallest = max(sum(sizes[item] for item in row) for row in order)
  centres = {
    item: offsets[item] + (tallest - sum(sizes[other] for other in row)) / 2
    for row in order
    for item in row
  }
  for sweep in range(_STRAIGHTENING):
    for row in order if sweep % 2 == 0 else reversed(order):
      _straighten(graph, row, centres, offsets)
  top = min(centres[item] - sizes[item] / 2 for item in centres)
  bottom = max(centres[item] + sizes[item] / 2 for item in centres)
  return {item: centre - top for item, centre in centres.items()}, bottom - top


def _straighten(
  graph: _Graph, row: list[Item], centres: dict[Item, float], offsets: Mapping[Item, float]
) -> None:
  """Moves the items of a layer as near to their neighbours as the order allows."""
  wanted, pulls = [], []
  for item in row:
    near = [(other, _pull(item, other)) for other in graph.below[item] + graph.above[item]]
    pull = sum(weight for _, weight in near)
    mean = sum(weight * centres[other] for other, weight in near) / pull if near else centres[item]
    wanted.append(mean - offsets[item])
    pulls.append(pull or 1.0)
  for item, place in zip(row, isotonic(wanted, pulls), strict=True):
    centres[item] = place + offsets[item]


def _pull(one: Item, other: Item) -> float:
  lanes = isinstance(one, tuple) + isinstance(other, tuple)
  return float(_LANE_PULL ** (lanes / 2))


def isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
  """Returns the nondecreasing numbers that are closest to the given ones in the weighted square.

  Neighbours that are out of order are pooled into their mean until none are (Barlow et al., 1972).
  """
  pools: list[tuple[float, float, int]] = []  # Mean, weight, count.
  for value, weight in zip(values, weights, strict=True):
    pools.append((value, weight, 1))
    while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
      (last, heavy, many), (mean, weight_, count) = pools.pop(), pools.pop()
      total = heavy + weight_
      pools.append(((last * heavy + mean * weight_) / total, total, count + many))
  return [mean for mean, _, count in pools for _ in range(count)]

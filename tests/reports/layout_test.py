"""Places of layered graphs: few crossings, straight long edges, nothing on top of each other."""

import itertools

import numpy as np
import pytest

from official.reports import layout

LAYERS = [["a", "b"], ["c", "d"], ["e"]]


def test_two_crossed_edges_are_uncrossed():
  placed = layout.layered(LAYERS, [("a", "d"), ("b", "c"), ("c", "e"), ("d", "e")])
  assert placed.crossings == 0
  assert (placed.heights["a"] < placed.heights["b"]) == (placed.heights["d"] < placed.heights["c"])


def test_a_long_edge_passes_beside_the_nodes_of_the_layer_between():
  placed = layout.layered([["a"], ["b"], ["c"]], [("a", "b"), ("b", "c"), ("a", "c")])
  [passing] = placed.lanes["a", "c"]
  assert abs(passing - placed.heights["b"]) >= (1 + 0.25) / 2 - 1e-9
  assert placed.lanes["a", "b"] == ()


def test_every_crossing_that_must_be_is_counted():
  complete = list(itertools.product("ab", "cd"))
  placed = layout.layered(LAYERS, [*complete, ("c", "e"), ("d", "e")])
  assert placed.crossings == 1


@pytest.mark.parametrize("seed", range(3))
def test_nodes_of_a_layer_keep_their_distance_and_stay_inside(seed):
  rng = np.random.default_rng(seed)
  layers = [[f"{layer}_{n}" for n in range(rng.integers(1, 8))] for layer in range(5)]
  edges = [
    (source, target)
    for low, high in itertools.combinations(range(5), 2)
    for source, target in itertools.product(layers[low], layers[high])
    if rng.random() < 0.2
  ]
  placed = layout.layered(layers, edges)
  for row in placed.layers:
    heights = [placed.heights[name] for name in row]
    assert all(below - above >= 1 - 1e-9 for above, below in zip(heights, heights[1:]))
    assert min(heights) >= 0.5 - 1e-9 and max(heights) <= placed.extent - 0.5 + 1e-9
  assert placed == layout.layered(layers, list(reversed(edges)))


def test_pooling_is_the_closest_order():
  assert layout.isotonic([1, 3, 2, 4], [1, 1, 1, 1]) == [1, 2.5, 2.5, 4]
  assert layout.isotonic([4, 0], [3, 1]) == [3, 3]

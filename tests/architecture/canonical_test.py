"""The canonical form: equal for equal networks, and for no others."""

import dataclasses
import itertools
import random
import time

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from official.architecture import canonical
from official.architecture import kinds
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.random_generation import random_architecture
from official.architecture.space import load_space

SEEDS = st.integers(0, 2**32 - 1)
SPACES = st.sampled_from(["paper", "patent", "small"])


def renamed(architecture, rng):
  """Returns the same network with other names, which sort in another order."""
  names = [f"b{number}" for number in range(len(architecture.blocks))]
  rng.shuffle(names)
  new = dict(zip([block.id for block in architecture.blocks], names, strict=True))
  return Architecture(
    tuple(dataclasses.replace(block, id=new[block.id]) for block in architecture.blocks),
    tuple(Connection(new[c.source], new[c.target]) for c in architecture.connections),
  )


def layers(sizes, edges):
  """Returns blocks that are all alike, level by level, with edges between their numbers."""
  blocks = []
  for level, size in enumerate(sizes):
    for _ in range(size):
      what = (
        {"kind": "basic_2plus1d"}
        if level
        else {"kind": "stem_2plus1d", "streams": ("rgb",), "spatial_stride": 2}
      )
      blocks.append(Block(id=f"b{len(blocks):03d}", level=level, channels=8, **what))
  return Architecture(
    tuple(blocks), tuple(Connection(f"b{source:03d}", f"b{target:03d}") for source, target in edges)
  )


def form(architecture):
  return str(canonical.canonical(architecture))


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(seed=SEEDS, name=SPACES)
def test_other_names_and_another_order_change_nothing(seed, name):
  architecture = random_architecture(load_space(name), np.random.default_rng(seed))
  again = renamed(architecture, random.Random(seed))
  assert canonical.canonical(again) == canonical.canonical(architecture)
  assert canonical.digest(again) == canonical.digest(architecture)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
  seed=SEEDS,
  name=SPACES,
  field=st.sampled_from(
    [
      "kind",
      "channels",
      "modules",
      "temporal_dilation",
      "spatial_stride",
      "streams",
      "intermediate_channels",
    ]
  ),
)
def test_a_change_of_a_block_changes_the_form(seed, name, field):
  architecture = random_architecture(load_space(name), np.random.default_rng(seed))
  rng = random.Random(seed)
  changed = list(architecture.blocks)
  index = rng.randrange(len(changed))
  block = changed[index]
  value = getattr(block, field)
  if field == "kind":
    value = rng.choice([kind for kind in kinds.names() if kind != value])
  elif field == "streams":
    value = ("depth",) if value else ()
  else:
    value = (value or 1) * 2
  try:
    changed[index] = dataclasses.replace(block, **{field: value})
    other = Architecture(tuple(changed), architecture.connections)
  except ArchitectureError:
    return
  hypothesis.assume(changed[index] != block)
  assert canonical.canonical(other) != canonical.canonical(architecture)
  assert canonical.digest(other) != canonical.digest(architecture)


@hypothesis.settings(max_examples=100, deadline=None)
@hypothesis.given(seed=SEEDS, name=SPACES)
def test_one_connection_more_or_less_changes_the_form(seed, name):
  architecture = random_architecture(load_space(name), np.random.default_rng(seed))
  connection = random.Random(seed).choice(architecture.possible_connections())
  changed = set(architecture.connections) ^ {connection}
  try:
    other = Architecture(architecture.blocks, tuple(changed))
  except ArchitectureError:
    return
  assert canonical.digest(other) != canonical.digest(architecture)


def same_by_brute_force(one, other, sizes):
  """Returns whether some order of the blocks within their levels turns one graph into the other."""
  bounds = [0, *itertools.accumulate(sizes)]
  levels = [range(first, last) for first, last in itertools.pairwise(bounds)]
  for orders in itertools.product(*map(itertools.permutations, levels)):
    place = [number for order in orders for number in order]
    if {(place[source], place[target]) for source, target in one} == set(other):
      return True
  return False


def some_graph(sizes, rng):
  level = [number for number, size in enumerate(sizes) for _ in range(size)]
  possible = [(s, t) for s in range(len(level)) for t in range(len(level)) if level[s] < level[t]]
  while True:
    edges = [edge for edge in possible if rng.random() < 0.55]
    try:
      return edges, layers(sizes, edges)
    except ArchitectureError:
      continue


@pytest.mark.parametrize("sizes", [(2, 2, 1), (2, 2, 2), (3, 3), (1, 3, 2), (4, 3)])
def test_forms_are_equal_where_brute_force_finds_the_same_graph(sizes):
  rng = random.Random(str(sizes))
  outcomes = set()
  for _ in range(150):
    (one, first), (other, second) = some_graph(sizes, rng), some_graph(sizes, rng)
    same = same_by_brute_force(one, other, sizes)
    assert (form(first) == form(second)) == same
    outcomes.add(same)
  assert outcomes == {True, False}


def ring(length, start=0, top=None):
  """Edges of a ring of `length` sources and `length` targets, each joined with two."""
  top = length if top is None else top
  return [
    (start + number, top + (number + step) % length) for number in range(length) for step in (0, 1)
  ]


def test_rings_that_refinement_cannot_tell_apart_have_different_forms():
  # One ring of six and two of three: every block has two neighbours of one kind.
  one = layers((6, 6), ring(6))
  two = layers((6, 6), ring(3, 0, 6) + ring(3, 3, 9))
  assert form(one) != form(two)
  assert form(renamed(two, random.Random(1))) == form(two)


@pytest.mark.parametrize(
  "edges",
  [
    [(s, 20 + t) for s in range(20) for t in range(20) if s != t],
    [(s, 20 + s) for s in range(20)],
    [(s, 20 + t) for s in range(20) for t in range(20)],
    ring(20),
    [edge for start in range(0, 20, 4) for edge in ring(4, start, 20 + start)],
  ],
  ids=["all but a matching", "a matching", "all", "a ring", "five rings"],
)
def test_forty_blocks_that_are_all_alike_are_no_trouble(edges):
  architecture = layers((20, 20), edges)
  begin = time.process_time()
  assert form(renamed(architecture, random.Random(2))) == form(architecture)
  assert time.process_time() - begin < 20  # Without the use of symmetries, years.


def test_dilations_beyond_the_clip_count_as_one():
  architecture = random_architecture(load_space("small"), np.random.default_rng(0))

  def with_dilation(r):
    return Architecture(
      (
        *architecture.blocks[:-1],
        dataclasses.replace(architecture.blocks[-1], temporal_dilation=r),
      ),
      architecture.connections,
    )

  assert canonical.digest(with_dilation(8), 8) == canonical.digest(with_dilation(16), 8)
  assert canonical.digest(with_dilation(4), 8) != canonical.digest(with_dilation(8), 8)
  assert canonical.digest(with_dilation(8)) != canonical.digest(with_dilation(16))


def test_the_digest_is_recorded_in_files_and_never_changes(tiny):
  assert canonical.digest(tiny) == "ae90adc7bcf947e2967f02d65418e60c"

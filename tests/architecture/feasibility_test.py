"""Bounds of a space."""

import dataclasses

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from official.architecture import cost
from official.architecture import feasibility
from official.architecture.mutation import mutate
from official.architecture.random_generation import found
from official.architecture.space import load_space

CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)


@pytest.mark.parametrize(
  "bounds, expected",
  [
    ({"min_depth": 3}, ("min_depth", "depth 2, min_depth is 3")),
    ({"max_stride": 4}, ("max_stride", "spatial stride 8, max_stride is 4")),
    ({"max_params": 5_500}, ("max_params", "5550 parameters, max_params is 5500")),
    ({"min_params": 5_600}, ("min_params", "5550 parameters, min_params is 5600")),
    ({"max_flops": 10**6}, ("max_flops", "9584832 FLOPs a clip, max_flops is 1000000")),
    ({"max_params": 5_550, "min_params": 5_550, "max_flops": 9_584_832, "max_stride": 8}, None),
  ],
)
def test_the_broken_bound_is_named(tiny, tiny_space, bounds, expected):
  space = dataclasses.replace(tiny_space, **bounds)
  assert feasibility.objection(space, tiny, CLIP) == expected


def test_budgets_need_a_clip(tiny, tiny_space):
  with pytest.raises(ValueError, match="search space 'tiny' bounds parameters or FLOPs: pass the"):
    feasibility.objection(dataclasses.replace(tiny_space, max_params=1), tiny, None)


@hypothesis.settings(max_examples=250)
@hypothesis.given(
  seed=st.integers(0, 2**32 - 1),
  least=st.floats(0.5, 0.8),
  most=st.floats(1.2, 2.0),
  most_flops=st.floats(1.2, 2.0),
)
def test_children_keep_the_budgets(seed, least, most, most_flops):
  free, rng = load_space("small"), np.random.default_rng(seed)
  parent = found(free, rng).architecture
  params, flops = size(parent)
  space = dataclasses.replace(
    free,
    min_params=int(params * least),
    max_params=int(params * most),
    max_flops=int(flops * most_flops),
  )
  for _ in range(4):
    weights = {connection: rng.random() for connection in parent.connections}
    parent = mutate(parent, weights, space, rng, clip=CLIP).architecture
    params, flops = size(parent)
    assert space.min_params <= params <= space.max_params
    assert flops <= space.max_flops


@hypothesis.settings(max_examples=50)
@hypothesis.given(seed=st.integers(0, 2**32 - 1))
def test_random_architectures_keep_the_budgets(seed):
  space = dataclasses.replace(
    load_space("small"), min_params=120_000, max_params=150_000, max_flops=80_000_000
  )
  params, flops = size(found(space, np.random.default_rng(seed), clip=CLIP).architecture)
  assert 120_000 <= params <= 150_000
  assert flops <= 80_000_000


def size(architecture):
  """Parameters and FLOPs of a network for CLIP."""
  return (
    cost.parameters(architecture, CLIP.streams, CLIP.num_classes),
    cost.flops(architecture, CLIP),
  )


def test_what_is_over_budget_is_drawn_again():
  space = dataclasses.replace(
    load_space("small"), min_params=120_000, max_params=150_000, max_flops=80_000_000
  )
  rng = np.random.default_rng(0)
  founder = found(space, rng, clip=CLIP)
  attempts = [
    mutate(
      founder.architecture,
      dict.fromkeys(founder.architecture.connections, 0.4),
      space,
      rng,
      clip=CLIP,
    ).attempts
    for _ in range(20)
  ]
  assert sum(attempts) > 20


def test_a_space_without_any_architecture_says_why(monkeypatch):
  monkeypatch.setattr(feasibility, "MAX_ATTEMPTS", 20)
  space = dataclasses.replace(load_space("small"), max_params=1000)
  with pytest.raises(
    feasibility.NothingFeasible,
    match=(
      "^none of 20 draws fits search space 'small': ruled out 19 by max_params, 1 by min_depth; "
      r"the last had 1\d{5} parameters, max_params is 1000$"
    ),
  ):
    found(space, np.random.default_rng(8), clip=CLIP)

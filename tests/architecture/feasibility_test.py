"""Bounds of a space."""

import dataclasses

import numpy as np
import pytest

from official.architecture import cost
from official.architecture import feasibility
from official.architecture.mutation import mutate
from official.architecture.random_generation import found
from official.architecture.space import load_space

CLIP = cost.Clip(streams={"rgb": 3, "flow": 2}, num_frames=8, height=32, width=32, num_classes=6)


@pytest.mark.parametrize("bounds, expected", [
    ({"min_depth": 3}, ("min_depth", "depth 2, min_depth is 3")),
    ({"max_stride": 4}, ("max_stride", "spatial stride 8, max_stride is 4")),
    ({"max_params": 5_500}, ("max_params", "5550 parameters, max_params is 5500")),
    ({"min_params": 5_600}, ("min_params", "5550 parameters, min_params is 5600")),
    ({"max_flops": 10**6}, ("max_flops", "9584832 FLOPs a clip, max_flops is 1000000")),
    ({"max_params": 5_550, "min_params": 5_550, "max_flops": 9_584_832, "max_stride": 8}, None),
])
def test_the_broken_bound_is_named(tiny, tiny_space, bounds, expected):
  space = dataclasses.replace(tiny_space, **bounds)
  assert feasibility.objection(space, tiny, CLIP) == expected


def test_budgets_need_a_clip(tiny, tiny_space):
  with pytest.raises(ValueError, match="search space 'tiny' bounds parameters or FLOPs: pass the"):
    feasibility.objection(dataclasses.replace(tiny_space, max_params=1), tiny, None)


def test_random_architectures_and_children_keep_the_budgets():
  space = dataclasses.replace(
      load_space("small"), min_params=120_000, max_params=150_000, max_flops=80_000_000)
  rng = np.random.default_rng(0)
  attempts = 0
  for _ in range(20):
    founder = found(space, rng, clip=CLIP)
    weights = {c: rng.random() for c in founder.architecture.connections}
    child = mutate(founder.architecture, weights, space, rng, clip=CLIP)
    attempts += founder.attempts + child.attempts
    for drawn in (founder, child):
      assert 120_000 <= cost.parameters(drawn.architecture, CLIP.streams, 6) <= 150_000
      assert cost.flops(drawn.architecture, CLIP) <= 80_000_000
  assert attempts > 40


def test_a_space_without_any_architecture_says_why(monkeypatch):
  monkeypatch.setattr(feasibility, "MAX_ATTEMPTS", 20)
  space = dataclasses.replace(load_space("small"), max_params=1000)
  with pytest.raises(feasibility.NothingFeasible, match=(
      "^none of 20 draws fits search space 'small': ruled out 19 by max_params, 1 by min_depth; "
      r"the last had 1\d{5} parameters, max_params is 1000$")):
    found(space, np.random.default_rng(1), clip=CLIP)

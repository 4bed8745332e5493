"""The values with which a child begins, for any parent and any child of it: arrays, no network.

The shapes of the variables are those of variable_shapes.py.
"""

import dataclasses
import functools

import hypothesis
from hypothesis import strategies as st
import numpy as np
import pytest

from official.architecture import lineage
from official.architecture import operators
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.mutation import mutate
from official.architecture.operators import Operator
from official.architecture.random_generation import random_architecture
from official.architecture.space import SearchSpace
from official.architecture.space import load_space
from official.training import inherited_values
from tests.training import variable_shapes as shapes


def reads_input(name: str) -> bool:
  return name.endswith("kernel") and any(
    first in name for first in ("module_0/shortcut", "module_0/reduce", "module_0/space")
  )


def first_layer(block: Block, name: str) -> bool:
  if block.streams:
    return name == "space/convolution/kernel"
  return reads_input(name) and not ("bottleneck" in block.kind and "module_0/space" in name)


def inherited(parent, child, applied, before, fresh):
  """Returns what a child's variables begin with, by name; None for those that begin at random."""
  made = lineage.parts(parent, applied)
  heritage = inherited_values.Heritage(parent, child, made, before)
  found = {}
  for name, value in fresh.items():
    owner, rest = name.split("/", 1)
    if owner.startswith("block_"):
      block = child.block(owner.removeprefix("block_"))
      found[name] = heritage.of_block(block.id, rest, value, reads_input=first_layer(block, rest))
    elif owner.startswith("combine_"):
      found[name] = heritage.of_projection(owner.removeprefix("combine_"), value.shape[2], value)
    else:
      found[name] = (
        heritage.of_head(value) if rest == "dense/kernel" else heritage.of_head_bias(value)
      )
  return found


@pytest.fixture(scope="module")
def mixed_space() -> SearchSpace:
  """A space of two kinds of blocks, with channels to draw and modules with layers in the middle."""
  level = {
    "kinds": ["basic_2plus1d", "interleaved_bottleneck"],
    "blocks": 2,
    "channels": [4, 8],
    "min_channels": 2,
    "modules": 2,
    "spatial_strides": [1, 2],
    "intermediate_channels": 6,
  }
  rgb = {"kind": "stem_2plus1d", "streams": ["rgb"], "channels": 6, "spatial_stride": 2}
  flow = {"kind": "stem_2d", "streams": ["flow"], "channels": 8, "spatial_stride": 4}
  return SearchSpace.from_json(
    {
      "name": "mixed",
      "stems": [[rgb], [rgb, flow]],
      "levels": [level, {**level, "modules": 1}, level],
      "temporal_dilations": [1, 2, 4],
      "initial_splits": [0, 2],
      "max_operators": 4,
      "min_depth": 2,
    }
  )


@dataclasses.dataclass
class Case:
  """A parent, a child of it, and the values of their variables."""

  parent: Architecture
  child: Architecture
  applied: tuple[Operator, ...]
  before: dict[str, np.ndarray]
  fresh: dict[str, np.ndarray]

  @functools.cached_property
  def made(self):
    return lineage.parts(self.parent, self.applied)

  @functools.cached_property
  def inherited(self):
    return inherited(self.parent, self.child, self.applied, self.before, self.fresh)


def draw(mixed_space, seed: int, name: str) -> Case:
  """Draws a case."""
  space = mixed_space if name == "mixed" else load_space(name)
  rng = np.random.default_rng(seed)
  parent = random_architecture(space, rng)
  weights = dict(zip(parent.connections, rng.random(len(parent.connections)).tolist()))
  child = mutate(parent, weights, space, rng, max_operators=5)
  return Case(
    parent,
    child.architecture,
    child.operators,
    shapes.variables(parent, rng),
    shapes.variables(child.architecture, rng),
  )


CASES = {"seed": st.integers(0, 2**32 - 1), "name": st.sampled_from(["small", "mixed"])}


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(**CASES)
def test_every_value_is_of_the_right_shape_and_what_is_not_known_stays_random(
  mixed_space, seed, name
):
  case = draw(mixed_space, seed, name)
  for variable, found in case.inherited.items():
    if found is not None:
      fresh = case.fresh[variable]
      assert found.value.shape == found.known.shape == fresh.shape
      assert found.value.dtype == np.float32
      np.testing.assert_array_equal(found.value[~found.known], fresh[~found.known])


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(**CASES)
def test_what_lies_inside_a_block_is_the_parents_of_its_part_or_zero_between_parts(
  mixed_space, seed, name
):
  case = draw(mixed_space, seed, name)
  made = case.made
  for block in case.child.blocks:
    for rest, _ in shapes.block_shapes(case.child, block):
      if first_layer(block, rest) and not block.streams:
        continue
      found = case.inherited[f"block_{block.id}/{rest}"]
      assert found is not None and found.known.all()
      if len(made[block.id]) == 1:
        part = made[block.id][0]
        whole = case.before[f"block_{part.block}/{rest}"]
        axes = range(max(0, whole.ndim - 2), whole.ndim)
        of = [
          _range(case, part, block, whole.shape[axis], found.value.shape[axis]) for axis in axes
        ]
        np.testing.assert_array_equal(found.value, whole[(..., *of)])
      else:
        parents = {0.0}
        for part in made[block.id]:
          parents |= set(case.before[f"block_{part.block}/{rest}"].flat)
        assert set(found.value.flat) <= parents


def _range(case, part, block, there, here):
  """Returns the range of a layer's channels that belongs to the only part of a block."""
  whole = case.parent.block(part.block).channels
  if there * block.channels != here * whole:
    return slice(None)  # A layer in the middle, of as many channels in every block.
  return slice(part.start * there // whole, part.stop * there // whole)


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(**CASES)
def test_a_child_that_equals_its_parent_but_for_dilations_begins_with_all_of_it(
  mixed_space, seed, name
):
  case = draw(mixed_space, seed, name)
  child = Architecture(
    tuple(dataclasses.replace(block, temporal_dilation=3) for block in case.parent.blocks),
    case.parent.connections,
  )
  found = inherited(
    case.parent, child, (), case.before, shapes.variables(child, np.random.default_rng(1))
  )
  assert set(found) == set(case.before)
  for variable, value in case.before.items():
    np.testing.assert_array_equal(found[variable].value, value, err_msg=variable)


def response(architecture, values, block, source, kernel):
  """Returns what a layer makes of a constant picture from one input: [channels, filters].

  Args:
    architecture: Any.
    values: Its variables.
    block: Id of the block.
    source: Id of one of its inputs.
    kernel: Name of the kernel within the block.
  """
  largest = max(lineage.widths(architecture, block))
  channels = lineage.width(architecture, source)
  into = (
    np.eye(largest)
    if channels == largest
    else values[f"combine_{block}/projection_of_{channels}/kernel"][0, 0]
  )
  whole = values[f"block_{block}/{kernel}"]
  return into @ whole.reshape(-1, *whole.shape[-2:]).sum(0)


def after(case: Case) -> dict[str, np.ndarray]:
  """Returns the variables of the child, inherited or random."""
  return {
    name: case.fresh[name] if found is None else found.value
    for name, found in case.inherited.items()
  }


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(**CASES)
def test_an_input_that_is_all_its_group_is_seen_as_the_parent_saw_it(mixed_space, seed, name):
  """Where the parent's largest input is still there, a block answers each input as before."""
  case = draw(mixed_space, seed, name)
  values, made = after(case), case.made
  for block in case.child.blocks:
    if not block.level or len(made[block.id]) > 1:
      continue
    part = made[block.id][0]
    groups = lineage.groups(case.parent, case.child, made, block.id, part.block)
    there = max(lineage.widths(case.parent, part.block))
    if groups[-1].maps != ((lineage.Rows(there, 0, there),),):
      continue
    by_channels = {group.channels: group for group in groups}
    for kernel, _ in shapes.block_shapes(case.child, block):
      if not first_layer(block, kernel):
        continue
      for source in case.child.inputs(block.id):
        group = by_channels[lineage.width(case.child, source)]
        if len(group.maps) != 1 or len(made[source]) != 1 or group.maps[0][0].channels is None:
          continue
        one = made[source][0]
        factor = lineage.expansion(case.parent, one.block)
        if one.block not in case.parent.inputs(part.block):
          continue
        if group.maps[0][0] != lineage.Rows(
          lineage.width(case.parent, one.block), factor * one.start, factor * one.stop
        ):
          continue
        answer = response(case.parent, case.before, part.block, one.block, kernel)
        filters = values[f"block_{block.id}/{kernel}"].shape[-1]
        of = _range(case, part, block, answer.shape[1], filters)
        np.testing.assert_allclose(
          response(case.child, values, block.id, source, kernel),
          answer[factor * one.start : factor * one.stop, of],
          rtol=1e-4,
          atol=1e-4,
        )


def network(channels: dict[str, int], *targets: str) -> Architecture:
  """Returns stems and blocks on level 1 that all feed one block on level 2.

  Args:
    channels: Channels of the blocks on level 1.
    targets: Ids of blocks on level 2 that receive all of them.
  """
  stem = Block(id="rgb_0", level=0, kind="stem_2d", channels=4, spatial_stride=2, streams=("rgb",))
  blocks = [
    Block(id=name, level=1, kind="basic_2plus1d", channels=count)
    for name, count in channels.items()
  ]
  last = [Block(id=name, level=2, kind="basic_2plus1d", channels=8) for name in targets]
  return Architecture(
    (stem, *blocks, *last),
    (
      *(Connection("rgb_0", block.id) for block in blocks),
      *(Connection(block.id, target.id) for block in blocks for target in last),
    ),
  )


def case_of(parent: Architecture, *applied: Operator) -> Case:
  child = parent
  for operator in applied:
    child = operators.apply(operator, child)
  rng = np.random.default_rng(0)
  return Case(parent, child, applied, shapes.variables(parent, rng), shapes.variables(child, rng))


MERGE = Operator(name="merge", blocks=("a", "b"), results=("a",), temporal_dilation=1)
SPLIT = Operator(name="split", blocks=("a",), results=("a", "c"), temporal_dilation=1)
SPACE = "block_z/module_0/space/convolution/kernel"


def test_who_received_two_blocks_receives_their_merger_with_the_same_kernel_twice():
  case = case_of(network({"a": 4, "b": 4}, "z"), MERGE)
  kernel = case.before[SPACE]
  np.testing.assert_array_equal(
    case.inherited[SPACE].value, np.concatenate([kernel, kernel], axis=-2)
  )


def test_a_merger_of_different_channels_takes_the_projection_of_the_fewer_in():
  case = case_of(network({"a": 8, "b": 4}, "z"), MERGE)
  kernel = case.before[SPACE]
  projection = case.before["combine_z/projection_of_4/kernel"][0, 0]
  np.testing.assert_allclose(
    case.inherited[SPACE].value,
    np.concatenate([kernel, np.einsum("ij,abjk->abik", projection, kernel)], axis=-2),
    rtol=1e-5,
  )


def test_who_received_a_block_receives_its_halves_with_the_mean_of_two_kernels():
  case = case_of(network({"a": 8}, "z"), SPLIT)
  kernel = case.before[SPACE]
  np.testing.assert_allclose(
    case.inherited[SPACE].value, (kernel[..., :4, :] + kernel[..., 4:, :]) / 2, rtol=1e-6
  )


def test_halves_of_an_input_beside_one_of_its_size_get_the_mean_of_its_halves_as_projection():
  case = case_of(network({"a": 8, "b": 8}, "z"), SPLIT)
  np.testing.assert_array_equal(case.inherited[SPACE].value, case.before[SPACE])
  np.testing.assert_array_equal(
    case.inherited["combine_z/projection_of_4/kernel"].value[0, 0],
    np.concatenate([np.eye(4) / 2, np.eye(4) / 2], axis=1),
  )


def test_a_new_larger_input_leaves_the_others_as_they_were():
  parent = network({"a": 4, "b": 8}, "z", "y")
  parent = Architecture(parent.blocks, tuple(c for c in parent.connections if str(c) != "b->z"))
  child = network({"a": 4, "b": 8}, "z", "y")
  rng = np.random.default_rng(0)
  case = Case(parent, child, (), shapes.variables(parent, rng), shapes.variables(child, rng))
  found = case.inherited[SPACE]
  np.testing.assert_array_equal(found.value[..., :4, :], case.before[SPACE])
  np.testing.assert_array_equal(found.value[..., 4:, :], case.fresh[SPACE][..., 4:, :])
  assert found.known[..., :4, :].all() and not found.known[..., 4:, :].any()
  np.testing.assert_array_equal(
    case.inherited["combine_z/projection_of_4/kernel"].value[0, 0],
    np.concatenate([np.eye(4), np.zeros([4, 4])], axis=1),
  )


def test_without_the_largest_input_a_kernel_takes_the_projection_in():
  parent = network({"a": 4, "b": 8}, "z", "y")
  child = Architecture(parent.blocks, tuple(c for c in parent.connections if str(c) != "b->z"))
  rng = np.random.default_rng(0)
  case = Case(parent, child, (), shapes.variables(parent, rng), shapes.variables(child, rng))
  np.testing.assert_allclose(
    case.inherited[SPACE].value,
    np.einsum(
      "ij,abjk->abik", case.before["combine_z/projection_of_4/kernel"][0, 0], case.before[SPACE]
    ),
    rtol=1e-5,
  )


def test_a_block_whose_inputs_are_all_new_and_smaller_begins_its_first_layer_at_random():
  parent = network({"a": 4, "b": 8}, "z", "y")
  only = {"b->y", "a->z"}
  child = Architecture(parent.blocks, tuple(c for c in parent.connections if str(c) not in only))
  other = Architecture(
    parent.blocks,
    tuple(c for c in parent.connections if str(c) not in {"b->z", "a->y"}),
  )
  rng = np.random.default_rng(0)
  case = Case(child, other, (), shapes.variables(child, rng), shapes.variables(other, rng))
  assert case.inherited[SPACE] is None
  assert case.inherited["block_z/module_0/time/convolution/kernel"].known.all()


def test_a_head_averages_what_it_averaged_when_last_blocks_merge_and_split():
  parent = network({"a": 4}, "z", "y")
  merge = Operator(name="merge", blocks=("z", "y"), results=("z",), temporal_dilation=1)
  merged = case_of(parent, merge)
  kernel = merged.before["head/dense/kernel"]
  np.testing.assert_array_equal(
    merged.inherited["head/dense/kernel"].value, np.concatenate([kernel, kernel]) / 2
  )
  split = case_of(
    network({"a": 4}, "z"),
    Operator(name="split", blocks=("z",), results=("z", "x"), temporal_dilation=1),
  )
  kernel = split.before["head/dense/kernel"]
  np.testing.assert_allclose(
    split.inherited["head/dense/kernel"].value, kernel[:4] + kernel[4:], rtol=1e-6
  )

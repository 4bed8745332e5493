"""Guided mutation: a parent and the results of its training make a child.

1. Connections. The guidance says which of the parent's connections the child keeps; a block's only
   input always stays.
2. Repair. A block left without input gets its strongest pruned input back, then a block left
   without output its strongest pruned output. Where no draw could make the child as deep as the
   space demands, or where many draws did not, the strongest pruned connections that do come back,
   as few of them as will do. Nothing else that was pruned returns.
3. New connections. The child gains as many as it lost without getting them back, on average, so
   that it is as dense as its parent (balance.py): each possible connection absent from the parent
   appears with probability

       max(0, len(pruned) - len(repairs)) / len(possible - parent)

   and 3/4 at most. (AssembleNet, ICLR 2020, eq. 2; WO2020237168A1, claims 9-13.)
4. Operators. From none to `max_operators` of split, merge, new temporal dilation (operators.py).
   They depend on blocks alone and are drawn first, because the balance counts what they do.

Too shallow, over budget, or known already: all of it is drawn again. A `Child` records each step,
so that whoever has the parent's files can work out the same child.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

import numpy as np

from official.architecture import balance
from official.architecture import cost
from official.architecture import feasibility
from official.architecture import guidance as guidances
from official.architecture import operators
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.architecture import depth
from official.architecture.guidance import Facts
from official.architecture.guidance import Selection
from official.architecture.guidance import Settings
from official.architecture.operators import Operator
from official.architecture.space import SearchSpace


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repair:
  """A pruned connection that came back because a block lacked it.

  Attributes:
    connection: What came back.
    block: The block that had nothing left, or at which the child was too shallow.
    lacked: "input", "output" or "depth".
  """

  connection: Connection
  block: str
  lacked: str

  def to_json(self) -> dict[str, Any]:
    """Returns `{"source", "target", "block", "lacked"}`."""
    return {
      **serialization.connection_to_json(self.connection),
      "block": self.block,
      "lacked": self.lacked,
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Child:
  """A child and how it came about; connections are named by the parent's blocks, before operators.

  Attributes:
    architecture: The child's architecture.
    guidance: Name of the guidance.
    scores: The guidance's score of every connection of the parent (their weights, say).
    thresholds: What each score was held against; empty if the guidance has none.
    kept: Connections of the parent that stayed.
    pruned: Connections of the parent that went, those that repairs brought back included.
    added: Connections that the parent did not have.
    repairs: Pruned connections that came back.
    operators: Operators applied to the architecture of kept, added and repaired connections.
    attempts: Draws it took, this one included.
  """

  architecture: Architecture
  guidance: str
  scores: Mapping[Connection, float]
  thresholds: Mapping[Connection, float]
  kept: tuple[Connection, ...]
  pruned: tuple[Connection, ...]
  added: tuple[Connection, ...]
  repairs: tuple[Repair, ...]
  operators: tuple[Operator, ...]
  attempts: int

  def to_json(self) -> dict[str, Any]:
    """Returns plain data for candidate.json."""
    return {
      "architecture": serialization.to_json(self.architecture),
      "guidance": self.guidance,
      "scores": _values_to_json(self.scores),
      "thresholds": _values_to_json(self.thresholds),
      "kept": [serialization.connection_to_json(c) for c in self.kept],
      "pruned": [serialization.connection_to_json(c) for c in self.pruned],
      "added": [serialization.connection_to_json(c) for c in self.added],
      "repairs": [repair.to_json() for repair in self.repairs],
      "operators": [operator.to_json() for operator in self.operators],
      "attempts": self.attempts,
    }


def mutate(
  parent: Architecture,
  weights: Mapping[Connection, float],
  space: SearchSpace,
  rng: np.random.Generator,
  *,
  guidance: str = "connection_weights",
  weight_threshold: float | str = Settings.weight_threshold,
  max_operators: int | None = None,
  prune_fraction: float = Settings.prune_fraction,
  sensitivity_drop: str = Settings.sensitivity_drop,
  sensitivities: Mapping[Connection, float] | None = None,
  clip: cost.Clip | None = None,
  is_new: Callable[[Architecture], bool] | None = None,
) -> Child:
  """Draws a child of a parent.

  Args:
    parent: The parent's architecture.
    weights: Its connection weights after training, after the sigmoid.
    space: What operators may do, and the bounds that the child must keep.
    rng: The only source of randomness.
    guidance: Name of the guidance, see guidance/.
    weight_threshold: B of the guidance by connection weights, "uniform", or "uniform:LOW:HIGH".
    max_operators: The most operators to apply; the space's number if None.
    prune_fraction: Share of connections that guidances without a threshold drop.
    sensitivity_drop: Which the guidance by sensitivity drops: "weakest" or "strongest".
    sensitivities: What cutting each connection would cost, for guidances that look at it.
    clip: What the network is built for; needed if the space bounds parameters or FLOPs.
    is_new: Whether an architecture may be the child; all may if None.

  Raises:
    feasibility.NothingFeasible: if no child keeps the bounds of the space, as far as tried.
  """
  select = guidances.get(guidance)
  settings = Settings(
    weight_threshold=weight_threshold,
    prune_fraction=prune_fraction,
    sensitivity_drop=sensitivity_drop,
  )
  facts = Facts(architecture=parent, weights=weights, sensitivities=sensitivities or {})
  most = space.max_operators if max_operators is None else max_operators

  def draw(shallow: int) -> tuple[Architecture, dict[str, Any]]:
    deep = shallow >= feasibility.PATIENCE
    return _draw(facts, select(facts, settings, rng), space, rng, most, always_deep=deep)

  child, steps, attempts = feasibility.first_feasible(draw, space, clip, is_new)
  return Child(architecture=child, guidance=guidance, attempts=attempts, **steps)


def _draw(
  facts: Facts,
  selection: Selection,
  space: SearchSpace,
  rng: np.random.Generator,
  max_operators: int,
  *,
  always_deep: bool,
) -> tuple[Architecture, dict[str, Any]]:
  """Returns a child, which may be infeasible, and the steps that led to it, as of `Child`."""
  parent = facts.architecture
  applied, blocks = _draw_operators(parent, space, rng, max_operators)
  changes = _prune(facts, selection, space.min_depth, always_deep=always_deep)
  back = tuple(repair.connection for repair in changes["repairs"])
  absent = _absent(parent)
  there = changes["kept"] + back
  added = balance.draw(absent, balance.probability(parent, there, absent, applied, blocks), rng)
  child = Architecture(parent.blocks, there + added)
  for operator in applied:
    child = operators.apply(operator, child)
  return child, {
    "scores": selection.scores,
    "thresholds": selection.thresholds,
    **changes,
    "added": added,
    "operators": applied,
  }


def _absent(parent: Architecture) -> tuple[Connection, ...]:
  """Returns, sorted, the possible connections that a parent lacks."""
  present = set(parent.connections)
  return tuple(c for c in parent.possible_connections() if c not in present)


def _prune(
  facts: Facts, selection: Selection, min_depth: int, *, always_deep: bool
) -> dict[str, Any]:
  """Returns kept, pruned and repairs.

  Args:
    facts: Facts about the parent.
    selection: What the guidance decided.
    min_depth: Depth that the child must have.
    always_deep: Whether to restore the depth at once, instead of only where no new connections
      could.
  """
  parent = facts.architecture
  going = set(facts.prunable()) - set(selection.kept)
  kept = tuple(c for c in parent.connections if c not in going)
  pruned = tuple(c for c in parent.connections if c in going)
  repairs = _repair(parent, kept, pruned, selection.scores)
  there = kept + tuple(repair.connection for repair in repairs)
  can_gain = len(pruned) > len(repairs) and not always_deep
  if depth(parent.blocks, there + _absent(parent) * can_gain) < min_depth:
    repairs += _deepen(parent, there, pruned, selection.scores, min_depth)
  return {"kept": kept, "pruned": pruned, "repairs": repairs}


def _repair(
  parent: Architecture,
  connections: tuple[Connection, ...],
  pruned: tuple[Connection, ...],
  scores: Mapping[Connection, float],
) -> tuple[Repair, ...]:
  """Returns the connections to restore, inputs first, by block; ties of scores go by name."""
  targets = {connection.target for connection in connections}
  sources = {connection.source for connection in connections}
  repairs = []
  for block in parent.blocks:
    if block.level > 0 and block.id not in targets:
      strongest = max((c for c in pruned if c.target == block.id), key=scores.__getitem__)
      repairs.append(Repair(connection=strongest, block=block.id, lacked="input"))
      sources.add(strongest.source)
  for block in parent.blocks:
    if block.level < parent.last_level and block.id not in sources:
      strongest = max((c for c in pruned if c.source == block.id), key=scores.__getitem__)
      repairs.append(Repair(connection=strongest, block=block.id, lacked="output"))
  return tuple(repairs)


def _deepen(
  parent: Architecture,
  connections: tuple[Connection, ...],
  pruned: tuple[Connection, ...],
  scores: Mapping[Connection, float],
  min_depth: int,
) -> tuple[Repair, ...]:
  """Returns the connections to restore for the depth: the strongest that help, and no others."""
  strongest = sorted(set(pruned) - set(connections), key=lambda c: (-scores[c], c))
  back: list[Connection] = []
  while strongest and depth(parent.blocks, connections + tuple(back)) < min_depth:
    back.append(strongest.pop(0))
  for connection in reversed(back[:-1]):
    others = tuple(c for c in back if c != connection)
    if depth(parent.blocks, connections + others) >= min_depth:
      back.remove(connection)
  return tuple(Repair(connection=c, block=c.target, lacked="depth") for c in back)


def _draw_operators(
  parent: Architecture, space: SearchSpace, rng: np.random.Generator, most: int
) -> tuple[tuple[Operator, ...], Sequence[Block]]:
  """Returns operators, and the blocks after them; both follow from the parent's blocks alone."""
  applied = []
  for _ in range(int(rng.integers(most + 1))):
    operator = operators.draw(parent, space, rng)
    if operator is None:
      break
    applied.append(operator)
    parent = operators.apply(operator, parent)
  return tuple(applied), parent.blocks


def _values_to_json(values: Mapping[Connection, float]) -> list[dict[str, Any]]:
  return [
    {**serialization.connection_to_json(connection), "value": value}
    for connection, value in sorted(values.items())
  ]

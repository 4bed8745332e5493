"""The balance of connections: a child is as dense as its parent, on average.

Density is the share of the possible connections that are there. What was pruned and did not come
back by a repair is made up for by new connections: each possible connection that the parent lacks
appears with probability

    p = max(0, pruned - repaired) / |possible - parent|

(AssembleNet, ICLR 2020, eq. 2, where nothing is said of repairs.) Operators that follow count as
well: a merged block has all inputs and outputs of the two, which makes the graph denser, and a
split makes it denser or sparser, as the block has more or fewer connections than others. Where
there are operators, p is such that the child's expected density after them is its parent's; without
any, that is the formula above.

p is `MOST_LIKELY` at most, and at least one of several absent connections stays absent: otherwise,
where as many go as are absent, the new ones are no choice any more.
"""

import collections
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.architecture.architecture import possible_connections
from official.architecture.operators import Operator

MOST_LIKELY = 0.75
_HALVINGS = 40


def probability(
  parent: Architecture,
  there: Collection[Connection],
  absent: Sequence[Connection],
  operators: Sequence[Operator],
  blocks: Sequence[Block],
) -> float:
  """Returns the probability with which each absent connection appears.

  Args:
    parent: The parent.
    there: Its connections that were kept or came back.
    absent: Possible connections that the parent lacks.
    operators: What will be applied to the child.
    blocks: The blocks that there are after them.
  """
  if not absent:
    return 0.0
  balanced = max(0, len(parent.connections) - len(there)) / len(absent)
  if operators:
    balanced = _balanced(parent, there, absent, operators, blocks)
  return min(MOST_LIKELY, balanced)


def draw(
  absent: Sequence[Connection], probability: float, rng: np.random.Generator
) -> tuple[Connection, ...]:
  """Returns the connections that appear: never all of them if several are absent."""
  while True:
    added = tuple(c for c, drawn in zip(absent, rng.random(len(absent))) if drawn < probability)
    if len(added) < len(absent) or len(absent) < 2:
      return added


def _balanced(
  parent: Architecture,
  there: Collection[Connection],
  absent: Collection[Connection],
  operators: Sequence[Operator],
  blocks: Sequence[Block],
) -> float:
  """Returns p, from 0 to 1, by halving: the expected density grows with it."""
  there, absent = set(there), set(absent)
  origins = _origins(parent, operators)
  possible = possible_connections(blocks)
  certain = 0
  chances: collections.Counter[int] = collections.Counter()
  for connection in possible:
    images = [
      Connection(source, target)
      for source in origins[connection.source]
      for target in origins[connection.target]
    ]
    if there.intersection(images):
      certain += 1
    else:
      chances[len(absent.intersection(images))] += 1
  wanted = len(possible) * len(parent.connections) / (len(parent.connections) + len(absent))
  low, high = 0.0, 1.0
  for _ in range(_HALVINGS):
    middle = (low + high) / 2
    expected = certain + sum(
      number * (1 - (1 - middle) ** images) for images, number in chances.items()
    )
    low, high = (middle, high) if expected < wanted else (low, middle)
  return low


def _origins(parent: Architecture, operators: Sequence[Operator]) -> Mapping[str, tuple[str, ...]]:
  """Returns, for each block after the operators, the parent's blocks from which it is made."""
  origins: dict[str, tuple[str, ...]] = {block.id: (block.id,) for block in parent.blocks}
  for operator in operators:
    made_of = sorted({origin for taken in operator.blocks for origin in origins.pop(taken)})
    origins |= {result: tuple(made_of) for result in operator.results}
  return origins

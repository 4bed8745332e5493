"""Which choices go with a high fitness: candidates in groups by what their architecture is like.

A feature is a number of an architecture, such as its connections. Candidates are sorted by it and
cut into three groups of about the same size, and the mean fitness of each group is told with its
95 % interval (Student's t). It is a description and no proof: children resemble their parents, so
that a feature that a good founder happened to have is found in many of the good candidates.
"""

from collections.abc import Sequence
import dataclasses
import math
import statistics

from data_prep.common import intervals
from official.architecture.architecture import Architecture
from official.reports import facts
from official.reports import words

_GROUPS = 3
_LEAST = 3  # Candidates of a group, below which nothing is said of it.
FEATURES = (
  "blocks",
  "connections",
  "share of possible connections",
  "depth",
  "mean temporal dilation",
  "share of connections that skip levels",
)


def of(architecture: Architecture) -> dict[str, float]:
  """Returns the features of an architecture by name: FEATURES, and a share for every stream."""
  levels = {block.id: block.level for block in architecture.blocks}
  blocks = [block for block in architecture.blocks if block.level]
  connections = architecture.connections
  skipping = sum(levels[each.target] - levels[each.source] > 1 for each in connections)
  numbers = (
    len(blocks),
    len(connections),
    len(connections) / len(architecture.possible_connections()),
    architecture.depth,
    statistics.fmean(block.temporal_dilation for block in blocks),
    skipping / len(connections),
  )
  found = {name: float(number) for name, number in zip(FEATURES, numbers, strict=True)}
  read = {stem.id: stem.streams for stem in architecture.stems}
  from_stems = [each.source for each in connections if each.source in read]
  for stream in architecture.streams:
    leaving = sum(stream in read[source] for source in from_stems)
    found[f"share of stem connections from {stream}"] = leaving / max(len(from_stems), 1)
  return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
  """Candidates that are alike in a feature.

  Attributes:
    least, most: The range of the feature.
    count: How many they are.
    mean: Their mean fitness, as people know it.
    low, high: Its 95 % interval.
  """

  least: float
  most: float
  count: int
  mean: float
  low: float
  high: float


def groups(run: facts.Run) -> dict[str, tuple[Group, ...]]:
  """Returns the groups of each feature of which candidates differ, the largest difference first."""
  values: dict[str, list[tuple[float, float]]] = {}
  for number, result in run.results.items():
    architecture = run.architecture(number)
    fitness = words.fitness(run, result.fitness) if result.status == "ok" else None
    if architecture is None or fitness is None:
      continue
    numbers = of(architecture)
    for name, cost in (("parameters", result.params), ("multiply-adds", result.multiply_adds)):
      numbers |= {} if cost is None else {name: float(cost)}
    for name, value in numbers.items():
      values.setdefault(name, []).append((value, fitness))
  found = {name: _grouped(pairs) for name, pairs in values.items()}
  found = {name: each for name, each in found.items() if len(each) > 1}
  return dict(sorted(found.items(), key=lambda item: (-_difference(item[1]), item[0])))


def _difference(found: Sequence[Group]) -> float:
  """Returns how far the best and the worst group are apart, in standard errors."""
  best, worst = (choose(found, key=lambda group: group.mean) for choose in (max, min))
  return (best.mean - worst.mean) / max(best.high - best.low + worst.high - worst.low, 1e-9)


def _grouped(pairs: list[tuple[float, float]]) -> tuple[Group, ...]:
  """Returns the groups; equal values are never parted."""
  pairs = sorted(pairs)
  parts: list[list[tuple[float, float]]] = [[] for _ in range(_GROUPS)]
  first_place = {value: place for place, (value, _) in reversed(list(enumerate(pairs)))}
  for pair in pairs:
    parts[first_place[pair[0]] * _GROUPS // len(pairs)].append(pair)
  return tuple(_group(part) for part in parts if len(part) >= _LEAST)


def _group(part: list[tuple[float, float]]) -> Group:
  fitnesses = [fitness for _, fitness in part]
  mean = statistics.fmean(fitnesses)
  half = student(len(part) - 1) * statistics.stdev(fitnesses) / math.sqrt(len(part))
  return Group(
    least=part[0][0],
    most=part[-1][0],
    count=len(part),
    mean=mean,
    low=mean - half,
    high=mean + half,
  )


def student(freedom: int) -> float:
  """Returns the 0.975 quantile of Student's t, by its expansion around that of the normal.

  (Abramowitz and Stegun, 26.7.5; within 2 % from 3 degrees of freedom on.)
  """
  z = intervals.Z_95
  return (
    z
    + (z**3 + z) / (4 * freedom)
    + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
  )

"""What survives in the population: shares of streams, dilations, levels and spans over time.

A share is the mean over the members of the population: of a candidate with 20 connections, 5 of
which leave a stem of `flow`, it is 0.25 for `flow`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
import dataclasses
import itertools
import statistics

from official.architecture.architecture import Architecture
from official.reports import facts
from official.search import diversity

Counted = Callable[[Architecture], Counter[str]]
MOST_PLACES = 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shares:
  """Shares over time.

  Attributes:
    at: Finished candidates at each place.
    by_label: A share for each place, by what it is the share of; shares of a place sum to 1.
  """

  at: tuple[int, ...]
  by_label: dict[str, tuple[float, ...]]


def by_stream(architecture: Architecture) -> Counter[str]:
  """Counts the connections that leave stems, by what the stem reads."""
  read = {stem.id: "+".join(stem.streams) for stem in architecture.stems}
  return Counter(read[each.source] for each in architecture.connections if each.source in read)


def by_dilation(architecture: Architecture) -> Counter[str]:
  """Counts the blocks above the stems, by their temporal dilation."""
  return Counter(f"{each.temporal_dilation}" for each in architecture.blocks if each.level)


def by_level(architecture: Architecture) -> Counter[str]:
  """Counts the blocks above the stems, by their level."""
  return Counter(f"level {each.level}" for each in architecture.blocks if each.level)


def by_span(architecture: Architecture) -> Counter[str]:
  """Counts the connections by the levels that they climb."""
  levels = {block.id: block.level for block in architecture.blocks}
  spans = (levels[each.target] - levels[each.source] for each in architecture.connections)
  return Counter(f"{span} {'level' if span == 1 else 'levels'}" for span in spans)


def shares(run: facts.Run, counted: Counted) -> Shares:
  """Returns the shares in the living population, at places that are spread over the search."""
  places = _places(run)
  known: dict[int, dict[str, float]] = {}
  for number in {member for place in places for member in run.history.steps[place].population}:
    architecture = run.architecture(number)
    counts = counted(architecture) if architecture else Counter()
    total = sum(counts.values())
    if total:
      known[number] = {label: count / total for label, count in counts.items()}
  labels = sorted({label for found in known.values() for label in found}, key=_natural)
  at, rows = [], []
  for place in places:
    members = [known[each] for each in run.history.steps[place].population if each in known]
    if members:
      at.append(place + 1)
      rows.append([statistics.fmean(each.get(label, 0.0) for each in members) for label in labels])
  columns = zip(*rows) if rows else [()] * len(labels)
  return Shares(at=tuple(at), by_label=dict(zip(labels, columns, strict=True)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variety:
  """How dense the members of the population are, and how different from each other.

  Attributes:
    at: Finished candidates at each place.
    density: The mean share of possible connections that are there.
    diversity: The mean distance between two members (official.search.diversity).
  """

  at: tuple[int, ...]
  density: tuple[float, ...]
  diversity: tuple[float, ...]


def variety(run: facts.Run) -> Variety:
  """Returns density and diversity, at places that are spread over the search."""
  connections: dict[int, diversity.Connections] = {}
  densities: dict[int, float] = {}
  distances: dict[tuple[int, int], float] = {}
  found: list[tuple[int, float, float]] = []
  for place in _places(run):
    members = sorted(run.history.steps[place].population)
    for number in [each for each in members if each not in connections]:
      architecture = run.architecture(number)
      if architecture:
        connections[number] = diversity.connections(architecture)
        possible = len(architecture.possible_connections())
        densities[number] = len(architecture.connections) / possible
    members = [number for number in members if number in connections]
    if not members:
      continue
    pairs = list(itertools.combinations(members, 2))
    for one, other in pairs:
      if (one, other) not in distances:
        distances[one, other] = diversity.distance(connections[one], connections[other])
    mean = statistics.fmean(distances[pair] for pair in pairs) if pairs else 0.0
    found.append((place + 1, statistics.fmean(densities[each] for each in members), mean))
  return Variety(
    at=tuple(each[0] for each in found),
    density=tuple(each[1] for each in found),
    diversity=tuple(each[2] for each in found),
  )


def _places(run: facts.Run) -> list[int]:
  """Returns the indices of at most MOST_PLACES steps since the population is whole, the last one
  included."""
  steps = run.history.steps
  whole = min(
    run.settings.population_size if run.settings else 1,
    max((len(step.population) for step in steps), default=0),
  )
  begin = next((place for place, step in enumerate(steps) if len(step.population) >= whole), 0)
  alive = [place for place in range(begin, len(steps)) if steps[place].population]
  if len(alive) <= MOST_PLACES:
    return alive
  last = len(alive) - 1
  return [alive[round(last * place / (MOST_PLACES - 1))] for place in range(MOST_PLACES)]


def _natural(label: str) -> tuple[int, str]:
  """Sorts labels by the number in them, so that 16 comes after 4."""
  digits = "".join(character for character in label if character.isdigit())
  return (int(digits) if digits else 0, label)


def rows(found: Shares) -> Sequence[tuple[str, float, float, float]]:
  """Returns (label, share at first, share at last, change)."""
  return [
    (label, values[0], values[-1], values[-1] - values[0])
    for label, values in found.by_label.items()
    if values
  ]

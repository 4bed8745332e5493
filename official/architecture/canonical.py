"""A canonical form of architectures, so that none is trained twice.

Two architectures are the same network where one becomes the other by giving its blocks other names,
or by listing the blocks of a level in another order. `canonical` returns equal data for those and
different data for all others; `digest` is a short hash of it, which candidate.json records.

The form is exact. Blocks are first told apart by what they are (level, kind, streams, channels,
...), then by the blocks around them until that tells no more apart (colour refinement). Where
blocks still look alike, each of them in turn is made to differ, and the smallest list of
connections that comes of it is the form (individualisation and refinement; McKay and Piperno,
"Practical graph isomorphism, II", 2014). Blocks with the same inputs and outputs are
interchangeable, and symmetries that were found spare the branches that they map to one another.
"""

from collections.abc import Sequence
import hashlib
import json
from typing import Any

from official.architecture.architecture import Architecture
from official.architecture.architecture import Block

_DIGEST_CHARACTERS = 32


def canonical(architecture: Architecture, num_frames: int | None = None) -> dict[str, Any]:
  """Returns `{"blocks", "connections"}`, plain data that is equal for equal networks only.

  Args:
    architecture: Any architecture.
    num_frames: Frames of a clip, if known: temporal dilations of at least so many compute the same
      (all taps but the middle one lie beyond the clip), and count as the same.
  """
  facts = [_facts(block, num_frames) for block in architecture.blocks]
  position = _Labelling(architecture, facts).positions()
  number = {block.id: position[index] for index, block in enumerate(architecture.blocks)}
  return {
    "blocks": sorted(map(list, facts)),
    "connections": sorted(
      [number[connection.source], number[connection.target]]
      for connection in architecture.connections
    ),
  }


def digest(architecture: Architecture, num_frames: int | None = None) -> str:
  """Returns 32 hexadecimal digits that stand for `canonical`."""
  text = json.dumps(canonical(architecture, num_frames), separators=(",", ":"))
  return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def _facts(block: Block, num_frames: int | None) -> tuple[Any, ...]:
  """Returns everything about a block except its name; sortable."""
  dilation = block.temporal_dilation
  if num_frames is not None:
    dilation = min(dilation, num_frames)
  return (
    block.level,
    block.kind,
    list(block.streams),
    block.channels,
    block.modules,
    dilation,
    block.spatial_stride,
    block.intermediate_channels or 0,
  )


class _Labelling:
  """The search for the best order of the blocks of one architecture.

  A colouring is a list with a colour for each block, 0 and on without gaps; blocks of a smaller
  colour come first. A leaf of the search is a colouring in which all differ. It is judged by its
  trace, which the refinements on the way left, and its connections.
  """

  def __init__(self, architecture: Architecture, facts: Sequence[tuple[Any, ...]]):
    index = {block.id: number for number, block in enumerate(architecture.blocks)}
    self._edges = [(index[c.source], index[c.target]) for c in architecture.connections]
    self._sources: list[list[int]] = [[] for _ in facts]
    self._targets: list[list[int]] = [[] for _ in facts]
    for source, target in self._edges:
      self._sources[target].append(source)
      self._targets[source].append(target)
    self._around = [
      (tuple(sorted(sources)), tuple(sorted(targets)))
      for sources, targets in zip(self._sources, self._targets, strict=True)
    ]
    self._first = _ranked(facts)
    self._best: tuple[list[Any], list[tuple[int, int]]] | None = None
    self._best_path: list[int] = []
    self._best_colours: list[int] = []
    self._symmetries: list[list[int]] = []

  def positions(self) -> list[int]:
    """Returns the place of every block in the canonical order."""
    colours, trace = self._refined(self._first)
    self._explore(colours, [], [trace])
    return self._best_colours

  def _refined(self, colours: list[int]) -> tuple[list[int], list[Any]]:
    """Tells blocks apart by the colours around them; returns the colouring and its trace."""
    while True:
      signs = [
        (
          colours[block],
          sorted(colours[other] for other in self._sources[block]),
          sorted(colours[other] for other in self._targets[block]),
        )
        for block in range(len(colours))
      ]
      finer = _ranked(signs)
      if max(finer) == max(colours):
        return finer, sorted(signs)
      colours = finer

  def _explore(self, colours: list[int], path: list[int], traces: list[Any]) -> int:
    """Visits all leaves below a node, as far as they differ.

    Returns:
      The length of the path of the node to go on from: this one's, or an earlier one's.
    """
    if self._best is not None and traces > self._best[0][: len(traces)]:
      return len(path)
    cell = _first_cell(colours)
    if not cell:
      return self._judge(colours, path, traces)
    seen: list[int] = []
    around = set()
    for block in cell:
      if self._around[block] in around or self._mirrors(block, seen, path):
        continue
      around.add(self._around[block])
      seen.append(block)
      marked = [
        2 * colour + (colour == colours[block] and other != block)
        for other, colour in enumerate(colours)
      ]
      finer, trace = self._refined(_ranked(marked))
      back = self._explore(finer, [*path, block], [*traces, trace])
      if back < len(path):
        return back
    return len(path)

  def _judge(self, colours: list[int], path: list[int], traces: list[Any]) -> int:
    """Compares a leaf with the best one; one that equals it shows a symmetry."""
    found = (traces, sorted((colours[source], colours[target]) for source, target in self._edges))
    if self._best is None or found < self._best:
      self._best, self._best_path, self._best_colours = found, path, colours
    elif found == self._best:
      by_place = sorted(range(len(colours)), key=colours.__getitem__)
      self._symmetries.append([by_place[place] for place in self._best_colours])
      return next(
        length for length, (one, other) in enumerate(zip(path, self._best_path)) if one != other
      )
    return len(path)

  def _mirrors(self, block: int, seen: Sequence[int], path: Sequence[int]) -> bool:
    """Whether symmetries that leave the path as it is map a block that was seen to this one."""
    symmetries = [
      symmetry for symmetry in self._symmetries if all(symmetry[fixed] == fixed for fixed in path)
    ]
    reached, waiting = set(seen), list(seen)
    while waiting:
      one = waiting.pop()
      for symmetry in symmetries:
        if symmetry[one] not in reached:
          reached.add(symmetry[one])
          waiting.append(symmetry[one])
    return block in reached


def _ranked(values: Sequence[Any]) -> list[int]:
  """Returns the rank of each value among the different ones."""
  order = sorted(range(len(values)), key=values.__getitem__)
  ranks = [0] * len(values)
  rank = 0
  for before, index in zip(order, order[1:]):
    rank += values[index] != values[before]
    ranks[index] = rank
  return ranks


def _first_cell(colours: Sequence[int]) -> list[int]:
  """Returns the blocks of the first colour that several have; none if all differ."""
  cells: dict[int, list[int]] = {}
  for block, colour in enumerate(colours):
    cells.setdefault(colour, []).append(block)
  return next((cells[colour] for colour in sorted(cells) if len(cells[colour]) > 1), [])

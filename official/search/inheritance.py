"""Weights that children begin with, as far as the search is concerned: records and retention.

With --inherit=blocks a child's training begins with weights of its parent's
(official/training/inheritance.py). So candidate.json says, besides, how the parent looks and how
many steps it and its ancestors were trained; and the weights of all who can become parents are
kept, and those of the parents of children that are still in flight, whatever has become of them.
"""

from collections.abc import Iterable

from official.runs.records import Candidate
from official.runs.records import Result
from official.runs.run_directory import RunDirectory
from official.search.settings import SearchSettings

_STEPS = "lineage_steps"


def record(run: RunDirectory, settings: SearchSettings, parent: int | None) -> dict[str, object]:
  """Returns what candidate.json says for the sake of inheritance; nothing where there is none.

  Args:
    run: Has the parent's files.
    settings: How to search.
    parent: Number of the parent, if there is one.
  """
  if not settings.inherits:
    return {}
  if parent is None:
    return {_STEPS: 0}
  result = run.read_result(parent)
  return {
    _STEPS: (lineage_steps(result) if result else None) or 0,
    "parent_architecture": run.read_proposal(parent).architecture,
  }


def lineage_steps(result: Result) -> int | None:
  """Returns the training steps in a candidate's weights, its ancestors' included; None where the
  search does not inherit."""
  steps = result.others.get(_STEPS)
  return steps if isinstance(steps, int) else None


def parents(in_flight: Iterable[Candidate], settings: SearchSettings) -> frozenset[int]:
  """Returns the numbers of those whose weights candidates in flight begin with."""
  if not settings.inherits:
    return frozenset()
  return frozenset(each.parent for each in in_flight if each.parent is not None)

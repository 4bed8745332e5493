"""How a candidate came from its parent, in words and as marks in the pictures of both.

    kept 18 of 26 connections, dropped 8, added 10; split level4_0

candidate.json tells it in the names of the parent's blocks, before operators (mutation.py). Which
connections of the child are new follows by carrying out the recorded operators on what was kept.
"""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

from official.architecture import operators as operators_lib
from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import ArchitectureError
from official.architecture.architecture import Connection
from official.runs.json_files import Json
from official.runs.records import Candidate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Changes:
  """What differs between a child and its parent.

  Attributes:
    gone: Connections of the parent that the child has not.
    new: Connections of the child that the parent has not.
    parent_blocks: What happened to a block of the parent, by its id.
    child_blocks: What a block of the child came from, by its id.
  """

  gone: frozenset[Connection]
  new: frozenset[Connection]
  parent_blocks: Mapping[str, str]
  child_blocks: Mapping[str, str]


def sentence(candidate: Candidate) -> str:
  """Returns how a candidate came about, without a full stop; for children, what changed."""
  if not candidate.child:
    return _without_parent(candidate)
  told = candidate.child
  kept, pruned, added, back = (len(_list(told, n)) for n in ("kept", "pruned", "added", "repairs"))
  came_back = f" ({back} more came back for want of another)" if back else ""
  parts = [
    f"kept {kept} of {kept + pruned} connections{came_back}, dropped {pruned - back}, added {added}"
  ]
  parts += [text for each in _list(told, "operators") if (text := _operator(each))]
  return "; ".join(parts)


def short(candidate: Candidate) -> str:
  """Returns the same for the edge of a picture: `+10 −8 split`."""
  if not candidate.child:
    return ""
  told = candidate.child
  pruned, added, back = (len(_list(told, name)) for name in ("pruned", "added", "repairs"))
  names = {"temporal_dilation": "dilation"}
  applied = [each.get("operator", "") for each in _list(told, "operators")]
  counted = [
    names.get(name, name) + (f" ×{applied.count(name)}" if applied.count(name) > 1 else "")
    for name in dict.fromkeys(applied)
  ]
  return " ".join([f"+{added}", f"−{pruned - back}", *counted])


def changes(candidate: Candidate, parent: Json) -> Changes | None:
  """Returns what differs between a child and its parent, None if the records do not tell.

  Args:
    candidate: The child.
    parent: Architecture of its parent, as JSON.
  """
  if not candidate.child:
    return None
  told = candidate.child
  try:
    before = serialization.from_json(parent)
    child = serialization.from_json(candidate.architecture)
    back = _connections(_list(told, "repairs"))
    gone = frozenset(_connections(_list(told, "pruned"))) - frozenset(back)
    applied = [operators_lib.Operator.from_json(each) for each in _list(told, "operators")]
    without = Architecture(before.blocks, tuple(c for c in before.connections if c not in gone))
    for operator in applied:
      without = operators_lib.apply(operator, without)
  except (ArchitectureError, KeyError, TypeError, ValueError):
    return None
  return Changes(
    gone=gone,
    new=frozenset(child.connections) - frozenset(without.connections),
    **_blocks(applied),
  )


def _blocks(applied: Sequence[operators_lib.Operator]) -> dict[str, dict[str, str]]:
  """Returns what operators did to blocks of the parent, and what those of the child are."""
  words = {"split": ("split", "half"), "merge": ("merged", "merged")}
  before: dict[str, list[str]] = {}
  after: dict[str, list[str]] = {}
  for operator in applied:
    did, made = words.get(operator.name, ("new r", "new r"))
    for block in operator.blocks:
      before.setdefault(block, []).append(did)
    came_from = [word for block in operator.blocks for word in after.pop(block, [])]
    for block in operator.results:
      after[block] = [*dict.fromkeys([*came_from, made])]
  return {
    "parent_blocks": {block: ", ".join(words) for block, words in before.items()},
    "child_blocks": {block: ", ".join(words) for block, words in after.items()},
  }


def _without_parent(candidate: Candidate) -> str:
  earlier = (candidate.founder or {}).get("start_from")
  if isinstance(earlier, int):
    return f"taken over from candidate {earlier:06d} of the earlier run"
  return "drawn at random"


def _operator(told: Mapping[str, Any]) -> str:
  name, blocks = told.get("operator"), [str(each) for each in told.get("blocks") or ()]
  if not name or not blocks:
    return ""
  if name == "merge":
    return f"merged {' and '.join(blocks)}"
  if name == "temporal_dilation":
    return f"temporal dilation of {blocks[0]} is now {told.get('temporal_dilation')}"
  return f"{name} {blocks[0]}"


def _list(told: Mapping[str, Any], name: str) -> list[Any]:
  found = told.get(name)
  return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _connections(told: Sequence[Mapping[str, Any]]) -> list[Connection]:
  return [serialization.connection_from_json(each) for each in told]

"""The network that a picture or a table shows: its graph, and what training made of it.

A block has no stream of its own, but inherits those of the blocks that it reads from: the *share*
of a stream in a block is the mean over its inputs, each counted by its connection weight. A stem
shares evenly among the streams that it reads.
"""

from collections.abc import Mapping
import dataclasses
import math
from typing import Any

import numpy as np

from official.architecture import guidance as guidance_lib
from official.architecture.architecture import Architecture
from official.architecture.architecture import Connection
from official.architecture.guidance import facts as facts_lib

Shares = Mapping[str, float]

_WEAK = "a weight of {:g} or less"
_DEFAULT = 0.5  # A weight at which a network begins.
_NOT_KEPT = "a weight of {:g} or less: a child would not keep it"
_AT_RANDOM = (
  "a weight of {:g} or less; thresholds are drawn at random, so that a child may keep it or not"
)
_NO_RULE = "a weight of {:g} or less; the guidance of this search does not go by weights"


@dataclasses.dataclass(frozen=True, kw_only=True)
class DrawnNetwork:
  """A network as it is shown.

  Attributes:
    architecture: Its graph.
    weights: After training and the sigmoid; none of a connection whose weight is unknown.
    head_weights: Strength of each block in a head that answers for every pixel; else empty.
    weak: The connections that are dashed.
    weak_means: What dashed means, for a legend; empty where nothing is known of it.
  """

  architecture: Architecture
  weights: Mapping[Connection, float] = dataclasses.field(default_factory=dict)
  head_weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
  weak: frozenset[Connection] = frozenset()
  weak_means: str = ""


def make(
  architecture: Architecture,
  weights: Mapping[Connection, float | None] | None = None,
  head_weights: Mapping[str, float] | None = None,
  *,
  identity: Mapping[str, Any] | None = None,
  sensitivities: Mapping[Connection, float] | None = None,
) -> DrawnNetwork:
  """Returns a network as it is shown.

  Args:
    architecture: Its graph.
    weights: What is known of its connection weights.
    head_weights: Strengths of its blocks in a dense head, by block.
    identity: The settings of its search by name, of which the guidance decides what is weak; None
      if it is of no search.
    sensitivities: For a guidance that reads them.
  """
  known = {
    connection: float(weight)
    for connection, weight in sorted((weights or {}).items())
    if weight is not None and math.isfinite(weight)
  }
  there = set(architecture.connections)
  facts = facts_lib.Facts(
    architecture=architecture,
    weights={connection: weight for connection, weight in known.items() if connection in there},
    sensitivities=sensitivities or {},
  )
  weak, means = _weak(facts, identity)
  return DrawnNetwork(
    architecture=architecture,
    weights=facts.weights,
    head_weights=dict(head_weights or {}),
    weak=weak,
    weak_means=means,
  )


def of_result(
  architecture: Architecture, result: Any, *, identity: Mapping[str, Any] | None = None
) -> DrawnNetwork:
  """Returns a network with what its result says (records.Result; None if there is none)."""
  if result is None:
    return make(architecture, identity=identity)
  head_weights = result.others.get("head_weights")
  return make(
    architecture,
    {Connection(each.source, each.target): each.end for each in result.connection_weights or ()},
    head_weights if isinstance(head_weights, Mapping) else None,
    identity=identity,
    sensitivities={
      Connection(each.source, each.target): each.value
      for each in result.sensitivities or ()
      if each.value is not None
    },
  )


def shares(network: DrawnNetwork) -> dict[str, Shares]:
  """Returns, by block, the share of each stream in what it reads; shares of a block sum to 1."""
  found: dict[str, Shares] = {}
  for block in network.architecture.blocks:
    if block.streams:
      found[block.id] = {name: 1 / len(block.streams) for name in sorted(block.streams)}
      continue
    sources = network.architecture.inputs(block.id)
    strengths = [network.weights.get(Connection(one, block.id), 0.5) for one in sources]
    total = sum(strengths)
    if not total:
      strengths, total = [1.0] * len(sources), float(len(sources))
    mixed: dict[str, float] = {}
    for source, strength in zip(sources, strengths, strict=True):
      for name, share in found[source].items():
        mixed[name] = mixed.get(name, 0.0) + share * strength / total
    found[block.id] = dict(sorted(mixed.items()))
  return found


def leading(shared: Shares) -> str | None:
  """Returns the stream that has two thirds of a block or more, None where none has."""
  name = max(sorted(shared), key=shared.__getitem__)
  return name if shared[name] >= 2 / 3 - 1e-9 else None


def _weak(
  facts: facts_lib.Facts, identity: Mapping[str, Any] | None
) -> tuple[frozenset[Connection], str]:
  """Returns the connections to be dashed, and what that means."""
  not_kept = _WEAK if identity is None else _NOT_KEPT
  identity = identity or {}
  guidance = identity.get("guidance", "connection_weights")
  threshold = _DEFAULT
  if guidance == "sensitivity" and facts.sensitivities:
    return _insensitive(facts, identity)
  means = _NO_RULE
  if guidance == "connection_weights":
    try:
      low, high = facts_lib.threshold_bounds(identity.get("weight_threshold", threshold))
    except (ValueError, TypeError):
      low = high = threshold
    threshold, means = (low + high) / 2, not_kept if low == high else _AT_RANDOM
  weak = frozenset(
    connection
    for connection in facts.prunable()
    if connection in facts.weights and facts.weights[connection] <= threshold
  )
  return weak, means.format(threshold) if facts.weights else ""


def _insensitive(
  facts: facts_lib.Facts, identity: Mapping[str, Any]
) -> tuple[frozenset[Connection], str]:
  settings = facts_lib.Settings(
    prune_fraction=identity.get("prune_fraction", facts_lib.Settings.prune_fraction),
    sensitivity_drop=identity.get("sensitivity_drop", facts_lib.Settings.sensitivity_drop),
  )
  try:
    selection = guidance_lib.sensitivity.select(facts, settings, np.random.default_rng(0))
  except ValueError:  # Not all were measured.
    return frozenset(), ""
  dropped = frozenset(facts.prunable()) - frozenset(selection.kept)
  return dropped, f"of the {settings.sensitivity_drop} sensitivities: a child would not keep it"

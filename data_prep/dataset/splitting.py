"""The split of labelled items into train, validation and test.

Every class should be split in the wanted proportions, and items of one group (the clips of one
recording, one person) must not be spread, or a network is tested on what it has seen. Groups are
taken in turn, the largest first, equal ones in an order drawn from the seed; each goes where it
brings the counts closest to the wanted ones: where it minimises

    sum over splits and classes of (count - wanted)^2 + sum over splits of (count - wanted)^2 /
    number of classes
"""

import collections
from collections.abc import Mapping, Sequence

import numpy as np


def split(
  labels: Sequence[str],
  groups: Sequence[str],
  fractions: Mapping[str, float],
  rng: np.random.Generator,
) -> list[str]:
  """Returns the split of each item.

  Args:
    labels: Class of each item.
    groups: Group of each item.
    fractions: Share of each split, by name; their sum is 1. The first is preferred where two are
      equally good.
    rng: Draws the order of groups of equal size.
  """
  names = [name for name, fraction in fractions.items() if fraction > 0]
  classes = sorted(set(labels))
  members: dict[str, list[int]] = collections.defaultdict(list)
  for item, group in enumerate(groups):
    members[group].append(item)
  order = sorted(members)
  rng.shuffle(order)
  order.sort(key=lambda group: -len(members[group]))
  totals = np.array([labels.count(name) for name in classes], float)
  missing = np.outer(
    [fractions[name] for name in names], totals
  )  # [splits, classes] wanted - count
  result = [""] * len(labels)
  for group in order:
    added = np.array(
      [sum(labels[item] == name for item in members[group]) for name in classes], float
    )
    # Adding to a split changes its squares by sum((missing - added)^2 - missing^2).
    change = ((missing - added) ** 2 - missing**2).sum(axis=1)
    overall = missing.sum(axis=1)
    change += ((overall - added.sum()) ** 2 - overall**2) / len(classes)
    chosen = int(np.argmin(np.round(change, 9)))
    missing[chosen] -= added
    for item in members[group]:
      result[item] = names[chosen]
  return result

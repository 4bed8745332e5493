"""Splits in the wanted proportions, with groups kept together."""

import collections

import numpy as np

from data_prep.dataset import splitting

FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}


def split(labels, groups, seed=0, fractions=FRACTIONS):
  return splitting.split(labels, groups, fractions, np.random.default_rng(seed))


def test_every_class_is_split_in_proportion():
  labels = ["run"] * 20 + ["jump"] * 10
  counts = collections.Counter(zip(labels, split(labels, [str(i) for i in range(30)])))
  assert counts == {
    ("run", "train"): 12,
    ("run", "validation"): 4,
    ("run", "test"): 4,
    ("jump", "train"): 6,
    ("jump", "validation"): 2,
    ("jump", "test"): 2,
  }


def test_small_classes_make_up_for_each_other():
  labels = [name for name in "abcdef" for _ in range(3)]
  counts = collections.Counter(split(labels, [str(i) for i in range(18)]))
  assert counts == {"train": 12, "validation": 3, "test": 3}


def test_a_group_is_in_one_split():
  labels = ["run", "jump"] * 20
  groups = [str(i // 4) for i in range(40)]
  found = split(labels, groups)
  assert len(set(zip(groups, found))) == 10


def test_groups_of_several_classes_are_split_in_proportion():
  labels = ["run", "jump"] * 20
  found = split(labels, [str(i // 4) for i in range(40)])
  assert collections.Counter(found) == {"train": 24, "validation": 8, "test": 8}


def test_the_seed_decides():
  labels, groups = ["run"] * 20, [str(i) for i in range(20)]
  assert split(labels, groups, 1) == split(labels, groups, 1) != split(labels, groups, 2)


def test_a_split_of_no_share_gets_nothing():
  found = split(
    ["run"] * 7,
    [str(i) for i in range(7)],
    fractions={"train": 0.7, "validation": 0.3, "test": 0.0},
  )
  assert collections.Counter(found) == {"train": 5, "validation": 2}

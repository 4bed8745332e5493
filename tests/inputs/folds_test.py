"""Folds of train and validation clips: none is learned from and judged by in one training."""

import collections

from hypothesis import given
from hypothesis import strategies as st

from official.inputs import clip_store
from official.inputs import folds
from official.inputs import videos

_CLIPS = st.lists(
  st.tuples(st.text(max_size=4), st.integers(0, 3).map(lambda label: (label,))),
  min_size=1,
  max_size=60,
  unique_by=lambda clip: clip[0],
)


def _store(clips):
  return clip_store.ClipStore(
    videos=[videos.Video(id=name, labels=labels, frames=1, read=iter) for name, labels in clips],
    streams={},
    side=8,
    shrunk=False,
    num_classes=4,
    multi_label=False,
  )


def _select(clips, cut, **facts):
  stores = [_store(clips[:cut]), _store(clips[cut:])]
  return [video.id for video in folds.select(stores, **facts).videos]


@given(_CLIPS, st.integers(0, 60), st.integers(2, 6), st.integers(0, 9))
def test_no_clip_is_learned_from_and_judged_by_and_each_is_judged_once(clips, cut, count, seed):
  judged = collections.Counter()
  for fold in range(count):
    facts = {"folds": count, "fold": fold, "seed": seed}
    learned = _select(clips, cut, judged=False, **facts)
    held_out = _select(clips, cut, judged=True, **facts)
    assert not set(learned) & set(held_out)
    assert sorted(learned + held_out) == sorted(name for name, _ in clips)
    judged.update(held_out)
  assert judged == collections.Counter(name for name, _ in clips)


@given(_CLIPS, st.integers(2, 6), st.integers(0, 9))
def test_folds_differ_by_at_most_one_clip_in_all_and_of_each_class(clips, count, seed):
  found = folds.assign(clips, count, seed)
  groups = [found] + [
    [fold for (_, labels), fold in zip(clips, found) if labels == (label,)] for label in range(4)
  ]
  for group in groups:
    sizes = [list(group).count(fold) for fold in range(count)]
    assert max(sizes) - min(sizes) <= 1


@given(_CLIPS, st.integers(2, 6), st.randoms(use_true_random=False))
def test_the_order_of_the_clips_makes_no_difference(clips, count, random):
  shuffled = random.sample(clips, len(clips))
  assert dict(zip(clips, folds.assign(clips, count, 0))) == dict(
    zip(shuffled, folds.assign(shuffled, count, 0))
  )


def test_another_seed_gives_other_folds():
  clips = [(str(number), (0,)) for number in range(40)]
  assert folds.assign(clips, 4, 0) != folds.assign(clips, 4, 1)

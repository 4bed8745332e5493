"""Cross-validation folds of the clips that a search may look at: those of train and validation.

A clip belongs to one of k folds, by its label, its id and a seed alone: the clips of each class are
put in an order of hashes of (seed, id) and dealt to the folds in turn, one class after the other.
So folds differ by at most one clip, in all and of every class, and nothing depends on the order of
files. A training for fold i learns from all clips but those of fold i, and is judged by those; no
clip is in both. The test split has no part in it.
"""

from collections.abc import Sequence
import dataclasses
import hashlib

from official.inputs import clip_store
from official.inputs import videos as videos_lib

SPLITS = ("train", "validation")


def assign(clips: Sequence[tuple[str, Sequence[int]]], folds: int, seed: int) -> tuple[int, ...]:
  """Returns the fold of every clip, from 0.

  Args:
    clips: Id and labels of each; a clip of several labels counts by its first one.
    folds: How many folds there are.
    seed: Another one gives other folds.
  """

  def order(index: int) -> tuple[int, bytes, str]:
    name, labels = clips[index]
    return (min(labels, default=-1), hashlib.sha256(f"{seed} {name}".encode()).digest(), name)

  found = [0] * len(clips)
  for place, index in enumerate(sorted(range(len(clips)), key=order)):
    found[index] = place % folds
  return tuple(found)


def select(
  stores: Sequence[clip_store.ClipStore], *, folds: int, fold: int, seed: int, judged: bool
) -> clip_store.ClipStore:
  """Returns the clips of a fold, or all others, of several splits together.

  Args:
    stores: The splits.
    folds, seed: As for `assign`.
    fold: Which fold.
    judged: Whether it is the fold, by which a training is judged, or what it learns from.
  """
  places = [(store, index) for store in stores for index in range(len(store.videos))]
  clips = [(video.id, video.labels) for store in stores for video in store.videos]
  chosen = tuple(
    place
    for place, its in zip(places, assign(clips, folds, seed), strict=True)
    if (its == fold) == judged
  )
  return dataclasses.replace(stores[0], videos=_Selected(chosen))


class _Selected(Sequence):
  """Some videos of several stores, each read when it is asked for."""

  def __init__(self, places: Sequence[tuple[clip_store.ClipStore, int]]):
    self._places = places

  def __len__(self) -> int:
    return len(self._places)

  def __getitem__(self, index: int) -> videos_lib.Video:
    store, place = self._places[index]
    return store.videos[place]

"""What the sample videos show."""

import numpy as np
import pytest

from tools import sample_scenes

HARD = sample_scenes.SETS["hard"]
ASPECT = 4 / 3
TIMES = np.arange(0, 6, 0.01)


def large_discs(label: str, seed: int) -> dict[str, sample_scenes.Disc]:
  """Returns the two discs that the class is about, by look."""
  discs = HARD.discs(label, ASPECT, np.random.default_rng(seed))
  return {disc.look: disc for disc in discs if disc.radius > 0.15}


def moves(disc: sample_scenes.Disc) -> str:
  """Names the motion of a disc from its path."""
  x, y = np.diff([disc.path(seconds) for seconds in TIMES], axis=0).T
  turning = y if np.ptp(y) > np.ptp(x) else x
  turns = np.sum(np.sign(turning[1:]) != np.sign(turning[:-1]))
  if np.allclose(x, 0) and np.median(np.abs(y - np.median(y))) < 1e-9:
    return "rising" if np.median(y) < 0 else "falling"
  slow = turns <= 2 * 6 / 1.1 + 1
  return ("bouncing" if slow else "hopping") if turning is y else "swaying" if slow else "shaking"


@pytest.mark.parametrize("label", HARD.classes)
@pytest.mark.parametrize("seed", range(4))
def test_a_hard_class_tells_which_look_makes_which_motion_of_a_pair(label, seed):
  look, motion = label.split("_")
  (other,) = set(sample_scenes.LOOKS) - {look}
  pair = {"rising": "falling", "bouncing": "hopping", "swaying": "shaking"}
  discs = large_discs(label, seed)
  assert {each: moves(disc) for each, disc in discs.items()} == {look: motion, other: pair[motion]}


@pytest.mark.parametrize("label", HARD.classes)
def test_neither_side_nor_size_nor_what_is_in_front_tells_a_class(label):
  look = label.split("_")[0]
  left = larger = 0
  for seed in range(400):
    own, other = sorted(large_discs(label, seed).values(), key=lambda disc: disc.look != look)
    xs = [np.mean([disc.path(seconds)[0] for seconds in TIMES[::100]]) for disc in (own, other)]
    left += xs[0] < xs[1]
    larger += own.radius > other.radius
  # Four standard deviations of 400 fair coins are 40.
  assert abs(left - 200) < 40 and abs(larger - 200) < 40


def test_slow_and_quick_discs_are_equally_fast():
  fastest = {"slow": [], "quick": []}
  for seed in range(60):
    for look, disc in large_discs("checks_bouncing", seed).items():
      speeds = np.abs(np.diff([disc.path(seconds)[1] for seconds in TIMES])) / 0.01
      fastest["slow" if look == "checks" else "quick"].append(speeds.max())
  assert np.mean(fastest["slow"]) == pytest.approx(np.mean(fastest["quick"]), rel=0.1)


@pytest.mark.parametrize("name", sample_scenes.SETS)
def test_a_video_is_the_same_for_the_same_seed_and_small(name):
  scenes = sample_scenes.SETS[name]
  fps, frames = sample_scenes.render(scenes, scenes.classes[0], np.random.default_rng(3))
  _, again = sample_scenes.render(scenes, scenes.classes[0], np.random.default_rng(3))
  assert all(np.array_equal(a, b) for a, b in zip(frames, again, strict=True))
  assert frames[0].dtype == np.uint8 and frames[0].shape[:2][::-1] in sample_scenes.SIZES
  assert 2 <= len(frames) / fps <= 2.6


def test_hard_videos_differ_from_frame_to_frame_by_noise_as_well():
  still = sample_scenes.SceneSet(classes=("none_here",), discs=lambda *_: [], noise=0.03)
  _, frames = sample_scenes.render(still, "none_here", np.random.default_rng(0))
  _, clean = sample_scenes.render(
    sample_scenes.SceneSet(classes=("none_here",), discs=lambda *_: []),
    "none_here",
    np.random.default_rng(0),
  )
  assert np.std(frames[0].astype(float) - clean[0]) == pytest.approx(0.03 * 255, rel=0.1)

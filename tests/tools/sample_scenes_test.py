"""What the sample videos show."""

import dataclasses

import numpy as np
import pytest

from tools import sample_scenes

HARD = sample_scenes.SETS["hard"]
ASPECT = 4 / 3
TIMES = np.arange(0, 6, 0.01)


def coloured_discs(label: str, seed: int) -> dict[str, sample_scenes.Disc]:
  """Returns the two discs that the class is about, by look."""
  discs = HARD.discs(label, ASPECT, np.random.default_rng(seed))
  return {disc.look: disc for disc in discs if np.ptp(disc.colours, axis=1).any()}


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
  discs = coloured_discs(label, seed)
  assert {each: moves(disc) for each, disc in discs.items()} == {look: motion, other: pair[motion]}


@pytest.mark.parametrize("label", HARD.classes)
def test_neither_side_nor_size_nor_what_is_in_front_tells_a_class(label):
  look = label.split("_")[0]
  left = larger = 0
  for seed in range(200):
    own, other = sorted(coloured_discs(label, seed).values(), key=lambda disc: disc.look != look)
    xs = [np.mean([disc.path(seconds)[0] for seconds in TIMES[::100]]) for disc in (own, other)]
    left += xs[0] < xs[1]
    larger += own.radius > other.radius
  # Four standard deviations of 200 fair coins are 28.
  assert abs(left - 100) < 28 and abs(larger - 100) < 28


def test_slow_and_quick_discs_are_equally_fast():
  fastest = {"slow": [], "quick": []}
  for seed in range(60):
    for look, disc in coloured_discs("checks_bouncing", seed).items():
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


def test_every_frame_has_noise_of_its_own():
  def frames(noise):
    scenes = dataclasses.replace(HARD, noise=noise)
    return np.array(
      sample_scenes.render(scenes, HARD.classes[0], np.random.default_rng(5))[1], float
    )

  noise = frames(0.04)[:2] - frames(0)[:2]
  assert np.std(noise, axis=(1, 2, 3)) == pytest.approx(0.04 * 255, rel=0.15)
  assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05


def test_a_shaking_camera_moves_the_picture():
  def discs(*_):
    return [dataclasses.replace(disc, path=lambda seconds: (0.6, 0.5)) for disc in drawn]

  drawn = HARD.discs(HARD.classes[0], ASPECT, np.random.default_rng(0))
  still = dataclasses.replace(HARD, discs=discs, noise=0)
  moved = [
    sample_scenes.render(dataclasses.replace(still, shake=shake), "", np.random.default_rng(1))[1]
    for shake in (0, 2)
  ]
  assert np.array_equal(moved[0][0].shape, moved[1][0].shape)
  changed = [np.abs(np.diff(np.array(each, float), axis=0)).mean() for each in moved]
  assert changed[1] > 1.5 * changed[0]

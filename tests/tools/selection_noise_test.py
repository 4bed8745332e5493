"""The model of trainings on few clips, and searches within it."""

import dataclasses

import numpy as np
import pytest

from tests.tools import loaded_mains

selection_model = loaded_mains.load("tools.benchmarks.selection_model")
selection_noise = loaded_mains.load("tools.benchmarks.selection_noise")

MODEL = selection_model.Model(
  mean=0.4, quality=0.5, seed=0.3, clip=2.0, taste=1.0, noise=1.5, heritability=0.5
)


def test_variances_are_found_again():
  rng = np.random.default_rng(0)
  shape = (20, 6, 400)
  z = (
    MODEL.mean
    + MODEL.quality * rng.standard_normal((20, 1, 1))
    + MODEL.seed * rng.standard_normal((20, 6, 1))
    + MODEL.clip * rng.standard_normal((1, 1, 400))
    + MODEL.taste * rng.standard_normal((20, 1, 400))
    + MODEL.noise * rng.standard_normal(shape)
  )
  found = dataclasses.asdict(selection_model.fit_answers(z))
  for name in ("quality", "seed", "clip", "taste", "noise"):
    assert found[name] == pytest.approx(getattr(MODEL, name), rel=0.25), name


def test_the_true_accuracy_is_that_over_many_seeds_and_clips():
  rng = np.random.default_rng(0)
  world = selection_model.World(MODEL, 4000, rng)
  several = [selection_model.Architecture(0.5, MODEL.taste * rng.standard_normal(4000))] * 40
  seen = [(world.train(each, np.arange(4000), rng) > 0).mean() for each in several]
  assert np.mean(seen) == pytest.approx(float(MODEL.accuracy(0.5)), abs=0.02)


def test_a_search_without_noise_finds_what_is_truly_best():
  exact = dataclasses.replace(MODEL, seed=0.0, clip=1.0, taste=0.0, noise=0.0, heritability=1.0)
  asked = selection_noise.settings(20, fitness="margin", algorithm="random_search")
  rng = [np.random.default_rng([3, 2, number]) for number in range(20)]
  qualities = [exact.quality * each.standard_normal() for each in rng]
  assert selection_noise.winner(exact, asked, 50, 3) == pytest.approx(
    float(exact.accuracy(max(qualities)))
  )


@pytest.mark.parametrize("changes", [{"confirm": "3:2"}, {"folds": 4, "confirm": "2:4"}])
def test_equal_seeds_give_equal_winners_and_confirmations_are_paid_for(changes):
  asked = selection_noise.settings(20, **changes)
  assert asked.candidates + asked.confirmation.trainings == 20
  first, again = (selection_noise.winner(MODEL, asked, 10, 1) for _ in range(2))
  assert first == again


def test_the_table_compares_with_its_first_rule():
  lines = selection_noise.table({"one": np.full(10, 0.6), "two": np.full(10, 0.7)}, 0.5)
  assert lines[2] == "| `one` | +0.1000 [+0.1000, +0.1000] | - |"
  assert lines[3] == "| `two` | +0.2000 [+0.2000, +0.2000] | +0.1000 [+0.1000, +0.1000] |"


def test_random_candidates_are_told_once_and_children_with_their_parents():
  def one(number, parent, fitness):
    facts = {"number": number, "parent": parent, "fitness": fitness}
    return {**facts, "status": "ok", "loss": 1.0}

  lines = [
    {"kind": "search", "arm": arm, "seed": 0, "candidates": [one(0, None, 0.5), last]}
    for arm, last in (("a", one(1, 0, 0.6)), ("b", one(1, None, 0.4)))
  ]
  random, pairs = selection_model.candidates([*lines, {"kind": "hand_made"}])
  assert sorted(random) == [0.4, 0.5] and pairs.tolist() == [[0.5, 0.6]]

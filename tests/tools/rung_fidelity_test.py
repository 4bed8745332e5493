"""The table of the benchmark of rungs."""

import numpy as np

from tests.tools import loaded_mains

rung_fidelity = loaded_mains.load("tools.benchmarks.rung_fidelity")

RUNGS = (10, 30, 90)


def keys(*fitness_by_rung):
  """Returns rank keys of candidates, given the fitness of each at every rung."""
  return {
    number: [(-fitness, 0.0, number) for fitness in rungs]
    for number, rungs in enumerate(fitness_by_rung)
  }


def test_places_follow_fitness_then_loss():
  places = rung_fidelity.ranks([[(-0.5, 2.0)], [(-0.5, 1.0)], [(-0.9, 9.0)]])
  np.testing.assert_array_equal(places, [[2], [1], [0]])


def test_a_rung_that_orders_as_the_last_has_correlation_1_and_keeps_all():
  rising = keys(*[(number / 9, 1 - number / 9, number / 9) for number in range(9)])
  lines = rung_fidelity.text({"restart": rising, "averaged": rising}, RUNGS).splitlines()
  assert lines[0] == "candidates: 9"
  assert lines[2].split() == ["restart", "10", "+1.00", "[+1.00,", "+1.00]", "1.00", "1.00"]
  assert lines[3].split() == ["restart", "30", "-1.00", "[-1.00,", "-1.00]", "-1.00", "0.00"]
  assert lines[4].split() == ["restart", "90", "1.00", "1.00"]
  assert lines[8] == "restart - averaged, 10 steps: +0.00 [+0.00, +0.00]"


def test_only_candidates_that_were_trained_both_ways_count():
  some = keys((0.1, 0.2, 0.3), (0.2, 0.3, 0.4))
  found = {"restart": some, "averaged": {0: some[0]}}
  assert rung_fidelity.text(found, RUNGS).splitlines()[0] == "candidates: 1"

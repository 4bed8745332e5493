"""Whole searches on simulated trainings: connections do not grow, and nothing comes twice.

The proposals are the real ones; the run is kept in memory, and a result is made up at once. In
`flat` searches fitness is noise, in `informative` ones it rises with good connections and falls
with bad ones; a connection is good or bad by its name, as many are the one as the other. Weights
are noise, as the first steps of a training give them, or tell the good from the bad, roughly.
"""

import statistics
import zlib

import numpy as np
import pytest
import search_fakes

from official.architecture import serialization
from official.architecture.space import load_space
from official.runs.records import ConnectionWeight
from official.runs.records import Result
from official.runs.records import Sensitivity
from official.search import proposals
from official.search import settings as settings_lib
from official.search import state as state_lib


class Memory:
  """As much of a run directory as proposals read."""

  def __init__(self):
    self.candidates, self.results = [], []

  def read_proposal(self, number):
    return self.candidates[number]

  def read_architecture(self, number):
    return serialization.from_json(self.candidates[number].architecture)

  def read_result(self, number):
    return self.results[number]


def merit(*names):
  """A number from 0 to 1 that belongs to a name."""
  return np.random.default_rng(zlib.crc32("->".join(names).encode())).random()


def result_of(number, architecture, informative, faithful, rng):
  possible = {c: merit(c.source, c.target) for c in architecture.possible_connections()}
  middle = statistics.median(possible.values())
  fitness = float(rng.random())
  if informative:
    fitness = 0.1 * fitness + statistics.mean(
      (value - middle) * (c in architecture.connections) for c, value in possible.items()
    )
  weights = tuple(
    ConnectionWeight(
      c.source,
      c.target,
      0.5,
      float(np.clip(0.5 + possible[c] - middle + rng.normal(0, 0.2), 0, 1))
      if faithful
      else float(rng.random()),
    )
    for c in architecture.connections
  )
  return Result(
    number=number,
    status="ok",
    fitness=fitness,
    metrics={"loss": float(rng.random())},
    connection_weights=weights,
    sensitivities=tuple(Sensitivity(each.source, each.target, each.end) for each in weights),
  )


def simulate(name, seed, *, rounds=200, informative=False, faithful=False, **changes):
  """Returns a search's run, and the density of each candidate."""
  space, run = load_space(name), Memory()
  settings = settings_lib.SearchSettings(seed=seed, rounds=rounds, **changes)
  state = state_lib.SearchState(settings)
  densities = []
  for number in range(settings.candidates):
    run.candidates.append(proposals.propose(run, state, space, settings, search_fakes.CLIP))
    architecture = run.read_architecture(number)
    densities.append(len(architecture.connections) / len(architecture.possible_connections()))
    run.results.append(
      result_of(number, architecture, informative, faithful, np.random.default_rng([seed, number]))
    )
    state.proposed += 1
    state.record(run.results[-1], run.candidates[-1].tournament)
  return run, densities


def saturated(run):
  """Returns the children to which every absent connection was added, or that lack none."""
  found = []
  for candidate in run.candidates:
    if candidate.child is None:
      continue
    parent = run.read_architecture(candidate.parent)
    absent = len(parent.possible_connections()) - len(parent.connections)
    child = run.read_architecture(candidate.number)
    if (
      0 < absent == len(candidate.child["added"])
      or child.possible_connections() == child.connections
    ):
      found.append(candidate.number)
  return found


def check(name, seeds, **changes):
  drifts = []
  for seed in seeds:
    run, densities = simulate(name, seed, **changes)
    assert saturated(run) == []
    digests = [candidate.digest for candidate in run.candidates]
    assert len(set(digests)) == len(digests)
    drifts.append(statistics.mean(densities[20:]) - statistics.mean(densities[:20]))
  print(name, changes, [round(drift, 3) for drift in drifts])
  assert abs(statistics.mean(drifts)) < 0.05


def test_a_search_stays_as_dense_as_it_began():
  check("small", [0, 1], rounds=60)


@pytest.mark.slow
@pytest.mark.parametrize("informative", [False, True], ids=["flat", "informative"])
@pytest.mark.parametrize("name", ["paper", "patent", "small"])
def test_searches_of_220_candidates_stay_as_dense_as_they_began(name, informative):
  check(name, range(5), informative=informative)


# In `small`, whose graphs are the smallest, such searches gain 0.07: once nothing weak is left to
# prune, nothing makes up for what merges bring.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "patent"])
def test_weights_that_tell_good_connections_from_bad_make_searches_no_denser(name):
  check(name, range(5), informative=True, faithful=True)


@pytest.mark.slow
@pytest.mark.parametrize(
  "changes",
  [
    {"weight_threshold": "uniform"},
    {"weight_threshold": 0.4},
    {"guidance": "random"},
    {"guidance": "sensitivity"},
    {"guidance": "sensitivity", "sensitivity_drop": "strongest"},
  ],
  ids=str,
)
def test_every_guidance_keeps_the_balance(changes):
  check("small", range(4), **changes)

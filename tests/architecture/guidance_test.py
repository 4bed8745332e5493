"""Guidances: from a parent's facts to the connections kept."""

import dataclasses
import math

import numpy as np
import pytest

from official.architecture import guidance
from official.architecture.architecture import Connection
from official.architecture.guidance import Facts
from official.architecture.guidance import Settings
from official.architecture.guidance import random_fraction


@pytest.fixture
def facts(tiny):
  """The weights of `tiny` rise in the order of its connections: 0.1, 0.2, ..."""
  return Facts(
    architecture=tiny,
    weights={connection: (index + 1) / 10 for index, connection in enumerate(tiny.connections)},
  )


def select(name, facts, **settings):
  return guidance.get(name)(facts, Settings(**settings), np.random.default_rng(0))


def test_weights_above_the_constant_threshold_are_kept(facts):
  selection = select("connection_weights", facts, weight_threshold=0.5)
  assert selection.kept == facts.architecture.connections[5:]
  assert set(selection.thresholds.values()) == {0.5}


def test_a_weight_that_equals_the_threshold_is_not_above_it(facts):
  assert facts.architecture.connections[4] not in select("connection_weights", facts).kept


def test_uniform_thresholds_are_drawn_for_every_connection(facts):
  selection = select("connection_weights", facts, weight_threshold="uniform")
  assert list(selection.thresholds.values()) == np.random.default_rng(0).random(8).tolist()
  assert selection.kept == tuple(
    c for c in facts.architecture.connections if facts.weights[c] > selection.thresholds[c]
  )


def test_thresholds_are_drawn_from_a_part_of_the_range(facts):
  selection = select("connection_weights", facts, weight_threshold="uniform:0.2:0.8")
  np.testing.assert_allclose(
    list(selection.thresholds.values()), 0.2 + 0.6 * np.random.default_rng(0).random(8)
  )


@pytest.mark.parametrize(
  "text", ["uniform:0.2", "uniform:0.2:0.2", "uniform:-1:1", "uniform:a:b", "normal:0:1"]
)
def test_other_distributions_are_refused(text):
  with pytest.raises(ValueError, match="it is a number from 0 to 1, 'uniform', or 'uniform:LOW"):
    Settings(weight_threshold=text)


def test_random_drops_a_third_whatever_the_weights(facts):
  selection = select("random", facts)
  assert len(selection.kept) == 8 - round(8 / 3)
  assert selection == select("random", Facts(architecture=facts.architecture, weights={}))


def test_random_drops_the_lowest_scores(facts):
  selection = select("random", facts)
  dropped = set(facts.architecture.connections) - set(selection.kept)
  assert max(selection.scores[c] for c in dropped) < min(
    selection.scores[c] for c in selection.kept
  )


@pytest.fixture
def measured(facts):
  """Sensitivities that fall where the weights rise: 0.8, 0.7, ..."""
  connections = facts.architecture.connections
  return dataclasses.replace(
    facts,
    sensitivities={connection: (8 - index) / 10 for index, connection in enumerate(connections)},
  )


def test_sensitivity_drops_the_weakest_third_whatever_the_weights(measured):
  selection = select("sensitivity", measured)
  assert selection.kept == measured.architecture.connections[:5]
  assert selection.scores == measured.sensitivities


def test_sensitivity_drops_the_strongest_third_where_told_to(measured):
  selection = select("sensitivity", measured, sensitivity_drop="strongest")
  assert selection.kept == measured.architecture.connections[3:]


@pytest.mark.parametrize("drop", ["weakest", "strongest"])
def test_what_sensitivity_dropped_last_has_the_highest_score_of_what_it_dropped(measured, drop):
  fewer, more = (
    set(select("sensitivity", measured, sensitivity_drop=drop, prune_fraction=fraction).kept)
    for fraction in (2 / 8, 3 / 8)
  )
  scores = select("sensitivity", measured, sensitivity_drop=drop).scores
  dropped = set(measured.architecture.connections) - more
  assert {max(dropped, key=scores.__getitem__)} == fewer - more


def test_sensitivity_drops_a_fraction_of_all_among_those_that_may_go(assemblenet_50):
  connections = assemblenet_50.connections
  only = {Connection("node_01", "node_04"), Connection("node_00", "node_05")}
  facts = Facts(
    architecture=assemblenet_50,
    weights={},
    sensitivities={c: 0.0 if c in only else 1.0 for c in connections},
  )
  kept = select("sensitivity", facts).kept
  assert only < set(kept)
  assert len(kept) == len(connections) - round(len(connections) / 3)


def test_of_equal_sensitivities_the_first_by_name_go(facts):
  equal = dataclasses.replace(
    facts, sensitivities=dict.fromkeys(facts.architecture.connections, 0.0)
  )
  for drop in ("weakest", "strongest"):
    kept = select("sensitivity", equal, sensitivity_drop=drop).kept
    assert kept == facts.architecture.connections[3:]


def test_sensitivity_needs_every_sensitivity(facts):
  with pytest.raises(ValueError, match="sensitivities of connection flow_0->level1_0 is None; "):
    select("sensitivity", dataclasses.replace(facts, sensitivities={Connection("a", "b"): 0.5}))


def test_an_only_input_is_not_prunable(assemblenet_50):
  facts = Facts(architecture=assemblenet_50, weights={})
  assert set(assemblenet_50.connections) - set(facts.prunable()) == {
    Connection("node_01", "node_04"),
    Connection("node_00", "node_05"),
  }


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_every_connection_needs_a_finite_weight(facts, value):
  weights = dict(facts.weights)
  weights[Connection("rgb_0", "level2_0")] = value
  if value is None:
    del weights[Connection("rgb_0", "level2_0")]
  with pytest.raises(ValueError, match=f"weights of connection rgb_0->level2_0 is {value}; every"):
    select("connection_weights", Facts(architecture=facts.architecture, weights=weights))


def test_an_unknown_guidance_lists_the_known():
  with pytest.raises(ValueError, match="unknown guidance 'luck'; the guidances are connection"):
    guidance.get("luck")


@pytest.mark.parametrize(
  "settings, text",
  [
    ({"weight_threshold": "high"}, "weight_threshold is 'high'; it is a number from 0 to 1, 'uni"),
    ({"weight_threshold": 1.5}, "weight_threshold is 1.5; it is a number from 0 to 1, 'uniform'"),
    ({"prune_fraction": -1}, "prune_fraction is -1; it is a number from 0 to 1"),
    ({"sensitivity_drop": "some"}, "sensitivity_drop is 'some'; it is 'weakest' or 'strongest'"),
  ],
)
def test_wrong_settings_are_refused(settings, text):
  with pytest.raises(ValueError) as error:
    Settings(**settings)
  assert text in str(error.value)


def test_a_guidance_declares_what_it_reads(monkeypatch):
  monkeypatch.setattr(guidance, "GUIDANCES", dict(guidance.GUIDANCES))
  guidance.register("frugal", reads=["weights"])(random_fraction.select)
  guidance.register("silent")(random_fraction.select)
  reads = {name: guidance.get(name).reads for name in guidance.names()}
  assert reads == {
    "connection_weights": ("weights",),
    "frugal": ("weights",),
    "random": (),
    "sensitivity": ("sensitivities",),
    "silent": ("weights", "sensitivities"),
  }


def test_a_guidance_cannot_read_what_is_not_measured():
  with pytest.raises(ValueError, match="cannot read 'luck'; .* are weights, sensitivities"):
    guidance.register("hopeful", reads=["luck"])(random_fraction.select)


@pytest.mark.parametrize("name", ["connection_weights", "random", "sensitivity"])
def test_every_guidance_does_with_what_it_declares(name, measured):
  given = {fact: getattr(measured, fact) for fact in guidance.get(name).reads}
  facts = Facts(architecture=measured.architecture, **{"weights": {}, **given})
  assert select(name, facts) == select(name, measured)


def test_a_guidance_that_reads_what_it_did_not_declare_is_told(facts):
  with pytest.raises(ValueError, match=r"were not measured; .* reads=\['sensitivities'\]"):
    select("sensitivity", dataclasses.replace(facts, sensitivities={}))

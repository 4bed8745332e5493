"""Proposals, looked at in the files of a whole search on fake trainings."""

import io

import pytest
import search_fakes

from data_prep.common import cli
from official.architecture import serialization
from official.runs import console
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import proposals
from official.search import state as state_lib


def searched(path, **changes):
  """Returns the settings and the run directory of a search that is through."""
  settings = search_fakes.settings(**changes)
  run = RunDirectory(str(path))
  with run.opened({}, {}), console.Console(lines=io.StringIO(), terminal=False) as quiet:
    loop.search(
      run,
      search_fakes.small_space(),
      settings,
      search_fakes.CLIP,
      search_fakes.quick,
      inline.Inline(threads=1),
      quiet,
    )
  return settings, run


@pytest.fixture(scope="module")
def search(tmp_path_factory):
  return searched(tmp_path_factory.mktemp("run"), rounds=16)


def candidates(run):
  return [run.read_candidate(number) for number in range(run.count())]


def connections(records):
  return {(record["source"], record["target"]) for record in records}


def test_the_first_candidates_are_random_and_the_others_children(search):
  origins = [candidate.parent is None for candidate in candidates(search[1])]
  assert origins == [True] * 4 + [False] * 16


def test_the_parent_is_the_best_of_the_tournament(search):
  _, run = search
  for candidate in candidates(run)[4:]:
    sample = {number: run.read_result(number).fitness for number in candidate.tournament}
    assert len(sample) == 2
    assert sample[candidate.parent] == max(sample.values())


def test_a_tournament_is_drawn_from_those_that_had_finished(search):
  _, run = search
  for candidate in candidates(run)[4:]:
    orders = [run.read_result(number).finish_order for number in candidate.tournament]
    assert max(orders) < candidate.known_results


def test_seeds_of_trainings_differ(search):
  seeds = [candidate.seed for candidate in candidates(search[1])]
  assert len(set(seeds)) == len(seeds)
  assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_childs_kept_and_pruned_connections_follow_from_its_parents_files(search):
  _, run = search
  pruned_somewhere = False
  for candidate in candidates(run)[4:]:
    weights = {
      (entry.source, entry.target): entry.end
      for entry in run.read_result(candidate.parent).connection_weights
    }
    targets = [target for _, target in weights]
    kept = {edge for edge, weight in weights.items() if weight > 0.5 or targets.count(edge[1]) == 1}
    assert connections(candidate.child["kept"]) == kept
    assert connections(candidate.child["pruned"]) == set(weights) - kept
    pruned_somewhere |= set(weights) != kept
  assert pruned_somewhere


def test_a_childs_repairs_follow_from_its_parents_files(search):
  _, run = search
  for candidate in candidates(run)[4:]:
    parent = run.read_candidate(candidate.parent).architecture
    weights = {
      (entry.source, entry.target): entry.end
      for entry in run.read_result(candidate.parent).connection_weights
    }
    child = candidate.child
    there = connections(child["kept"])  # Repairs are settled before anything is added.
    pruned = connections(child["pruned"])
    last = max(block["level"] for block in parent["blocks"])
    repaired = []
    for lacked, end in (("input", 1), ("output", 0)):
      bare = 0 if lacked == "input" else last
      for block in sorted(parent["blocks"], key=lambda block: (block["level"], block["id"])):
        here = there | set(repaired)
        if block["level"] != bare and not any(edge[end] == block["id"] for edge in here):
          repaired.append(
            max((edge for edge in pruned if edge[end] == block["id"]), key=weights.get)
          )
    found = {
      lacked: [
        (repair["source"], repair["target"])
        for repair in child["repairs"]
        if (repair["lacked"] == "depth") == (lacked == "depth")
      ]
      for lacked in ("depth", "input or output")
    }
    assert found["input or output"] == repaired
    assert set(found["depth"]) <= pruned - set(repaired)


def test_added_connections_are_possible_ones_that_the_parent_lacks(search):
  _, run = search
  added_somewhere = False
  for candidate in candidates(run)[4:]:
    parent = serialization.from_json(run.read_candidate(candidate.parent).architecture)
    absent = set(parent.possible_connections()) - set(parent.connections)
    added = connections(candidate.child["added"])
    assert added <= {(edge.source, edge.target) for edge in absent}
    added_somewhere |= bool(added)
  assert added_somewhere


def test_every_candidate_can_be_proposed_again_from_the_files_of_the_earlier_ones(search):
  settings, run = search
  for candidate in candidates(run):
    state = state_lib.SearchState(settings)
    state.proposed = candidate.number
    for number in range(candidate.known_results):
      state.record(run.read_result(number), ())
    again = proposals.propose(run, state, search_fakes.small_space(), settings, search_fakes.CLIP)
    assert again == candidate


def test_another_seed_gives_other_architectures(search, tmp_path):
  _, other = searched(tmp_path, rounds=0, seed=2)
  assert candidates(other)[0].architecture != candidates(search[1])[0].architecture


def test_random_search_has_no_parents(tmp_path):
  _, run = searched(tmp_path, algorithm="random_search")
  assert [candidate.parent for candidate in candidates(run)] == [None] * 8


@pytest.mark.parametrize(
  "changes",
  [
    {"guidance": "random"},
    {"weight_threshold": "uniform"},
    {"remove": "oldest"},
    {"remove": "worst_sampled"},
    {"fitness": "loss"},
    {"max_operators": 0},
  ],
)
def test_every_way_to_search_comes_to_its_end(tmp_path, changes):
  _, run = searched(tmp_path, **changes)
  assert run.count() == 8


def test_uniform_thresholds_are_written_down(tmp_path):
  _, run = searched(tmp_path, weight_threshold="uniform")
  thresholds = [entry["value"] for entry in run.read_candidate(5).child["thresholds"]]
  assert len(set(thresholds)) > 1


def test_a_space_that_admits_nothing_is_refused_at_once():
  space = search_fakes.small_space()
  narrow = type(space).from_json({**space.to_json(), "max_params": 1})
  with pytest.raises(cli.UserError, match="--search_space: none of 1000 draws fits"):
    proposals.check(narrow, search_fakes.settings(), search_fakes.CLIP)

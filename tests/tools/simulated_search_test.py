"""The simulated cluster under the real driver: what must hold whatever goes wrong on it."""

import collections
import itertools

import pytest

from official.runs import json_files
from official.runs.run_directory import RunDirectory
from tools.benchmarks import simulated_figures
from tools.benchmarks import simulated_search
from tools.benchmarks.simulated_cluster import Conditions
from tools.benchmarks.simulated_storage import FileOperations

CANDIDATES = 60
BAD = {
  "sigma": 1.0,
  "start_seconds": 15.0,
  "slow_share": 0.1,
  "killed_share": 0.1,
  "storm_hours": 0.3,
  "storage_ms": 5.0,
  "driver_ms": 6.0,
}


@pytest.fixture(scope="module")
def search(tmp_path_factory):
  """Runs a search of 60 candidates on 10 workers."""

  def run(conditions=None, **changes):
    return simulated_search.run(
      simulated_search.Search(
        directory=str(tmp_path_factory.mktemp("scratch") / "run"),
        conditions=Conditions(workers=10, **(conditions or {})),
        **{"candidates": CANDIDATES, "max_retries": 100, **changes},
      )
    )

  return run


@pytest.fixture(scope="module")
def ideal(search):
  """A search in which nothing goes wrong."""
  return search()


@pytest.fixture(scope="module")
def bad(search):
  """A search in which everything goes wrong."""
  return search(BAD, rungs=True)


def by_number(ran):
  tries = collections.defaultdict(list)
  for each in ran.cluster.tries:
    tries[each.number].append(each)
  return tries


def results(ran):
  run = RunDirectory(ran.search.directory)
  return [run.read_result(number) for number in range(run.count())]


def test_equal_conditions_give_equal_tries(search, bad):
  assert search(BAD, rungs=True).cluster.tries == bad.cluster.tries


def test_another_seed_gives_others(search, bad):
  assert search({**BAD, "seed": 1}, rungs=True).cluster.tries != bad.cluster.tries


def test_nobody_is_idle_where_nothing_goes_wrong(ideal):
  figures = simulated_figures.of(ideal)
  assert (figures.busy, figures.useful, figures.busy_to_the_end) == pytest.approx((1, 1, 1))
  assert figures.hours == pytest.approx(figures.ideal_hours)
  assert (figures.lost, figures.repeated, figures.given_up) == (0, 0, 0)


def test_the_ideal_time_is_that_of_the_trainings(ideal):
  assert simulated_figures.of(ideal).ideal_hours == pytest.approx(CANDIDATES * 600 / 10 / 3600)


def test_no_step_that_was_kept_is_trained_twice(bad):
  for tries in by_number(bad).values():
    for before, after in itertools.pairwise(tries):
      assert after.saved == before.kept


def test_no_candidate_is_trained_in_two_places_at_once(bad):
  for tries in by_number(bad).values():
    for before, after in itertools.pairwise(tries):
      assert before.ended <= after.started


def test_no_more_tries_than_workers_run_at_once(bad):
  tries = bad.cluster.tries
  changes = sorted([(each.ended, -1) for each in tries] + [(each.started, 1) for each in tries])
  assert max(itertools.accumulate(change for _, change in changes)) == 10


def test_what_is_lost_is_less_than_a_checkpoint_apart(bad):
  lost = [each for each in bad.cluster.tries if each.lost_to]
  assert lost
  for each in lost:
    assert 0 <= each.reached - each.kept < bad.cluster.whole(each.number) / 10


def test_whoever_a_storm_takes_is_trained_to_its_goal(bad):
  stormed = {each.number for each in bad.cluster.tries if each.lost_to == "storm"}
  assert stormed
  for number in stormed:
    last = by_number(bad)[number][-1]
    assert last.lost_to is None and last.kept == last.goal
  assert {result.status for result in results(bad) if result} == {"ok"}


def test_a_storm_takes_its_share_of_the_workers_at_once(bad):
  storms = collections.Counter(since for since, _ in bad.cluster.away)
  assert storms[0.3 * 3600] == 3


def test_a_storm_gives_nobody_up(search):
  figures = simulated_figures.of(search({"storm_hours": 0.3}, max_retries=0))
  assert figures.lost > 0 == figures.given_up


def test_too_few_retries_give_candidates_up(search):
  ran = search({"killed_share": 0.1}, max_retries=0)
  figures = simulated_figures.of(ran)
  assert figures.given_up == figures.lost > 0
  assert [result.status for result in results(ran)].count("infeasible") == figures.lost


def test_a_promoted_candidate_goes_on_from_its_rung(bad):
  parts = collections.defaultdict(set)
  for each in bad.cluster.tries:
    if each.saved == 0 or each.lost_to is None:
      whole = bad.cluster.whole(each.number)
      parts[each.number] |= {round(each.saved / whole, 2), round(each.goal / whole, 2)}
  climbed = [each for each in parts.values() if 1.0 in each]
  assert climbed and all({0.0, 0.11, 0.33, 1.0} <= each for each in climbed)


def test_promotions_are_counted(bad):
  figures = simulated_figures.of(bad)
  assert figures.trainings[0] == CANDIDATES
  assert figures.trainings[0] > figures.trainings[1] > figures.trainings[2] > 0
  assert all(0 < share <= 1 for share in figures.right)


def test_the_driver_takes_its_time_for_every_candidate(search):
  cluster = search({"driver_ms": 6.0}).cluster
  first = [cluster.handed_out[number] for number in range(10)]
  assert first == pytest.approx([0.006 * (number + 1) for number in range(10)])


def test_a_slow_storage_makes_workers_wait(search):
  figures = simulated_figures.of(search({"storage_ms": 1000.0}))
  assert figures.busy < 0.95


def test_a_search_that_has_ended_hands_nothing_out_again(ideal):
  assert simulated_search.run(ideal.search).cluster.tries == []


def test_a_json_file_takes_five_operations_to_write_and_one_to_read(tmp_path):
  path = str(tmp_path / "file.json")
  with FileOperations() as operations:
    json_files.write_json(path, {})
    assert operations.by_call == {"open": 2, "fsync": 2, "replace": 1}
    json_files.read_json(path)
  assert operations.count == 6
  json_files.read_json(path)
  assert operations.count == 6


def test_a_name_that_is_left_to_the_next_file_costs_two_operations_less(tmp_path):
  path = str(tmp_path / "file.json")
  with FileOperations() as operations:
    json_files.write_json(path, {}, flush_name=False)
  assert operations.by_call == {"open": 1, "fsync": 1, "replace": 1}
  assert json_files.read_json(path) == {}

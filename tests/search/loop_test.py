"""The driver with fake trainings, inline and in processes."""

import dataclasses
import io
import os

import pytest
import search_fakes

from official.runs import console
from official.runs import judge
from official.runs import records
from official.runs.executors import inline
from official.runs.executors import local
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import state as state_lib


class Search:
  """A search that can be started again and again."""

  def __init__(self, path):
    self.run = RunDirectory(str(path))
    self.text = io.StringIO()

  def __call__(self, evaluator=search_fakes.quick, executor=None, **changes):
    settings = search_fakes.settings(**changes)
    with (
      self.run.opened({}, {}),
      executor or inline.Inline(threads=1) as pool,
      console.Console(lines=self.text, terminal=False) as lines,
    ):
      return loop.search(
        self.run, search_fakes.small_space(), settings, search_fakes.CLIP, evaluator, pool, lines
      )

  def results(self):
    return [self.run.read_result(number) for number in range(self.run.count())]


@pytest.fixture
def search(tmp_path):
  return Search(tmp_path)


def in_processes(workers=2):
  return local.Local(workers=workers, threads=1, preload=search_fakes.PRELOAD)


def test_population_and_rounds_make_the_candidates(search):
  search()
  assert [result.status for result in search.results()] == ["ok"] * 8


def test_the_best_is_returned(search):
  (best,) = search()
  fitnesses = [result.fitness for result in search.results()]
  assert best.fitness == max(fitnesses) == fitnesses[best.number]


def test_as_many_as_are_trained_to_the_end_are_returned_best_first(search):
  best = search(final="ensemble", top_k=3, keep_checkpoints=1)
  fitnesses = [result.fitness for result in search.results()]
  assert [member.fitness for member in best] == sorted(fitnesses, reverse=True)[:3]


def test_results_have_the_order_of_finishing_and_no_times(search):
  search()
  for number, result in enumerate(search.results()):
    assert result.finish_order == number
    assert list(result.to_json()) == [
      "format_version",
      "number",
      "status",
      "reason",
      "fitness",
      "metrics",
      "connection_weights",
      "params",
      "multiply_adds",
      "finish_order",
    ]


def test_times_are_kept_apart(search):
  search()
  timing = search.run.read_timing(0)
  assert sorted(timing.to_json()) == ["finished_at", "kills", "seconds", "started_at"]


def test_more_rounds_go_on_and_train_nothing_again(search):
  training = search_fakes.Training()
  search(training)
  before = search.results()
  search(training, rounds=6)
  assert search.results()[:8] == before
  assert len(search.results()) == 10
  for number in range(10):
    path = os.path.join(search.run.candidate_directory(number), "starts.txt")
    with open(path, encoding="utf-8") as file:
      assert file.read() == "0\n"


def test_a_search_in_two_parts_equals_one_in_one(search, tmp_path):
  search(rounds=1)
  search(rounds=4)
  whole = Search(tmp_path / "whole")
  whole(rounds=4)
  assert search.results() == whole.results()


def test_only_the_best_keep_their_weights(search):
  search(search_fakes.Training(), keep_checkpoints=2)
  ranked = sorted(
    search.results(),
    key=lambda result: (-result.fitness, result.loss, result.finish_order),
  )
  keeping = [
    number
    for number in range(8)
    if os.path.exists(
      os.path.join(search.run.candidate_directory(number), "training", "ckpt-10.index")
    )
  ]
  assert keeping == sorted(result.number for result in ranked[:2])


def test_a_candidate_that_is_killed_once_is_trained_again(search):
  search(search_fakes.killed_once, in_processes(), rounds=0)
  assert [result.status for result in search.results()] == ["ok"] * 4
  assert "its process was ended by SIGKILL; trying again" in search.text.getvalue()


def test_a_space_in_which_everything_is_killed_is_told(search):
  with pytest.raises(
    judge.SearchStopped,
    match="none of 4 candidates is feasible; the last: "
    "killed 2 times; the last time: its process was ended by SIGKILL",
  ):
    search(search_fakes.killed, in_processes())
  statuses = [result.status for result in search.results() if result]
  assert statuses == ["infeasible"] * 4


def test_a_loss_that_is_no_number_is_infeasible(search):
  with pytest.raises(judge.SearchStopped, match="none of 4 .* its loss is not a number"):
    search(search_fakes.diverges, fitness="loss")
  assert search.results()[0].loss is None


def test_the_same_fault_three_times_stops_the_search(search):
  with pytest.raises(judge.SearchStopped, match="000000, 000001, 000002 failed alike"):
    search(search_fakes.raises)
  assert [result.status for result in search.results()] == ["failed"] * 3


def test_a_mended_fault_lets_the_search_go_on(search):
  with pytest.raises(judge.SearchStopped):
    search(search_fakes.raises)
  search()
  statuses = [result.status for result in search.results()]
  assert statuses == ["failed"] * 3 + ["ok"] * 5


def test_a_deleted_result_is_trained_again(search):
  with pytest.raises(judge.SearchStopped):
    search(search_fakes.raises)
  for number in range(3):
    os.unlink(os.path.join(search.run.candidate_directory(number), "result.json"))
  search()
  assert [result.status for result in search.results()] == ["ok"] * 8
  assert "8 of 8 candidates finished" in search.text.getvalue()


def test_one_failure_is_recorded_and_never_a_parent(search):
  search(search_fakes.third_raises, rounds=12)
  assert search.results()[2].status == "failed"
  for number in range(4, 16):
    assert 2 not in search.run.read_candidate(number).tournament


def test_a_free_slot_is_filled_at_once(search):
  """While a slow candidate trains, the other worker does all the rest."""
  search(search_fakes.slow_first, in_processes())
  orders = [result.finish_order for result in search.results()]
  assert orders == [7, *range(7)]


def test_parents_are_drawn_only_when_the_population_has_finished(search):
  search(search_fakes.quick, in_processes(workers=3))
  for number in range(8):
    candidate = search.run.read_candidate(number)
    assert (candidate.parent is None) == (candidate.known_results < 4)


def test_more_initial_candidates_than_the_population_has_come_first(search):
  search(initial_candidates=6)
  candidates = [search.run.read_candidate(number) for number in range(10)]
  assert [candidate.parent is None for candidate in candidates] == [True] * 6 + [False] * 4


def test_of_the_initial_candidates_the_best_survive(search):
  search(initial_candidates=7, rounds=0)
  state, _ = state_lib.replay(search.run, search_fakes.settings(initial_candidates=7))
  ranked = sorted(
    search.results(),
    key=lambda result: (-result.fitness, result.loss, result.finish_order),
  )
  assert sorted(member.number for member in state.population) == sorted(
    result.number for result in ranked[:4]
  )


def test_guided_by_sensitivity_the_weakest_connections_go(search):
  search(search_fakes.with_sensitivities, guidance="sensitivity", max_operators=0)
  child = search.run.read_candidate(7)
  values = {
    (entry.source, entry.target): entry.value
    for entry in search.run.read_result(child.parent).sensitivities
  }
  scores = {(entry["source"], entry["target"]): entry["value"] for entry in child.child["scores"]}
  assert scores == values
  assert child.child["pruned"]


def test_nothing_new_is_begun_once_the_target_is_reached(search):
  search(target_fitness=0.0)
  assert len(search.results()) == 1
  assert "--target_fitness=0 is reached: nothing new is begun" in search.text.getvalue()


def test_without_the_target_the_same_search_goes_on(search):
  search(target_fitness=0.0)
  search()
  assert [result.status for result in search.results()] == ["ok"] * 8


def test_nothing_new_is_begun_when_the_hours_are_over(search):
  search(rounds=0)
  search.run.write_searched_seconds(3600.0)
  search(max_hours=1.0)
  assert len(search.results()) == 4
  assert "--max_hours=1 are over: nothing new is begun" in search.text.getvalue()


def test_hours_count_over_all_lives_of_the_driver(search):
  search(rounds=0)
  before = search.run.searched_seconds()
  search(rounds=1)
  assert search.run.searched_seconds() > before > 0


def test_without_retries_one_kill_is_infeasible(search):
  with pytest.raises(judge.SearchStopped, match="killed: its process was ended by SIGKILL"):
    search(search_fakes.killed_once, in_processes(), max_retries=0)


def test_replay_gives_the_state_that_the_driver_had(search):
  settings = search_fakes.settings(remove="worst_sampled", rounds=12)
  search(rounds=12, remove="worst_sampled")
  live = state_lib.SearchState(settings)
  for number in range(16):
    live.record(search.run.read_result(number), search.run.read_candidate(number).tournament)
  replayed, in_flight = state_lib.replay(search.run, settings)
  assert in_flight == []
  assert replayed.population == live.population
  assert replayed.leaders == live.leaders
  assert (replayed.finished, replayed.proposed) == (16, 16)


def test_replay_follows_the_order_of_finishing(search):
  search(rounds=0)
  for number, order in enumerate([2, 0, 3, 1]):
    result = search.run.read_result(number)
    search.run.write_result(dataclasses.replace(result, finish_order=order), records.Timing())
  state, _ = state_lib.replay(search.run, search_fakes.settings())
  assert [member.number for member in state.population] == [1, 3, 0, 2]


def test_without_a_terminal_there_is_a_line_for_every_start_and_end(search):
  search(rounds=1)
  lines = search.text.getvalue().splitlines()
  assert lines[0] == "candidate 000000 (random): started"
  assert lines[1].startswith("candidate 000000 (random): accuracy 0.")
  assert lines[1].endswith(", 1,234 parameters")
  assert lines[2].startswith("1 of 5 candidates finished; best accuracy 0.")
  assert "(child of 00000" in lines[-2]


def test_a_loss_is_told_positive_and_reached_from_above(search):
  search(fitness="loss", rounds=0)
  losses = [result.loss for result in search.results()]
  text = search.text.getvalue()
  assert f"4 of 4 candidates finished; best loss {min(losses):.4f} (candidate" in text
  assert "-0." not in text
  search(fitness="loss", rounds=4, target_fitness=min(losses) + 0.01)
  assert len(search.results()) == 4
  assert "is reached: nothing new is begun" in search.text.getvalue()

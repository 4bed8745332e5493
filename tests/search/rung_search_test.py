"""Searches with rungs: what they leave, killed or not, and what people are told."""

import io
import os
import pathlib

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs import rung_records
from official.runs.executors import inline
from official.runs.executors import local
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import overview
from official.search import promotion
from official.search import state as state_lib

CHANGES = dict(rungs="2,5,10", rounds=12)


class Killed(BaseException):
  """Stands for SIGKILL."""


class Mortal:
  """A training during which the driver is killed: at the start, or at the end, of one call."""

  def __init__(self, at=-1, *, before=True):
    self._left, self._before = at, before

  def __call__(self, candidate, directory):
    self._left -= 1
    if self._left == -1 and self._before:
      raise Killed
    value = search_fakes.Training()(candidate, directory)
    if self._left == -1:
      raise Killed
    return value


def search(path, evaluator=None, executor=None, **changes):
  """Searches or resumes; returns the best and what was said."""
  run, settings = RunDirectory(str(path)), search_fakes.settings(**{**CHANGES, **changes})
  said = io.StringIO()
  with (
    run.opened(settings.identity(), settings.operation()),
    executor or inline.Inline(threads=1) as pool,
    console.Console(lines=said, terminal=False) as lines,
  ):
    best = loop.search(
      run,
      search_fakes.small_space(),
      settings,
      search_fakes.CLIP,
      evaluator or search_fakes.Training(),
      pool,
      lines,
    )
  return best, said.getvalue()


def records(path):
  names = ("candidate.json", "rung_?.json", "promotion_?.json", "result.json")
  return {
    str(file.relative_to(path)): file.read_bytes()
    for name in names
    for file in pathlib.Path(path).glob(f"candidates/*/{name}")
  }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
  path = tmp_path_factory.mktemp("whole")
  _, said = search(path)
  return path, said


def test_a_third_goes_on_from_every_rung(whole):
  path, _ = whole
  run = RunDirectory(str(path))
  climbs = [rung_records.read_climb(run, number) for number in range(16)]
  judged = [sum(len(climb.results) > rung for climb in climbs) for rung in (0, 1)]
  finished = sum(run.read_result(number) is not None for number in range(16))
  assert judged[0] == 16 and judged[1] >= 16 // 3 and finished >= judged[1] // 3


def test_only_who_finished_the_last_rung_is_a_parent(whole):
  path, _ = whole
  run = RunDirectory(str(path))
  parents = {run.read_proposal(number).parent for number in range(16)} - {None}
  assert parents
  assert all(run.read_result(parent).status == "ok" for parent in parents)


def test_a_promoted_candidate_goes_on_from_its_own_checkpoint(whole):
  path, _ = whole
  run = RunDirectory(str(path))
  finished = next(number for number in range(16) if run.read_result(number))
  starts = pathlib.Path(run.candidate_directory(finished), "starts.txt").read_text()
  assert starts.split() == ["0", "2", "5"]


@pytest.mark.parametrize("before", [True, False])
def test_killed_at_any_training_and_resumed_it_leaves_the_same_files(whole, tmp_path, before):
  expected = records(whole[0])
  for at in (0, 3, 12, 20):
    path = tmp_path / str(at)
    with pytest.raises(Killed):
      search(path, Mortal(at, before=before))
    search(path)
    assert records(path) == expected, at


def test_ended_after_some_rounds_and_given_more_it_goes_on(tmp_path):
  search(tmp_path, rounds=3)
  before = records(tmp_path)
  search(tmp_path, rounds=9)
  after = records(tmp_path)
  assert all(after[name] == content for name, content in before.items())
  assert sum(name.endswith("candidate.json") for name in after) == 13


def test_a_search_too_small_for_a_promotion_still_has_a_winner(tmp_path):
  (best,), _ = search(tmp_path, rounds=0)
  assert RunDirectory(str(tmp_path)).read_result(best.number).fitness == best.fitness


def test_as_many_finish_as_are_trained_to_the_end(tmp_path):
  best, _ = search(tmp_path, rounds=0, final="ensemble", top_k=3)
  assert len(best) == 3


def test_hours_that_are_over_still_leave_a_winner(tmp_path):
  with pytest.raises(Killed):
    search(tmp_path, Mortal(2))
  best, said = search(tmp_path, max_hours=1e-9)
  assert len(best) == 1
  assert "--max_hours=1e-09 are over: nothing new is begun; 0 in flight" in said


def test_several_workers_record_what_the_same_files_decide_again(tmp_path):
  pool = local.Local(workers=3, threads=1, preload=search_fakes.PRELOAD)
  search(tmp_path, executor=pool, workers=3, rounds=8)
  run = RunDirectory(str(tmp_path))
  climbs = [rung_records.read_climb(run, number) for number in range(12)]
  results = sorted(
    (each for climb in climbs for each in climb.results), key=lambda each: each.finish_order
  )
  promotions = sorted(
    (each for climb in climbs for each in climb.promotions), key=lambda each: each.known_results
  )
  for made in promotions[:-1]:  # The last may be that of a search that lacks a winner.
    ladder = promotion.Ladder(3)
    for each in results:
      if each.finish_order < made.known_results:
        ladder.judge(each.number, each.rung, (-each.fitness, each.loss, each.finish_order))
    for each in promotions[: promotions.index(made)]:
      ladder.promote(promotion.Step(number=each.number, rung=each.rung))
    assert ladder.promotable() == promotion.Step(number=made.number, rung=made.rung)


def test_who_rests_is_neither_failed_nor_in_flight(whole):
  path, said = whole
  status = overview.read(str(path))
  assert status.in_flight == () and status.failures == ()
  assert status.finished + sum(each.count for each in status.resting) == status.asked == 16
  count = status.resting[0].count
  assert f"stopped: {count} at rung 0 (2 steps), " in overview.text(status)
  assert "candidate 000001 (random), rung 1: accuracy " in said
  assert "no candidate has finished the last rung yet" in said


def test_weights_of_those_who_rest_are_dropped_at_the_end(whole):
  path, _ = whole
  run = RunDirectory(str(path))
  for number in range(16):
    checkpoint = os.path.join(run.candidate_directory(number), "training", "checkpoint")
    assert os.path.exists(checkpoint) == (run.read_result(number) is not None)


def test_replay_knows_what_the_driver_knew(whole):
  path, _ = whole
  settings = search_fakes.settings(**CHANGES)
  state, in_flight = state_lib.replay(RunDirectory(str(path)), settings)
  assert in_flight == []
  assert state.ladder.judged()[0] == 16
  assert state.known_results == state.next_order


def test_who_is_infeasible_at_a_rung_has_ended(tmp_path):
  class Diverges:
    def __call__(self, candidate, directory):
      if candidate.get("stop_at") == 5:
        return {"status": "infeasible", "reason": "diverged"}
      return search_fakes.Training()(candidate, directory)

  with pytest.raises(Exception, match="no candidate is feasible"):
    search(tmp_path, Diverges())
  status = overview.read(str(tmp_path))
  assert status.by_status["infeasible"] == status.finished >= 5
  assert status.in_flight == ()


def test_a_record_that_is_missing_is_named(tmp_path):
  search(tmp_path)
  run = RunDirectory(str(tmp_path))
  number = next(number for number in range(16) if run.read_result(number))
  path = os.path.join(run.candidate_directory(number), "rung_0.json")
  os.remove(path)
  with pytest.raises(cli.UserError) as error:
    overview.read(str(tmp_path))
  assert str(error.value).startswith(f"{path} is missing, though later records are there; restore")

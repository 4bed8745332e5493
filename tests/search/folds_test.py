"""Candidates that are judged on different folds: how they are compared, and what is recorded."""

import os

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import folds
from official.search import loop
from official.search import state as state_lib
from official.search.population import Member


def _adjusted(fitnesses, count=2, rank="within"):
  """Returns the fitnesses that are compared, of candidates 0, 1, 2, ..."""
  effects = folds.Effects(count, rank)
  members = [
    Member(number=number, fitness=fitness, loss=None, age=number)
    for number, fitness in enumerate(fitnesses)
  ]
  for member in members:
    effects.add(member)
  return [member.fitness for member in effects.adjusted(members)]


def test_an_easy_fold_gives_no_advantage():
  # Means 0.8 and 0.4, 0.2 from the middle; each of 2 candidates, so that half of it is believed.
  assert _adjusted([0.9, 0.5, 0.7, 0.3]) == pytest.approx([0.8, 0.6, 0.6, 0.4])


def test_within_a_fold_the_order_stays():
  adjusted = _adjusted([0.9, 0.1, 0.5, 0.3, 0.7, 0.2], count=3)
  assert adjusted[0] > adjusted[3] and adjusted[4] > adjusted[1] and adjusted[2] > adjusted[5]


def test_the_first_candidate_keeps_its_fitness():
  assert _adjusted([0.75]) == [0.75]


@pytest.mark.parametrize("count, rank", [(2, "all"), (None, "within")])
def test_otherwise_fitness_is_compared_as_it_is(count, rank):
  assert _adjusted([0.9, 0.5, 0.7, 0.3], count, rank) == [0.9, 0.5, 0.7, 0.3]


def _by_fold(candidate, directory):
  """Is better on fold 0 than on others."""
  value = search_fakes.quick(candidate, directory)
  bonus = 1.0 if candidate["fold"] == 0 else 0.0
  metrics = {**value["metrics"], "accuracy": value["metrics"]["accuracy"] / 2 + bonus}
  return {**value, "metrics": metrics}


def _search(path, **changes):
  run, settings = RunDirectory(str(path)), search_fakes.settings(**changes)
  with (
    run.opened(settings.identity(), settings.operation()),
    inline.Inline(threads=1) as pool,
    console.Console(lines=open(os.devnull, "w", encoding="utf-8"), terminal=False) as lines,
  ):
    return loop.search(
      run, search_fakes.small_space(), settings, search_fakes.CLIP, _by_fold, pool, lines
    )


def _files(path):
  return {
    str(file.relative_to(path)): file.read_text()
    for name in ("candidate.json", "result.json")
    for file in path.glob(f"candidates/*/{name}")
  }


def test_candidates_come_to_folds_in_turn(tmp_path):
  _search(tmp_path, folds=3)
  run = RunDirectory(str(tmp_path))
  assert [run.read_proposal(number).others["fold"] for number in range(8)] == [
    0, 1, 2, 0, 1, 2, 0, 1,
  ]  # fmt: skip


def test_a_search_in_two_parts_equals_one_in_one(tmp_path):
  _search(tmp_path / "parts", folds=3, rounds=2)
  parts = _search(tmp_path / "parts", folds=3, rounds=8)
  whole = _search(tmp_path / "whole", folds=3, rounds=8)
  assert parts == whole
  assert _files(tmp_path / "parts") == _files(tmp_path / "whole")
  run, settings = RunDirectory(str(tmp_path / "whole")), search_fakes.settings(folds=3, rounds=8)
  state, _ = state_lib.replay(run, settings)
  assert state.finalists == whole


def test_confirmations_are_judged_by_the_same_folds(tmp_path):
  seen = []

  def told(candidate, directory):
    seen.append((directory, candidate["fold"]))
    return _by_fold(candidate, directory)

  run, settings = RunDirectory(str(tmp_path)), search_fakes.settings(folds=2, confirm="2:3")
  with (
    run.opened(settings.identity(), settings.operation()),
    inline.Inline(threads=1) as pool,
    console.Console(lines=open(os.devnull, "w", encoding="utf-8"), terminal=False) as lines,
  ):
    loop.search(run, search_fakes.small_space(), settings, search_fakes.CLIP, told, pool, lines)
  again = [(os.path.basename(path), fold) for path, fold in seen if "confirm_" in path]
  assert sorted(again) == sorted(2 * [("confirm_1", 0), ("confirm_2", 1), ("confirm_3", 0)])


def test_without_folds_nothing_is_recorded():
  assert folds.record(None, 5) == {}
  assert not {"folds", "fold_rank"} & search_fakes.settings().identity().keys()
  assert search_fakes.settings(folds=3).identity()["folds"] == 3


@pytest.mark.parametrize(
  "changes, message",
  [
    (
      {"fold_rank": "all"},
      "--fold_rank=all has no effect without --folds; give both or neither",
    ),
    ({"folds": 1}, "--folds=1 is out of range; give a number of at least 2"),
    (
      {"folds": 3, "inherit": "blocks"},
      "--folds=3 and --inherit=blocks exclude each other, because a child would begin with weights "
      "that have learned from the clips of its fold; leave one of them out",
    ),
    (
      {"folds": 3, "rungs": "20,200"},
      "--folds=3 and --rungs=20,200 exclude each other, because rungs would compare candidates of "
      "different folds; leave one of them out",
    ),
    (
      {"folds": 3, "objectives": "accuracy,params"},
      "--folds=3 and --objectives=accuracy,params exclude each other, because fronts would compare "
      "candidates of different folds; leave one of them out",
    ),
  ],
)
def test_what_does_not_go_together_is_refused(changes, message):
  with pytest.raises(cli.UserError) as error:
    search_fakes.settings(**changes)
  assert str(error.value) == message

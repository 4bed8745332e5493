"""The best of a search, trained again with other seeds: who is the best then, and the records."""

import dataclasses
import json
import os
import random

from hypothesis import given
from hypothesis import strategies as st
import pytest
import search_fakes

from official.runs import console
from official.runs import judge
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import confirmation
from official.search import confirmation_trainings
from official.search import loop
from official.search import overview
from official.search import state as state_lib


def _row(number, *fitnesses, **others):
  return confirmation.Row(number=number, searched=1.0, fitnesses=fitnesses, **others)


def _order(rows):
  return [row.number for row in confirmation.ranked(rows)]


def test_the_fitness_of_the_search_does_not_count():
  lucky = dataclasses.replace(_row(0, 0.5, 0.5), searched=1.0)
  honest = dataclasses.replace(_row(1, 0.6, 0.6), searched=0.7)
  assert _order([lucky, honest]) == [1, 0]


def test_the_bound_pools_the_deviation_of_all():
  # Squares: 2 * 0.1^2 + 2 * 0.2^2 = 0.1, of 2 degrees of freedom.
  first, second = confirmation.ranked([_row(0, 0.6, 0.8), _row(1, 0.3, 0.7)])
  margin = 2.920 * (0.1 / 2) ** 0.5 / 2**0.5
  assert (first.mean, second.mean) == (pytest.approx(0.7), pytest.approx(0.5))
  assert first.lower_bound == pytest.approx(0.7 - margin)
  assert second.lower_bound == pytest.approx(0.5 - margin)


def test_with_one_seed_the_mean_decides():
  (only,) = confirmation.ranked([_row(0, 0.75)])
  assert only.lower_bound == only.mean == 0.75


def test_of_equals_the_one_of_lower_loss_comes_first_then_the_better_of_the_search():
  assert _order([_row(0, 0.5, loss=2.0), _row(1, 0.5, loss=1.0)]) == [1, 0]
  assert _order([_row(7, 0.5, loss=1.0), _row(1, 0.5, loss=1.0)]) == [7, 1]


def test_one_that_could_not_be_trained_comes_last():
  assert _order([_row(0, 0.9, None), _row(1, 0.1, 0.1)]) == [1, 0]


@given(st.lists(st.lists(st.floats(-1, 1), min_size=2, max_size=2), min_size=1, max_size=6))
def test_the_order_does_not_depend_on_that_of_the_rows(fitnesses):
  rows = [_row(n, *values, loss=float(n)) for n, values in enumerate(fitnesses)]
  assert confirmation.ranked(rows) == confirmation.ranked(rows[::-1])


@pytest.mark.parametrize(
  "freedom, point", [(1, 6.314), (2, 2.920), (10, 1.812), (30, 1.697), (31, 1.645)]
)
def test_points_of_student_s_distribution(freedom, point):
  assert confirmation.t_95(freedom) == point


def test_a_plan_is_a_number_of_candidates_and_of_seeds():
  assert confirmation.parse("3:2") == confirmation.Plan(candidates=3, seeds=2)
  assert confirmation.parse(None).trainings == 0


def noisy(candidate, directory):
  """Trains with checkpoints, and is as good as its seed says."""
  value = search_fakes.Training()(candidate, directory)
  accuracy = random.Random(candidate["seed"]).random()
  return {**value, "metrics": {**value["metrics"], "accuracy": accuracy}}


def _search(path, evaluator=noisy, **changes):
  run, settings = RunDirectory(str(path)), search_fakes.settings(**changes)
  flags = {**settings.identity(), **settings.operation()}
  with (
    run.opened(settings.identity(), flags),
    inline.Inline(threads=1) as pool,
    console.Console(lines=open(os.devnull, "w", encoding="utf-8"), terminal=False) as lines,
  ):
    return loop.search(
      run, search_fakes.small_space(), settings, search_fakes.CLIP, evaluator, pool, lines
    )


def _confirmed(path):
  """Returns the contents of all records of confirmations, by path."""
  return {
    str(file.relative_to(path)): json.loads(file.read_text())
    for file in sorted(path.glob("candidates/*/confirm_*/result.json"))
  }


def test_the_best_of_other_seeds_is_trained_to_the_end(tmp_path):
  chosen = _search(tmp_path, confirm="3:2", final="top_k", top_k=4, seed=3)
  records = _confirmed(tmp_path)
  assert len(records) == 6
  means = {}
  for member in sorted(chosen[:3], key=lambda member: member.rank):
    values = [
      records[f"candidates/{member.number:06d}/confirm_{which}/result.json"]["fitness"]
      for which in (1, 2)
    ]
    means[member.number] = sum(values)
  assert [member.number for member in chosen[:3]] == sorted(means, key=means.get, reverse=True)
  assert chosen[0].number != max(chosen, key=lambda member: member.fitness).number
  assert chosen[3].fitness < min(member.fitness for member in chosen[:3])


def test_other_seeds_are_other_ones_and_weights_are_deleted(tmp_path):
  _search(tmp_path, confirm="2:2")
  run = RunDirectory(str(tmp_path))
  seeds = [run.read_proposal(number).seed for number in range(run.count())]
  seeds += [record["seed"] for record in _confirmed(tmp_path).values()]
  assert len(set(seeds)) == len(seeds) == 12
  assert not list(tmp_path.glob("candidates/*/confirm_*/training"))


@dataclasses.dataclass
class Stopping:
  """Leaves as a signal would after so many trainings, in the midst of the next."""

  left: int

  def __call__(self, candidate, directory):
    self.left -= 1
    if self.left < 0:
      search_fakes.Training(steps=5)(candidate, directory)
      raise KeyboardInterrupt
    return noisy(candidate, directory)


@pytest.mark.parametrize("trainings", [8, 9, 11])
def test_a_confirmation_that_is_interrupted_resumes(tmp_path, trainings):
  whole = _search(tmp_path / "whole", confirm="2:2")
  with pytest.raises(KeyboardInterrupt):
    _search(tmp_path / "parts", Stopping(trainings), confirm="2:2")
  status = overview.read(str(tmp_path / "parts"))
  assert status.final is None
  assert sum(row.awaited for row in status.confirmation) == 12 - trainings
  assert _search(tmp_path / "parts", confirm="2:2") == whole
  assert _confirmed(tmp_path / "parts") == _confirmed(tmp_path / "whole")
  starts = [file.read_text() for file in tmp_path.glob("parts/candidates/*/confirm_*/starts.txt")]
  assert sorted(starts) == ["0\n", "0\n", "0\n", "0\n5\n"]


def test_more_seeds_train_only_what_is_missing(tmp_path):
  _search(tmp_path, confirm="2:1")
  before = _confirmed(tmp_path)
  _search(tmp_path, confirm="3:2")
  after = _confirmed(tmp_path)
  assert len(after) == 6 and before.items() <= after.items()


def test_without_the_flag_nothing_is_confirmed(tmp_path):
  (best,) = _search(tmp_path)
  assert not _confirmed(tmp_path)
  assert best.fitness == max(
    RunDirectory(str(tmp_path)).read_result(number).fitness for number in range(8)
  )


def test_an_infeasible_confirmation_is_recorded_and_loses(tmp_path):
  def diverges_again(candidate, directory):
    again = "confirm_" in directory and candidate["number"] == best.number
    return (search_fakes.runs_out_of_memory if again else noisy)(candidate, directory)

  (best,) = _search(tmp_path)
  (chosen,) = _search(tmp_path, diverges_again, confirm="2:1")
  assert chosen.number != best.number
  (record,) = [each for each in _confirmed(tmp_path).values() if each["number"] == best.number]
  assert record["status"] == "infeasible"


def test_a_fault_of_the_program_stops_and_leaves_no_record(tmp_path):
  _search(tmp_path)
  with pytest.raises(judge.SearchStopped, match="the confirmation 1 of 1 of candidate 0"):
    _search(tmp_path, search_fakes.raises, confirm="1:1")
  assert not _confirmed(tmp_path)


def test_the_table_says_what_counts(tmp_path):
  _search(tmp_path, confirm="1:2")
  run, settings = RunDirectory(str(tmp_path)), search_fakes.settings(confirm="1:2")
  (row,) = confirmation_trainings.read(run, settings, state_lib.replay(run, settings)[0])
  lines = list(confirmation.lines([row], "accuracy"))
  assert lines[0] == (
    "confirmation of the best 1 by accuracy with other seeds: 2 of 2 trainings finished"
  )
  assert lines[1] == "  candidate  in the search (does not count)   mean  lower bound  each"
  assert lines[2].split() == [
    f"{row.number:06d}",
    *(f"{each:.4f}" for each in (row.searched, row.mean, row.lower_bound, *row.fitnesses)),
  ]
  assert lines[0] in overview.text(overview.read(str(tmp_path)))

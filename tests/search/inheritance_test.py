"""Records and retention of the weights that children begin with, on fake trainings."""

import io
import os

import pytest
import search_fakes

from official.runs import console
from official.runs import records
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import inheritance
from official.search import loop
from official.search import overview
from official.search import proposals
from official.search import state as state_lib

INHERITING = search_fakes.Inheriting()


class Search:
  """A search with inheritance that can be started again and again."""

  def __init__(self, path):
    self.run = RunDirectory(str(path))

  def settings(self, **changes):
    return search_fakes.settings(**{"inherit": "blocks", "keep_checkpoints": 0, **changes})

  def __call__(self, evaluator=INHERITING, **changes):
    settings = self.settings(**changes)
    with (
      self.run.opened(settings.identity(), settings.operation()),
      inline.Inline(threads=1) as pool,
      console.Console(lines=io.StringIO(), terminal=False) as quiet,
    ):
      return loop.search(
        self.run, search_fakes.small_space(), settings, search_fakes.CLIP, evaluator, pool, quiet
      )

  def state(self, **changes):
    return state_lib.replay(self.run, self.settings(**changes))[0]

  def propose(self, **changes):
    """Proposes the next candidate, and leaves it in flight."""
    settings, space = self.settings(**changes), search_fakes.small_space()
    candidate = proposals.propose(
      self.run, self.state(**changes), space, settings, search_fakes.CLIP
    )
    self.run.write_candidate(candidate)
    return candidate

  def results(self):
    return [self.run.read_result(number) for number in range(self.run.count())]

  def keeping(self):
    """Returns the numbers of those that have weights."""
    return {
      number
      for number in range(self.run.count())
      if os.path.exists(
        os.path.join(self.run.candidate_directory(number), "training", "ckpt-10.index")
      )
    }


@pytest.fixture
def search(tmp_path):
  return Search(tmp_path)


@pytest.mark.parametrize("remove", ["worst", "worst_sampled", "oldest"])
def test_every_child_finds_its_parents_weights_and_the_population_alone_keeps_its_own(
  search, remove
):
  search(remove=remove, rounds=8)
  assert {result.status for result in search.results()} == {"ok"}
  members = {member.number for member in search.state(remove=remove).population}
  assert search.keeping() == members and len(members) == 4


def test_the_best_keep_their_weights_besides(search):
  search(remove="oldest", rounds=8, keep_checkpoints=3)
  state = search.state(remove="oldest", keep_checkpoints=3)
  expected = {member.number for member in (*state.population, *state.leaders[:3])}
  assert search.keeping() == expected


def test_a_parent_that_left_the_population_keeps_its_weights_while_a_child_is_in_flight(search):
  one = {"population_size": 1, "tournament_size": 1, "remove": "oldest"}
  search(**one, rounds=0)
  children = [search.propose(**one), search.propose(**one)]
  assert [child.parent for child in children] == [0, 0]
  seen = []

  def looking(candidate, directory):
    seen.append((candidate["number"], search.keeping()))
    return INHERITING(candidate, directory)

  search(looking, **one, rounds=2)
  # Candidate 1 has sent 0 from the population when 2 begins, which still finds its weights.
  assert seen == [(1, {0}), (2, {0, 1})]
  assert [result.status for result in search.results()] == ["ok"] * 3
  assert search.keeping() == {2}


class Killed(BaseException):
  """Ends a driver as a signal does."""


@pytest.mark.parametrize("number", [4, 6, 7])
@pytest.mark.parametrize("after", [0, 5])
def test_a_search_that_was_stopped_and_resumed_equals_one_that_was_not(
  search, tmp_path, number, after
):
  """The candidate has made no step, or has a checkpoint of its own."""

  def stopping(candidate, directory):
    if candidate["number"] == number:
      if after:
        search_fakes.Inheriting(steps=after)(candidate, directory)
      raise Killed
    return INHERITING(candidate, directory)

  whole = Search(tmp_path / "whole")
  whole(remove="oldest")
  with pytest.raises(Killed):
    search(stopping, remove="oldest")
  search(remove="oldest")
  assert search.results() == whole.results()
  assert search.keeping() == whole.keeping()


def test_a_candidate_says_how_long_its_ancestors_were_trained_and_what_its_parent_is(search):
  search()
  for result in search.results():
    candidate = search.run.read_proposal(result.number)
    steps = candidate.others["lineage_steps"]
    assert inheritance.lineage_steps(result) == steps + 10
    if candidate.parent is None:
      assert steps == 0 and "parent_architecture" not in candidate.others
    else:
      parent = search.run.read_result(candidate.parent)
      assert steps == inheritance.lineage_steps(parent)
      assert (
        candidate.others["parent_architecture"]
        == search.run.read_proposal(candidate.parent).architecture
      )


def test_without_inheritance_nothing_is_recorded_and_nothing_kept(search):
  search(search_fakes.Training(), inherit="none")
  assert search.keeping() == set()
  assert "inherit" not in search.run.recorded().identity
  assert all(search.run.read_proposal(number).others == {} for number in range(search.run.count()))


def test_inheritance_is_identity(search):
  search(rounds=0)
  assert search.run.recorded().identity["inherit"] == "blocks"
  with pytest.raises(Exception, match="--inherit was blocks"):
    search(inherit="none", rounds=0)


def test_status_says_how_long_the_best_and_its_ancestors_were_trained(search):
  search()
  status = overview.read(search.run.path)
  steps = inheritance.lineage_steps(search.run.read_result(status.best.number))
  assert status.best.lineage_steps == steps
  assert f", {steps} training steps with its ancestors'" in overview.text(status)


def test_results_of_other_searches_have_no_lineage():
  assert inheritance.lineage_steps(records.Result(number=0, status="ok")) is None


def test_with_rungs_every_child_finds_its_parents_weights_too(search):
  search(rungs="5,10", rounds=20)
  results = [result for result in search.results() if result is not None]
  children = [result for result in results if search.run.read_proposal(result.number).child]
  assert children and {result.status for result in results} == {"ok"}


def test_a_search_with_rungs_in_two_parts_equals_one_in_one(tmp_path):
  parts, whole = Search(tmp_path / "parts"), Search(tmp_path / "whole")
  parts(rungs="5,10", rounds=7)
  assert parts(rungs="5,10", rounds=20) == whole(rungs="5,10", rounds=20)
  assert parts.results() == whole.results()

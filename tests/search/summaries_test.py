"""The search's curves, read as TensorBoard reads them."""

import io
import itertools
import os

import pytest
import search_fakes
from tensorboard.backend.event_processing import event_accumulator

from official.search import console
from official.search import loop
from official.search.executors import inline
from official.search.run_directory import RunDirectory


def search(path, **changes):
  settings = search_fakes.settings(**changes)
  run = RunDirectory(str(path))
  with run.opened({}, {}), console.Console(lines=io.StringIO(), terminal=False) as quiet:
    loop.search(run, search_fakes.small_space(), settings, search_fakes.CLIP, search_fakes.quick,
                inline.Inline(threads=1), quiet)
  return run


def curve(run, name):
  events = event_accumulator.EventAccumulator(os.path.join(run.path, "search"))
  events.Reload()
  return {event.step: event.value for event in events.Scalars(f"search/{name}")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
  return search(tmp_path_factory.mktemp("run"))


def test_the_step_is_the_number_of_finished_candidates(run):
  assert list(curve(run, "best_fitness")) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_best_never_falls(run):
  fitnesses = [run.read_result(number)["fitness"] for number in range(8)]
  assert list(curve(run, "best_fitness").values()) == pytest.approx(
      list(itertools.accumulate(fitnesses, max)))


def test_the_mean_is_that_of_the_population(run):
  fitnesses = [run.read_result(number)["fitness"] for number in range(4)]
  assert curve(run, "population_mean")[4] == pytest.approx(sum(fitnesses) / 4)


def test_one_member_has_no_diversity_and_several_have_some(run):
  diversity = curve(run, "diversity")
  assert diversity[1] == 0
  assert 0 < diversity[4] < 1


def test_parameters_are_those_of_the_best(run):
  assert set(curve(run, "params_of_best").values()) == {1234}


def test_a_search_that_goes_on_continues_its_curves(tmp_path):
  search(tmp_path, rounds=0)
  run = search(tmp_path, rounds=2)
  assert list(curve(run, "best_fitness")) == [1, 2, 3, 4, 5, 6]
  assert len(os.listdir(tmp_path / "search")) == 2

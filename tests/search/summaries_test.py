"""The search's curves, read as TensorBoard reads them."""

import io
import itertools
import os
import pathlib
import subprocess
import sys

import pytest
import search_fakes
from tensorboard.backend.event_processing import event_accumulator

from official.architecture import serialization
from official.architecture.architecture import Architecture
from official.architecture.architecture import Block
from official.architecture.architecture import Connection
from official.runs import console
from official.runs import records
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import state as state_lib
from official.search import summaries

ROOT = pathlib.Path(__file__).resolve().parents[2]


def search(path, **changes):
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
  fitnesses = [run.read_result(number).fitness for number in range(8)]
  assert list(curve(run, "best_fitness").values()) == pytest.approx(
    list(itertools.accumulate(fitnesses, max))
  )


def test_the_mean_is_that_of_the_population(run):
  fitnesses = [run.read_result(number).fitness for number in range(4)]
  assert curve(run, "population_mean")[4] == pytest.approx(sum(fitnesses) / 4)


def test_one_member_has_no_diversity_and_several_have_some(run):
  diversity = curve(run, "diversity")
  assert diversity[1] == 0
  assert 0 < diversity[4] < 1


def diversity(path, first, second):
  """Returns the diversity of two members, each given as (dilation of b, targets of a)."""
  run = RunDirectory(str(path))
  state = state_lib.SearchState(search_fakes.settings())
  for number, (dilation, targets) in enumerate([first, second]):
    architecture = Architecture(
      (
        Block(id="a", level=0, kind="stem_2d", channels=4, streams=("rgb",), spatial_stride=2),
        Block(id="b", level=1, kind="basic_2plus1d", channels=4, temporal_dilation=dilation),
        Block(id="c", level=2, kind="basic_2plus1d", channels=4),
      ),
      (*(Connection("a", target) for target in targets), Connection("b", "c")),
    )
    run.write_candidate(
      records.Candidate(number=number, seed=0, architecture=serialization.to_json(architecture))
    )
    result = records.Result(number=number, status="ok", fitness=0.5, metrics={}, params=1)
    run.write_result(result, records.Timing())
    state.record(result, ())
  return summaries.Summaries(run).values(state)["search/diversity"]


@pytest.mark.parametrize(
  "second, distance",
  [
    ((1, "bc"), 0),
    ((1, "b"), 1 / 3),
    ((2, "bc"), 2 / 4),
    ((2, "b"), 3 / 4),
  ],
)
def test_diversity_is_the_share_of_connections_that_are_not_in_common(tmp_path, second, distance):
  assert diversity(tmp_path, (1, "bc"), second) == pytest.approx(distance)


def test_the_driver_writes_curves_without_tensorflow():
  program = (
    "import sys; from official.search import summaries; sys.exit('tensorflow' in sys.modules)"
  )
  subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_parameters_are_those_of_the_best(run):
  assert set(curve(run, "params_of_best").values()) == {1234}


def test_a_search_that_goes_on_continues_its_curves(tmp_path):
  search(tmp_path, rounds=0)
  run = search(tmp_path, rounds=2)
  assert list(curve(run, "best_fitness")) == [1, 2, 3, 4, 5, 6]
  assert len(os.listdir(tmp_path / "search")) == 2


def test_a_loss_is_drawn_positive_and_under_its_name(tmp_path):
  run = search(tmp_path, fitness="loss")
  losses = [run.read_result(number).loss for number in range(8)]
  assert list(curve(run, "best_loss").values()) == pytest.approx(
    list(itertools.accumulate(losses, min))
  )
  assert curve(run, "population_mean_loss")[4] == pytest.approx(sum(losses[:4]) / 4)

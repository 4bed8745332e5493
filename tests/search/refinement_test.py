"""The best of an earlier run as the founders of another."""

import dataclasses
import io
import json
import os

import pytest
import search_fakes

from data_prep.common import cli
from official.architecture import feasibility
from official.architecture import serialization
from official.runs import console
from official.runs import records
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import refinement

SPACE = search_fakes.small_space()
CLIP = search_fakes.CLIP


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
  """A run of eight candidates."""
  run = RunDirectory(str(tmp_path_factory.mktemp("earlier")))
  with (
    run.opened({}, {}),
    inline.Inline(threads=1) as pool,
    console.Console(lines=io.StringIO(), terminal=False) as quiet,
  ):
    loop.search(run, SPACE, search_fakes.settings(), CLIP, search_fakes.quick, pool, quiet)
  return run


@pytest.fixture
def run(tmp_path):
  run = RunDirectory(str(tmp_path))
  with run.opened({}, {}):
    yield run


def architecture(earlier, number):
  return serialization.from_json(earlier.read_candidate(number).architecture)


def ranked(earlier):
  """Numbers, the best first."""
  results = [earlier.read_result(number) for number in range(8)]
  return [
    result.number for result in sorted(results, key=lambda result: (-result.fitness, result.loss))
  ]


def write(run, earlier, number, candidate, fitness, **facts):
  """Records candidate `number` with the architecture of one of the earlier run."""
  run.write_candidate(dataclasses.replace(earlier.read_candidate(candidate), number=number))
  run.write_result(
    records.Result(
      number=number,
      status="infeasible" if fitness is None else "ok",
      fitness=fitness,
      metrics={"loss": 1.0},
      finish_order=number,
      **facts,
    ),
    records.Timing(),
  )


def founders(run, count=8, space=SPACE, clip=CLIP):
  return refinement.founders(run.path, count, space, clip)


def test_founders_are_the_best_of_the_earlier_run_best_first(earlier):
  assert list(founders(earlier, 3).items()) == [
    (number, architecture(earlier, number)) for number in ranked(earlier)[:3]
  ]


@pytest.mark.parametrize("count, first", [(5, [4, 2, 0, 3, 1]), (2, [4, 0])])
def test_of_a_run_with_several_objectives_the_front_comes_first(tmp_path, earlier, count, first):
  run = RunDirectory(str(tmp_path))
  # 1 and 3 are dominated by 2 and 4; the front has 4, 2 and 0, of which 4 and 0 are its ends.
  values = [(0.1, 10), (0.5, 60), (0.5, 50), (0.8, 200), (0.9, 100)]
  with run.opened({"fitness": "accuracy", "objectives": "accuracy,params"}, {}):
    for number, (fitness, params) in enumerate(values):
      write(run, earlier, number, number, fitness, params=params)
  assert list(founders(run, count)) == first


def test_an_architecture_is_taken_once(run, earlier):
  for number, (candidate, fitness) in enumerate([(0, 0.1), (0, 0.3), (1, 0.2)]):
    write(run, earlier, number, candidate, fitness)
  assert founders(run) == {1: architecture(earlier, 0), 2: architecture(earlier, 1)}


def test_what_is_infeasible_or_in_flight_is_left_out(run, earlier):
  write(run, earlier, 0, 0, None)
  write(run, earlier, 1, 1, 0.2)
  run.write_candidate(earlier.read_candidate(2))
  assert founders(run) == {1: architecture(earlier, 1)}


def test_what_breaks_a_bound_of_the_new_space_is_left_out(earlier):
  params = sorted(earlier_params(earlier))
  space = dataclasses.replace(SPACE, max_params=params[len(params) // 2])
  found = founders(earlier, space=space)
  assert 0 < len(found) < 8
  assert list(found) == [
    number
    for number in ranked(earlier)
    if feasibility.objection(space, architecture(earlier, number), CLIP) is None
  ]


def earlier_params(earlier):
  from official.architecture import cost

  return [
    cost.parameters(architecture(earlier, number), CLIP.streams, CLIP.num_classes)
    for number in range(8)
  ]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match=r"^--start_from=\S+: no run, it has no search.json"):
    founders(RunDirectory(str(tmp_path)))


def test_a_run_without_a_feasible_result_is_refused(run, earlier):
  write(run, earlier, 0, 0, None)
  with pytest.raises(cli.UserError, match="none of its 1 candidates has finished as feasible"):
    founders(run)


def test_streams_that_the_dataset_lacks_are_told(earlier):
  clip = dataclasses.replace(CLIP, streams={"depth": 1})
  with pytest.raises(
    cli.UserError,
    match="architectures fits; the best reads the streams .*, and the dataset has depth",
  ):
    founders(earlier, clip=clip)


def test_a_space_that_none_fits_is_told(earlier):
  with pytest.raises(cli.UserError, match=r"the best has \d+ parameters, max_params is 1; choose"):
    founders(earlier, space=dataclasses.replace(SPACE, max_params=1))


def test_an_architecture_that_cannot_be_read_is_told(run, earlier):
  write(run, earlier, 0, 0, 0.5)
  run.write_candidate(records.Candidate(number=0, seed=0, architecture={"format_version": 99}))
  with pytest.raises(cli.UserError, match="the architecture of candidate 000000 cannot be read"):
    founders(run)


def begin(new, folder):
  return {"start_from": refinement.begin(new, folder, 4, SPACE, CLIP).to_json()}


def test_founders_are_chosen_once(run, earlier, tmp_path):
  write(run, earlier, 0, 0, 0.1)
  new = RunDirectory(os.path.join(tmp_path, "new"))
  first = begin(new, run.path)
  assert first == {
    "start_from": {
      "model_dir": run.path,
      "founders": [{"candidate": 0, "architecture": earlier.read_candidate(0).architecture}],
    }
  }
  with new.opened(first, {}):
    pass
  write(run, earlier, 1, 1, 0.9)
  assert begin(new, run.path) == first
  new.check(begin(new, run.path))


def test_another_earlier_run_is_another_search(earlier, tmp_path):
  new = RunDirectory(str(tmp_path))
  with new.opened(begin(new, earlier.path), {}):
    pass
  with pytest.raises(
    cli.UserError, match="--start_from was made with model_dir .* and has /elsewhere now"
  ):
    new.check(begin(new, "/elsewhere"))


def test_a_search_that_began_without_an_earlier_run_has_none(earlier, tmp_path):
  new = RunDirectory(str(tmp_path))
  with new.opened({"start_from": None}, {}):
    pass
  with pytest.raises(cli.UserError, match="--start_from was null and is {"):
    new.check(begin(new, earlier.path))


def test_the_founders_are_the_first_candidates_and_the_next_are_random(earlier, tmp_path):
  new = RunDirectory(str(tmp_path))
  refined = refinement.begin(new, earlier.path, 2, SPACE, CLIP)
  with (
    new.opened({}, {}),
    inline.Inline(threads=1) as pool,
    console.Console(lines=io.StringIO(), terminal=False) as quiet,
  ):
    loop.search(
      new,
      SPACE,
      search_fakes.settings(),
      CLIP,
      search_fakes.quick,
      pool,
      quiet,
      refined.founders,
    )
  best = ranked(earlier)[:2]
  assert [new.read_candidate(number).founder for number in (0, 1)] == [
    {"start_from": number} for number in best
  ]
  assert [architecture(new, number) for number in (0, 1)] == [
    architecture(earlier, number) for number in best
  ]
  assert "attempts" in new.read_candidate(2).founder
  assert new.read_candidate(4).parent is not None


def other_levels():
  return dataclasses.replace(
    SPACE,
    levels=tuple(dataclasses.replace(level, modules=level.modules + 1) for level in SPACE.levels),
  )


def test_founders_of_another_space_are_refused_before_anything_is_written(earlier, tmp_path):
  new = RunDirectory(os.path.join(tmp_path, "new"))
  with pytest.raises(cli.UserError) as error:
    refinement.begin(new, earlier.path, 4, other_levels(), CLIP)
  assert "none of its 8 architectures fits; the best has block " in str(error.value)
  assert "1 modules; level 1 of the space has 2; choose another --search_space" in str(error.value)
  assert f"(the best is candidate {ranked(earlier)[0]:06d})" in str(error.value)
  assert not os.path.exists(new.path)


def test_what_is_left_out_is_named_with_its_rule(earlier):
  params = sorted(earlier_params(earlier))
  space = dataclasses.replace(SPACE, max_params=params[5])
  told = []
  found = refinement.founders(earlier.path, 8, space, CLIP, told.append)
  out = [number for number in ranked(earlier) if number not in found]
  assert told == [
    f"--start_from={earlier.path}: candidate {number:06d} is left out: it has "
    f"{earlier_params(earlier)[number]} parameters, max_params is {params[5]}"
    for number in out
  ]
  assert len(out) == 2


def test_a_founder_is_taken_once_whatever_its_blocks_are_called(run, earlier):
  write(run, earlier, 0, 0, 0.1)
  write(run, earlier, 1, 0, 0.3)
  text = json.dumps(earlier.read_candidate(0).architecture).replace("level1_", "other_")
  run.write_candidate(
    dataclasses.replace(earlier.read_candidate(0), number=1, architecture=json.loads(text))
  )
  assert list(founders(run)) == [1]

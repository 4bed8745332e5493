"""Dry runs with probes that measure nothing, through the executor that has no processes."""

from collections.abc import Mapping
import dataclasses
import io
import os

import pytest
import search_fakes

from data_prep.common import cli
from official.architecture import serialization
from official.architecture import space as space_lib
from official.runs import judge
from official.runs.console import Console
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import dry_run
from official.search import loop


@dataclasses.dataclass(frozen=True)
class Probe:
  """Says that every candidate takes the same."""

  changes: Mapping = dataclasses.field(default_factory=dict)

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    assert os.path.isdir(directory)
    return {
      "status": "ok",
      "reason": None,
      "params": 1,
      "flops": 1,
      "seconds_a_step": 0.5,
      "seconds_to_first_step": 6.0,
      "seconds_to_evaluate": 4.0,
      "memory_bytes": 1.25e9,
      "memory_bytes_a_clip": 1e7,
      "batch_that_fits": 64,
      **self.changes,
    }


class Remembers:
  """Probe that keeps what it was called with."""

  def __init__(self):
    self.calls = []

  def __call__(self, candidate: Mapping, directory: str) -> dict:
    self.calls.append((candidate, directory))
    return Probe()(candidate, directory)


def _first_infeasible(candidate: Mapping, directory: str) -> dict:
  """Finds candidate 0 too large, and the others not."""
  if candidate["number"] == 0:
    return {"status": "infeasible", "reason": "out of memory: OOM", "batch_that_fits": 4}
  return Probe()(candidate, directory)


def _infeasible(candidate: Mapping, directory: str) -> dict:
  return {"status": "infeasible", "reason": "out of memory: OOM"}


def _run(probe, **changes) -> str:
  lines = io.StringIO()
  with Console(lines=lines, terminal=False) as console, inline.Inline(threads=1) as executor:
    dry_run.run(
      space=search_fakes.small_space(),
      settings=search_fakes.settings(**changes),
      clip=search_fakes.CLIP,
      candidate_steps=20,
      final_steps=100,
      probe=probe,
      executor=executor,
      console=console,
    )
  return lines.getvalue()


def _choose(**changes) -> list[dry_run.Trial]:
  return dry_run.choose(
    search_fakes.small_space(), search_fakes.settings(**changes), search_fakes.CLIP
  )


def _parameters(**changes) -> list[int]:
  return [trial.params for trial in _choose(**changes)]


def test_tries_what_the_search_would_begin_with(tmp_path):
  run = RunDirectory(str(tmp_path))
  with (
    run.opened({}, {}),
    Console(lines=io.StringIO(), terminal=False) as console,
    inline.Inline(threads=1) as executor,
  ):
    loop.search(
      run,
      search_fakes.small_space(),
      search_fakes.settings(rounds=0),
      search_fakes.CLIP,
      search_fakes.quick,
      executor,
      console,
    )
  probe = Remembers()
  _run(probe)
  assert len(probe.calls) == 4
  for candidate, _ in probe.calls:
    searched = run.read_candidate(candidate["number"]).to_json()
    assert {name: searched[name] for name in candidate} == candidate


def test_tries_the_smallest_and_the_largest_of_a_dozen_and_two_between():
  dozen = sorted(
    dry_run._draw(
      number, search_fakes.small_space(), search_fakes.settings(), search_fakes.CLIP
    ).params
    for number in range(12)
  )
  tried = _parameters(population_size=12, rounds=100)
  assert (tried[0], tried[-1]) == (dozen[0], dozen[-1])
  assert tried == sorted(set(tried))
  assert len(tried) == 4


def test_tries_no_candidate_that_would_be_a_child():
  numbers = [trial.number for trial in _choose(population_size=2, rounds=100)]
  assert sorted(numbers) == [0, 1]


def test_tries_a_lone_candidate():
  assert len(_choose(population_size=1, tournament_size=1, rounds=0)) == 1


def test_takes_random_search_to_draw_all_its_candidates_at_random():
  random = _choose(population_size=2, rounds=10, algorithm="random_search")
  assert len(random) == 4


def test_a_row_says_what_a_candidate_is_and_takes():
  text = _run(Probe())
  trial = _choose()[0]
  row = next(line for line in text.splitlines() if line.split()[:1] == [f"{trial.number:06d}"])
  assert row.split() == [
    f"{trial.number:06d}",
    str(len(trial.architecture.blocks)),
    str(len(trial.architecture.connections)),
    f"{trial.params:,}",
    f"{trial.flops / 1e9:.3g}",
    "1.2",
    "GB",
    "0.5",
    "64",
  ]


def test_columns_are_aligned():
  lines = _run(Probe()).splitlines()
  header = next(index for index, line in enumerate(lines) if "GFLOPs a clip" in line)
  assert len({len(line) for line in lines[header : header + 5]}) == 1


def test_what_is_not_known_is_a_question_mark():
  text = _run(Probe({"memory_bytes": None, "batch_that_fits": None}))
  row = next(line for line in text.splitlines() if line.split()[:1] == ["000000"])
  assert row.split()[-3:] == ["?", "0.5", "?"]
  assert "the batch that fits: not known" in text


@pytest.mark.parametrize("workers, hours", [(1, "4.4 h"), (2, "2.2 h")])
def test_the_search_takes_what_its_candidates_take_shared_among_workers(workers, hours):
  """800 candidates of 6 + 4 + 20 * 0.5 = 20 s."""
  text = _run(Probe(), rounds=796, workers=workers)
  assert "a candidate: about 20 s (20 steps, and 10 s to build, trace and evaluate)" in text
  assert f"the search: about {hours} (800 candidates, {workers} at a time)\n" in text


def test_says_that_max_hours_come_first():
  assert "; --max_hours=2 ends it before" in _run(Probe(), rounds=796, max_hours=2.0)


@pytest.mark.parametrize(
  "changes, text",
  [
    ({}, "about 60 s (1 x 100 steps); 60 s for the slowest"),
    ({"final": "ensemble", "top_k": 3, "workers": 2}, "about 2 min (3 x 100 steps); 2 min for"),
  ],
)
def test_the_final_training_takes_its_steps_as_often_as_workers_take_turns(changes, text):
  assert f"the final training: {text}" in _run(Probe(), **changes)


def test_the_batch_is_the_least_that_was_told():
  text = _run(_first_infeasible)
  assert "the batch that fits: about 4 clips, the least of 4 of 4 candidates" in text


def test_a_candidate_that_does_not_fit_is_said_and_does_not_count():
  text = _run(_first_infeasible)
  assert "parameters): out of memory: OOM\n" in text
  assert "1 of 4 cannot be trained like this" in text
  assert "a candidate: about 20 s" in text


def test_says_what_to_do_where_nothing_fits():
  assert "none of these candidates can be trained; choose a smaller --batch_size" in _run(
    _infeasible
  )


def test_a_probe_that_fails_stops_the_dry_run():
  with pytest.raises(
    judge.SearchStopped,
    match=r"the dry run of candidate 00000\d failed: ValueError: no such thing",
  ):
    _run(search_fakes.raises)


def test_exhausted_memory_is_no_fault_of_ours():
  assert "out of memory" in _run(search_fakes.runs_out_of_memory)


@pytest.mark.parametrize("fails", [False, True])
def test_leaves_no_folder(fails):
  folders = []

  def probe(candidate: Mapping, directory: str) -> dict:
    folders.append(directory)
    if fails:
      raise KeyboardInterrupt
    return Probe()(candidate, directory)

  if fails:
    with pytest.raises(KeyboardInterrupt):
      _run(probe)
  else:
    _run(probe)
  assert folders
  assert not any(os.path.exists(os.path.dirname(folder)) for folder in folders)


def test_a_space_without_any_architecture_is_refused():
  data = {**search_fakes.small_space().to_json(), "max_params": 10}
  space = space_lib.SearchSpace.from_json(data)
  with pytest.raises(cli.UserError, match="--search_space: "):
    dry_run.choose(space, search_fakes.settings(), search_fakes.CLIP)


def test_the_candidate_can_be_built_from_what_the_probe_gets():
  probe = Remembers()
  _run(probe)
  built = [serialization.from_json(candidate["architecture"]) for candidate, _ in probe.calls]
  assert built == [trial.architecture for trial in _choose()]

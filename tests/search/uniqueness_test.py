"""No architecture is trained twice; parents without children, and spaces without anything new."""

import dataclasses
import io
import json
import os

import pytest
import search_fakes

from official.architecture import canonical
from official.architecture import feasibility
from official.architecture import mutation
from official.architecture import serialization
from official.architecture import space as space_lib
from official.runs import console
from official.runs.executors import inline
from official.runs.records import Founder
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import overview

CLIP = search_fakes.CLIP


def tiny_space(**changes):
  """Returns a space of few architectures: a stem, two blocks and then one, hardly any choice."""
  level = {
    "kinds": ["basic_2plus1d"],
    "blocks": 2,
    "channels": [8],
    "min_channels": 8,
    "modules": 1,
    "spatial_strides": [1],
  }
  return space_lib.SearchSpace.from_json(
    {
      "name": "tiny",
      "stems": [[{"kind": "stem_2d", "streams": ["rgb"], "channels": 8, "spatial_stride": 2}]],
      "levels": [level, {**level, "blocks": 1}],
      "temporal_dilations": [1],
      **changes,
    }
  )


def searched(path, space=None, evaluator=search_fakes.quick, founders=(), **changes):
  """Runs or resumes a search; returns its directory and its output."""
  run, text = RunDirectory(str(path)), io.StringIO()
  settings = search_fakes.settings(**changes)
  with (
    run.opened(settings.identity(), settings.operation()),
    inline.Inline(threads=1) as pool,
    console.Console(lines=text, terminal=False) as lines,
  ):
    loop.search(
      run, space or search_fakes.small_space(), settings, CLIP, evaluator, pool, lines, founders
    )
  return run, text.getvalue()


def architectures(run):
  return [
    serialization.from_json(run.read_candidate(number).architecture)
    for number in range(run.count())
  ]


@pytest.mark.parametrize(
  "changes", [{"guidance": "random"}, {"max_operators": 0}, {"algorithm": "random_search"}]
)
def test_a_narrow_search_proposes_nothing_twice(tmp_path, changes):
  space = tiny_space(
    levels=[
      {
        "kinds": ["basic_2plus1d"],
        "blocks": 2,
        "channels": [16],
        "min_channels": 8,
        "modules": 1,
        "spatial_strides": [1],
      }
    ]
    * 2,
    temporal_dilations=[1, 2],
  )
  run, _ = searched(tmp_path, space, rounds=30, **changes)
  digests = [canonical.digest(architecture) for architecture in architectures(run)]
  assert len(set(digests)) == len(digests) == 34


def test_the_digest_is_recorded(tmp_path):
  run, _ = searched(tmp_path)
  for number, architecture in enumerate(architectures(run)):
    assert run.read_candidate(number).digest == canonical.digest(architecture, CLIP.num_frames)


def test_candidates_recorded_before_there_were_digests_count(tmp_path):
  run, _ = searched(tmp_path / "new", rounds=0)
  whole, _ = searched(tmp_path / "whole")
  for number in range(4):
    path = os.path.join(run.candidate_directory(number), "candidate.json")
    with open(path, encoding="utf-8") as file:
      content = json.load(file)
    del content["digest"]
    with open(path, "w", encoding="utf-8") as file:
      json.dump(content, file)
  searched(tmp_path / "new")
  assert architectures(run) == architectures(whole)


def test_infeasible_ones_are_known_too(tmp_path):
  def half(candidate, directory):
    return (search_fakes.diverged if candidate["number"] % 2 else search_fakes.quick)(
      candidate, directory
    )

  run, _ = searched(tmp_path, tiny_space(temporal_dilations=[1, 2]), half, rounds=3)
  assert len(set(map(canonical.digest, architectures(run)))) == run.count()


def test_a_founder_that_equals_an_earlier_one_is_not_trained_again(tmp_path):
  earlier, _ = searched(tmp_path / "earlier", rounds=0)
  same = earlier.read_candidate(0).architecture
  run, _ = searched(
    tmp_path / "new",
    rounds=0,
    founders=[Founder(0, same), Founder(1, same)],
  )
  assert [run.read_candidate(number).origin for number in range(4)] == [
    "founder",
    "random",
    "random",
    "random",
  ]


def test_a_space_with_fewer_architectures_than_asked_for_ends_with_a_word(tmp_path):
  run, text = searched(tmp_path, tiny_space(), rounds=20)
  found = run.count()
  assert 2 <= found < 24
  assert f"no new candidate can be drawn from --search_space after {found} (none of 1000" in text
  assert "as known already" in text
  told = overview.read(str(tmp_path))
  assert told.asked == told.finished == found
  assert told.enough == "no new candidate can be drawn from --search_space"
  again, text = searched(tmp_path, tiny_space(), rounds=20)
  assert again.count() == found and "no new candidate can be drawn" in text


class Barren:
  """Mutation as it is, but for some parents of which no child fits the space."""

  def __init__(self, architectures):
    self.digests = set(map(canonical.digest, architectures))
    self.mutate = mutation.mutate

  def __call__(self, parent, *arguments, **options):
    if canonical.digest(parent) in self.digests:
      raise feasibility.NothingFeasible("none of 1000 draws fits search space 'small'")
    return self.mutate(parent, *arguments, **options)


def best_of(run):
  results = [run.read_result(number) for number in range(run.count())]
  return min(results, key=lambda result: (-result.fitness, result.loss)).number


def test_a_barren_parent_gives_way_to_another(tmp_path, monkeypatch):
  run, _ = searched(tmp_path, rounds=0, tournament_size=4)
  best = best_of(run)
  monkeypatch.setattr(mutation, "mutate", Barren([architectures(run)[best]]))
  searched(tmp_path, rounds=3, tournament_size=4)
  for number in (4, 5, 6):
    candidate = run.read_candidate(number)
    assert candidate.origin == "child" and candidate.parent != best
  assert run.read_candidate(4).barren == (best,)
  assert best not in run.read_candidate(4).tournament


def test_where_all_parents_are_barren_a_random_one_comes_and_resuming_changes_nothing(
  tmp_path, monkeypatch
):
  run, _ = searched(tmp_path / "whole", rounds=0)
  monkeypatch.setattr(mutation, "mutate", Barren(architectures(run)))
  run, _ = searched(tmp_path / "whole", rounds=3)
  fourth = run.read_candidate(4)
  assert (fourth.origin, fourth.parent, fourth.tournament) == ("random", None, ())
  assert len(fourth.barren) == 3
  for rounds in (0, 1, 2, 3):
    parts, _ = searched(tmp_path / "parts", rounds=rounds)
  assert [parts.read_candidate(number) for number in range(7)] == [
    run.read_candidate(number) for number in range(7)
  ]


def test_a_budget_that_only_few_children_keep_ends_no_search(tmp_path):
  from official.architecture import cost

  first, _ = searched(tmp_path / "free", rounds=0)
  params = sorted(
    cost.parameters(architecture, CLIP.streams, CLIP.num_classes)
    for architecture in architectures(first)
  )
  space = dataclasses.replace(
    search_fakes.small_space(), max_params=params[0], min_params=int(params[0] * 0.93)
  )
  run, _ = searched(tmp_path / "tight", space, rounds=16)
  assert run.count() == 20


def test_console_and_records_call_founders_founders(tmp_path):
  earlier, _ = searched(tmp_path / "earlier", rounds=0)
  founders = [Founder(3, earlier.read_candidate(3).architecture)]
  run, text = searched(tmp_path / "new", rounds=1, founders=founders)
  assert "candidate 000000 (founder, candidate 000003 of the earlier run): started" in text
  assert "candidate 000001 (random): started" in text
  assert "candidate 000004 (child of 00000" in text
  assert [run.read_candidate(number).origin for number in (0, 1, 4)] == [
    "founder",
    "random",
    "child",
  ]

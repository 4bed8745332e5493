"""Which weights are exported."""

import json
import pathlib

import pytest

from data_prep.common import cli
from official.runs import trained
from official.runs.final_records import TrainedNetwork
from official.runs.run_directory import RunDirectory


def _write(path: pathlib.Path, content: dict) -> None:
  path.parent.mkdir(parents=True, exist_ok=True)
  path.write_text(json.dumps(content))


def _weights(folder: pathlib.Path) -> None:
  (folder / "training").mkdir(parents=True, exist_ok=True)
  (folder / "training" / "checkpoint").touch()


@pytest.fixture
def run(tmp_path):
  """Four candidates; 1 and 2 are the best two with weights, 3 is better and has none."""
  for number, fitness in enumerate([0.1, 0.3, 0.2, 0.4]):
    folder = tmp_path / "candidates" / f"{number:06d}"
    _write(
      folder / "candidate.json",
      {"number": number, "seed": 10 + number, "architecture": {"of": number}},
    )
    _write(
      folder / "result.json",
      {
        "number": number,
        "status": "ok",
        "fitness": fitness,
        "metrics": {"loss": 1.0},
        "finish_order": number,
      },
    )
    if number < 3:
      _weights(folder)
  return RunDirectory(str(tmp_path))


def _of(run, candidate=None, ensemble=None) -> list[tuple[int, str]]:
  found = trained.members(run, candidate=candidate, ensemble=ensemble)
  root = pathlib.Path(run.path)
  return [(m.candidate, str(pathlib.Path(m.training).relative_to(root))) for m in found]


def _final(run, asked: dict, result: dict, folders: list[str]) -> None:
  final = pathlib.Path(run.path, "final")
  _write(final / "final.json", asked)
  for folder in folders:
    _write(final / folder / "result.json", {})
    _weights(final / folder)
  _write(final / "result.json", result)


def test_a_candidate_is_as_the_search_left_it(run):
  (member,) = trained.members(run, candidate=1, ensemble=None)
  assert member == TrainedNetwork(
    candidate=1,
    seed=11,
    architecture={"of": 1},
    training=f"{run.path}/candidates/000001/training",
  )


def test_a_candidate_that_was_trained_to_the_end_is_taken_from_there(run):
  _final(run, {"candidate": 1}, {"candidate": 1}, [""])
  assert _of(run, candidate=1) == [(1, "final/training")]
  assert _of(run, candidate=2) == [(2, "candidates/000002/training")]


def test_without_a_choice_it_is_what_the_final_training_came_to(run):
  _final(run, {"candidate": 1}, {"candidate": 1}, [""])
  assert _of(run) == [(1, "final/training")]


def test_of_an_ensemble_all_members(run):
  result = {"final": "ensemble", "members": [{"candidate": 2}, {"candidate": 1}]}
  _final(run, {"final": "ensemble", "candidates": [1, 2]}, result, ["000001", "000002"])
  assert _of(run) == [(2, "final/000002/training"), (1, "final/000001/training")]


def test_of_top_k_the_best_of_them(run):
  result = {"final": "top_k", "candidate": 2, "members": [{"candidate": 2}, {"candidate": 1}]}
  _final(run, {"final": "top_k", "candidates": [1, 2]}, result, ["000001", "000002"])
  assert _of(run) == [(2, "final/000002/training")]


def test_the_best_with_weights_are_an_ensemble(run):
  assert [number for number, _ in _of(run, ensemble=2)] == [1, 2]


@pytest.mark.parametrize(
  "choice, words",
  [
    (dict(candidate=9), "has no candidate 9; it has 0 to 3"),
    (dict(candidate=3), "the weights of candidate 000003 are not there"),
    (dict(ensemble=4), "--ensemble=4, and .* has the weights of 3 candidates"),
    (dict(), "has no finished final training"),
  ],
)
def test_what_cannot_be_exported_is_said(run, choice, words):
  with pytest.raises(cli.UserError, match=words):
    _of(run, **choice)

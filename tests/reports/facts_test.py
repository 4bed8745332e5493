"""What is read of a run, also where it is damaged."""

import json

import pytest
import run_folder

from data_prep.common import cli
from official.reports import facts


def test_a_finished_search_is_read_whole(finished_run):
  run = facts.read(str(finished_run))
  assert len(run.candidates) == len(run.results) == len(run.history.steps) == 12
  assert run.notes == ()
  assert run.final.candidate == run.winner == run.best
  assert run.info.classes == run_folder.CLASSES
  assert run.architecture(3).blocks


def test_the_best_is_that_of_the_results(finished_run):
  run = facts.read(str(finished_run))
  results = [json.loads(path.read_text()) for path in finished_run.glob("candidates/*/result.json")]
  best = max(result["fitness"] for result in results if result["status"] == "ok")
  assert run.results[run.best].fitness == run.history.steps[-1].best_fitness == best


@pytest.mark.parametrize(
  "name, damage",
  [("result.json", "{"), ("candidate.json", "[]"), ("timing.json", '{"kills": "x"}')],
)
def test_a_damaged_file_is_a_note_and_the_rest_is_read(finished_run, tmp_path, name, damage):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  (folder / "candidates" / "000002" / name).write_text(damage)
  run = facts.read(str(folder))
  [note] = run.notes
  assert f"candidates/000002/{name}" in note
  assert len(run.results) >= 11


def test_a_missing_candidate_is_a_note(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  (folder / "candidates" / "000002").rename(folder / "lost")
  run = facts.read(str(folder))
  assert run.notes == ("folders of 1 candidates are missing, though later ones are there: 000002",)


def test_a_candidate_without_a_result_is_in_flight(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  (folder / "candidates" / "000011" / "result.json").unlink()
  run = facts.read(str(folder))
  assert run.in_flight == (11,)
  assert run.state_of(11) == "in flight"


def test_another_dataset_at_its_place_is_not_read(finished_run, tmp_path):
  folder = run_folder.copied(finished_run, tmp_path / "run")
  recorded = json.loads((folder / "search.json").read_text())
  recorded["identity"]["data_dir"] = "another"
  (folder / "search.json").write_text(json.dumps(recorded))
  assert facts.read(str(folder)).info is None


def test_a_folder_without_a_run_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match=f"--model_dir={tmp_path} has no search.json"):
    facts.read(str(tmp_path))

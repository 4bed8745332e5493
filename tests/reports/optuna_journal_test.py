"""A search as trials of Optuna, and the journal as optuna-dashboard shows it."""

import json
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
import run_folder

from data_prep.common import cli
from official.reports import facts
from official.reports import features
from official.reports import optuna_journal

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(finished_run):
  return facts.read(str(finished_run))


def test_a_candidate_is_a_trial_with_its_fitness_features_and_facts(run):
  trials = optuna_journal.trials(run)
  assert len(trials) == len(run.candidates)
  for number, trial in enumerate(trials):
    result = run.results[number]
    assert trial.state == {"ok": "COMPLETE"}.get(result.status, "FAIL")
    assert trial.values == ((result.fitness,) if result.status == "ok" else ())
    assert trial.params == features.of(run.architecture(number))
    assert trial.attributes["candidate"] == f"{number:06d}"
    assert trial.attributes.get("reason") == result.reason
  child = next(n for n, each in run.candidates.items() if each.parent is not None)
  assert trials[child].attributes["parent"] == f"{run.candidates[child].parent:06d}"
  assert json.dumps([dict(trial.attributes) for trial in trials])


def test_candidates_without_a_result_are_running_and_have_no_end(finished_run, tmp_path):
  copy = run_folder.copied(finished_run, tmp_path / "copy")
  (copy / "candidates" / "000002" / "result.json").unlink()
  trial = optuna_journal.trials(facts.read(str(copy)))[2]
  assert (trial.state, trial.values, trial.end) == ("RUNNING", (), None)


def test_rungs_are_intermediate_values_and_those_who_rest_are_pruned(tmp_path):
  folder = run_folder.make(tmp_path / "run", rounds=8, settings={"rungs": "10,20,40"})
  run = facts.read(str(folder))
  trials = optuna_journal.trials(run)
  assert {trial.state for trial in trials} >= {"PRUNED", "COMPLETE"}
  for number, trial in enumerate(trials):
    rungs = run.climbs[number].results
    assert trial.intermediate == {each.steps: each.fitness for each in rungs}
    if trial.state == "PRUNED":
      assert trial.values == (rungs[-1].fitness,)


def test_several_objectives_are_several_values(tmp_path):
  settings = {"objectives": "accuracy,params"}
  run = facts.read(str(run_folder.make(tmp_path / "run", rounds=2, settings=settings)))
  assert optuna_journal.directions(run) == ("maximize", "minimize")
  ok = next(n for n, result in run.results.items() if result.status == "ok")
  result = run.results[ok]
  assert optuna_journal.trials(run)[ok].values == (result.fitness, float(result.params))


def test_without_optuna_one_line_says_where_it_is(run, tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, "optuna", None)
  with pytest.raises(cli.UserError, match="optuna is not installed; it is in the extra dashboard"):
    optuna_journal.write(run, str(tmp_path / "study.log"))
  assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_journal_is_not_one(tmp_path):
  (tmp_path / "a").write_text("my notes\n")
  (tmp_path / "b").write_text('{"op_code": 0, "worker_id": "x"}\n')
  assert not optuna_journal.is_journal(str(tmp_path / "a"))
  assert optuna_journal.is_journal(str(tmp_path / "b"))


@pytest.mark.slow
def test_the_dashboard_shows_the_trials(finished_run, run, tmp_path):
  pytest.importorskip("optuna_dashboard", reason="the extra dashboard is not installed")
  path = tmp_path / "study.log"
  done = subprocess.run(
    [sys.executable, "-m", "official.export_optuna", str(finished_run), str(path)],
    cwd=ROOT,
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  assert done.stdout == f"wrote {path}: {len(run.candidates)} trials\n"
  assert done.stderr == f"next: optuna-dashboard {path}\n"
  program = pathlib.Path(sys.executable).parent / "optuna-dashboard"
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
  with subprocess.Popen(
    [program, f"--port={port}", "--host=127.0.0.1", "--server=wsgiref", str(path)],
    stderr=subprocess.PIPE,
    text=True,
  ) as server:
    try:
      said = ""
      while "Listening on" not in said and (line := server.stderr.readline()):
        said += line
      assert "Listening on" in said, said
      opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

      def get(what: str) -> dict:
        url = f"http://127.0.0.1:{port}/api/{what}"
        for wait in (0.1, 0.3, 1, 3, 0):
          try:
            return json.loads(opener.open(url, timeout=60).read())
          except urllib.error.URLError:  # It says so a moment before it listens.
            if not wait:
              raise
            time.sleep(wait)

      (summary,) = get("studies")["study_summaries"]
      assert (summary["study_name"], summary["directions"]) == (finished_run.name, ["maximize"])
      study = get(f"studies/{summary['study_id']}?after=0")
    finally:
      server.kill()
  shown = {trial["number"]: trial for trial in study["trials"]}
  assert sorted(shown) == sorted(run.candidates)
  for number, result in run.results.items():
    trial = shown[number]
    assert trial["state"] == ("Complete" if result.status == "ok" else "Fail")
    if result.status == "ok":
      assert trial["values"] == [result.fitness]
    params = {each["name"]: float(each["param_internal_value"]) for each in trial["params"]}
    assert params == pytest.approx(features.of(run.architecture(number)))
    attributes = {each["key"]: each["value"] for each in trial["user_attrs"]}
    assert attributes["candidate"].strip(chr(34)) == f"{number:06d}"

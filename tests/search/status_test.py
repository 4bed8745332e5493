"""The status of searches on fake trainings: through, stopped, and at work."""

import io
import json
import os
import subprocess
import sys
import time

import pytest
import search_fakes

from data_prep import cli
from official.search import console
from official.search import failures
from official.search import loop
from official.search import status
from official.search.executors import inline
from official.search.run_directory import RunDirectory

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "tests", "search", "fake_search.py")


def search(path, evaluator=search_fakes.quick, **changes):
  settings = search_fakes.settings(**changes)
  run = RunDirectory(str(path))
  with (run.opened(settings.identity(), settings.operation()),
        console.Console(lines=io.StringIO(), terminal=False) as quiet):
    loop.search(run, search_fakes.small_space(), settings, search_fakes.CLIP, evaluator,
                inline.Inline(threads=1), quiet)
  return run


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
  return search(tmp_path_factory.mktemp("run"), search_fakes.third_raises)


def test_counts_endings_and_reasons(searched):
  found = status.read(searched.path)
  assert (found.finished, found.asked) == (8, 8)
  assert found.by_status == {"ok": 7, "infeasible": 0, "failed": 1}
  [(reason, count)] = found.failures.items()
  assert reason.startswith("failed: ValueError: no such thing as ")
  assert count == 1


def test_tells_the_best_and_the_population(searched):
  found = status.read(searched.path)
  results = [searched.read_result(number) for number in range(8)]
  best = max(result["fitness"] for result in results if result["status"] == "ok")
  assert found.best["fitness"] == best == found.population[0]["fitness"]
  assert found.best["params"] == 1234
  assert len(found.population) == 4


def test_without_a_driver_and_a_final_training_it_is_dead(searched):
  assert status.read(searched.path).condition == "dead"


def test_with_fewer_candidates_than_asked_for_some_are_left(tmp_path):
  run = search(tmp_path, rounds=0)
  settings = search_fakes.settings(rounds=4)
  with run.opened(settings.identity(), settings.operation()):
    pass
  found = status.read(run.path)
  assert (found.finished, found.asked) == (4, 8)
  assert found.seconds_left == pytest.approx(4 / found.evaluations_an_hour * 3600)


def test_a_search_in_which_all_fails_has_no_best(tmp_path):
  with pytest.raises(failures.SearchStopped):
    search(tmp_path, search_fakes.raises)
  found = status.read(str(tmp_path))
  assert (found.best, found.population) == (None, ())
  assert "3 of 8 candidates finished (3 failed)" in status.text(found)


def test_the_text_has_a_line_for_each_thing(searched):
  lines = status.text(status.read(searched.path)).splitlines()
  assert lines[0] == f"{searched.path}: dead"
  assert lines[1] == "8 of 8 candidates finished (7 ok, 1 failed)"
  assert lines[2].startswith("best: accuracy 0.") and lines[2].endswith(", 1,234 parameters")
  assert lines[3].startswith("population: 4 members, accuracy 0.")
  assert lines[-1] == "nobody is at work here; the command that began it goes on"


def test_a_live_search_tells_who_is_at_work_and_what_is_in_flight(tmp_path):
  process = subprocess.Popen(
      [sys.executable, PROGRAM, str(tmp_path), "1"], env={**os.environ, "PYTHONPATH": ROOT},
      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
  try:
    deadline = time.monotonic() + 60
    found = None
    while found is None or not any(each["step"] for each in found.in_flight):
      assert time.monotonic() < deadline and process.poll() is None
      found = status.read(str(tmp_path)) if (tmp_path / "search.json").exists() else None
    assert (found.condition, found.in_flight[0]["phase"]) == ("alive", "training")
    assert found.holder.startswith(f"process {process.pid} on ")
  finally:
    process.kill()
    process.wait()
  assert status.read(str(tmp_path)).condition == "dead"


def test_a_search_with_its_final_training_is_finished(tmp_path):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  subprocess.run([sys.executable, PROGRAM, str(tmp_path), "1"], env=environment, check=True,
                 stdout=subprocess.DEVNULL)
  assert status.read(str(tmp_path)).condition == "finished"


def test_a_search_that_a_budget_ended_is_finished(tmp_path):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  subprocess.run([sys.executable, PROGRAM, str(tmp_path), "1"], env=environment, check=True,
                 stdout=subprocess.DEVNULL)
  settings = search_fakes.settings(rounds=100, target_fitness=0.0)
  run = RunDirectory(str(tmp_path))
  with run.opened(run.recorded()["identity"], settings.operation()):
    pass
  found = status.read(str(tmp_path))
  assert (found.condition, found.asked, found.finished) == ("finished", 8, 8)


def test_the_final_training_of_an_earlier_best_does_not_count(tmp_path):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  subprocess.run([sys.executable, PROGRAM, str(tmp_path), "1"], env=environment, check=True,
                 stdout=subprocess.DEVNULL)
  final = tmp_path / "final" / "final.json"
  final.write_text(json.dumps({**json.loads(final.read_text()), "candidate": 99}))
  assert status.read(str(tmp_path)).condition == "dead"


def test_a_folder_without_a_search_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match="has no search.json, so there is no search in it"):
    status.read(str(tmp_path))

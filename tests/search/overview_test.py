"""The status of searches on fake trainings: through, stopped, and at work."""

import io
import json
import os
import socket
import subprocess
import sys
import time

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs import json_files
from official.runs import judge
from official.runs import locks
from official.runs import records
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import loop
from official.search import overview
from official.search import state

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(ROOT, "tests", "search", "fake_search.py")


def search(path, evaluator=search_fakes.quick, **changes):
  settings = search_fakes.settings(**changes)
  run = RunDirectory(str(path))
  with (
    run.opened(settings.identity(), settings.operation()),
    console.Console(lines=io.StringIO(), terminal=False) as quiet,
  ):
    loop.search(
      run,
      search_fakes.small_space(),
      settings,
      search_fakes.CLIP,
      evaluator,
      inline.Inline(threads=1),
      quiet,
    )
  return run


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
  return search(tmp_path_factory.mktemp("run"), search_fakes.third_raises)


def begun(path, candidates=0, **changes):
  """A run in which so many candidates have been proposed, and no driver is at work."""
  settings = search_fakes.settings(**changes)
  run = RunDirectory(str(path))
  with run.opened(settings.identity(), settings.operation()):
    for number in range(candidates):
      run.write_candidate(records.Candidate(number=number, seed=0, architecture={}))
  return run


def finish(run, number, status="ok", reason=None, **timing):
  """Records a result as the driver does."""
  ok = status == "ok"
  run.write_result(
    records.Result(
      number=number,
      status=status,
      reason=reason,
      finish_order=number,
      fitness=0.5 if ok else None,
      metrics={"loss": 1.0} if ok else None,
      params=9 if ok else None,
    ),
    records.Timing(**{"started_at": 0.0, "finished_at": 1.0, **timing}),
  )


def test_counts_endings(searched):
  found = overview.read(searched.path)
  assert (found.finished, found.asked) == (8, 8)
  assert found.by_status == {"ok": 7, "infeasible": 0, "failed": 1}


def test_tells_of_a_failure_the_kind_and_the_whole_reason(searched):
  [failure] = overview.read(searched.path).failures
  assert (failure.status, failure.kind, failure.count, failure.number) == (
    "failed",
    "ValueError",
    1,
    2,
  )
  assert failure.reason == searched.read_result(2).reason


def test_reasons_of_a_kind_are_counted_together_the_most_frequent_first(tmp_path):
  run = begun(tmp_path, 4)
  finish(run, 0, "infeasible", "diverged: loss is nan at step 3")
  finish(run, 1, "infeasible", "out of memory: of 3 GB")
  finish(run, 2, "infeasible", "out of memory: of 4 GB")
  finish(run, 3)
  found = overview.read(run.path)
  assert [(each.kind, each.count) for each in found.failures] == [
    ("out of memory", 2),
    ("diverged", 1),
  ]
  assert "infeasible: 2 x out of memory (the last: candidate 000002)" in overview.text(found)


def test_tells_the_best_and_the_population(searched):
  found = overview.read(searched.path)
  results = [searched.read_result(number) for number in range(8)]
  best = max(result.fitness for result in results if result.status == "ok")
  assert found.best.fitness == best == found.population[0].fitness
  assert found.best.params == 1234
  assert len(found.population) == 4


def test_without_a_driver_and_a_final_training_it_is_dead(searched):
  assert overview.read(searched.path).condition == "dead"


def test_a_search_that_has_just_begun_has_nothing_yet(tmp_path):
  found = overview.read(begun(tmp_path).path)
  assert (found.finished, found.best, found.population, found.in_flight) == (0, None, (), ())
  assert overview.text(found).splitlines()[1] == "0 of 8 candidates finished"


def test_a_stopped_candidate_goes_on_from_its_newest_checkpoint(tmp_path):
  run = begun(tmp_path, 2)
  training = tmp_path / "candidates" / "000001" / "training"
  training.mkdir()
  for name in ("checkpoint", "ckpt-40.index", "ckpt-120.index", "ckpt-120.data-00000-of-00001"):
    (training / name).touch()
  found = overview.read(run.path)
  assert [each.checkpoint for each in found.in_flight] == [None, 120]
  text = overview.text(found)
  assert "in flight: candidate 000000, starts again" in text
  assert "in flight: candidate 000001, resumes from step 120" in text


def test_a_progress_that_is_not_whole_is_let_be(tmp_path):
  run = begun(tmp_path, 1)
  (tmp_path / "candidates" / "000000" / "progress.json").write_text('{"phase": "trai')
  [candidate] = overview.read(run.path).in_flight
  assert candidate.phase == "waiting"


def test_the_hours_in_which_nobody_was_at_work_do_not_slow_the_pace(tmp_path):
  run = begun(tmp_path, 4)
  for number, start in enumerate([0.0, 0.0, 9000.0, 9010.0]):
    finish(run, number, started_at=start, finished_at=start + 20)
  assert overview.read(run.path).evaluations_an_hour == pytest.approx(4 / 50 * 3600)


def test_the_share_of_steps_is_of_those_that_tell_it(tmp_path):
  run = begun(tmp_path, 3)
  finish(run, 0, started_at=0.0, finished_at=10.0, seconds_in_steps=9.0)
  finish(run, 1, started_at=0.0, finished_at=30.0, seconds_in_steps=21.0)
  finish(run, 2, started_at=0.0, finished_at=100.0)
  found = overview.read(run.path)
  assert found.share_in_steps == pytest.approx(0.75)
  assert "workers: 75% of the time in steps; the rest starts, traces" in overview.text(found)


def test_without_seconds_in_steps_there_is_no_share(tmp_path):
  run = begun(tmp_path, 1)
  finish(run, 0)
  assert overview.read(run.path).share_in_steps is None


def trained_to_the_end(run, candidate=0):
  os.makedirs(run.final_directory)
  json_files.write_json(
    json_files.join(run.final_directory, "final.json"), {"candidate": candidate}
  )
  json_files.write_json(
    json_files.join(run.final_directory, "result.json"),
    {"metrics": {"test": {"accuracy": 0.75}}, "export": "export/1"},
  )


@pytest.mark.parametrize("target, condition", [(0.5, "finished"), (0.9, "dead")])
def test_a_search_with_rounds_left_is_finished_if_the_target_is_reached(
  tmp_path, target, condition
):
  run = begun(tmp_path, 1, target_fitness=target)
  finish(run, 0)
  trained_to_the_end(run)
  assert overview.read(run.path).condition == condition


@pytest.mark.parametrize("seconds, condition", [(3600, "finished"), (3599, "dead")])
def test_a_search_with_rounds_left_is_finished_if_its_hours_are_over(tmp_path, seconds, condition):
  run = begun(tmp_path, 1, max_hours=1.0)
  finish(run, 0)
  run.write_searched_seconds(seconds)
  trained_to_the_end(run)
  assert overview.read(run.path).condition == condition


def test_no_more_is_left_than_the_hours_that_are_allowed(tmp_path):
  run = begun(tmp_path, 2, max_hours=1.0, rounds=10_000)
  finish(run, 0, finished_at=60.0)
  finish(run, 1, finished_at=60.0)
  run.write_searched_seconds(3000.0)
  assert overview.read(run.path).seconds_left == pytest.approx(600)


def test_tells_what_came_of_the_final_training(tmp_path):
  run = begun(tmp_path, 1, target_fitness=0.5)
  finish(run, 0)
  trained_to_the_end(run)
  (tmp_path / "export" / "1").mkdir(parents=True)
  lines = overview.text(overview.read(run.path)).splitlines()
  assert "final test: accuracy 0.7500" in lines
  assert f"exported to {tmp_path}/export/1" in lines


def test_a_savedmodel_that_is_gone_is_not_told_as_exported(tmp_path):
  run = begun(tmp_path, 1, target_fitness=0.5)
  finish(run, 0)
  trained_to_the_end(run)
  lines = overview.text(overview.read(run.path)).splitlines()
  assert (
    f"the SavedModel {tmp_path}/export/1 is not there any more; make it again with python -m "
    f"official.export --model_dir={tmp_path} --output_dir={tmp_path}/export"
  ) in lines


def test_the_final_training_of_an_earlier_winner_is_not_the_end(tmp_path):
  run = begun(tmp_path, 1, target_fitness=0.5)
  finish(run, 0)
  trained_to_the_end(run, candidate=7)
  assert overview.read(run.path).condition == "dead"


def test_a_final_training_that_was_stopped_goes_on_from_its_checkpoint(tmp_path):
  run = begun(tmp_path, 1, target_fitness=0.5)
  finish(run, 0)
  training = tmp_path / "final" / "training"
  training.mkdir(parents=True)
  (training / "ckpt-30.index").touch()
  (tmp_path / "final" / "progress.json").write_text('{"phase": "training"}')
  assert "final training: final, resumes from step 30" in overview.text(overview.read(run.path))


@pytest.mark.parametrize(
  "name, told",
  [
    ("elsewhere", "process 1 on elsewhere"),
    (socket.gethostname(), None),
  ],
)
def test_who_has_not_the_lock_open_here_does_not_hold_it(tmp_path, name, told):
  (tmp_path / "lock").write_text(json.dumps({"pid": 1, "host": name}))
  assert locks.holder(str(tmp_path)) == told


def test_the_candidates_left_take_as_long_as_the_last_ones(tmp_path):
  run = begun(tmp_path, 2)
  finish(run, 0, started_at=0.0, finished_at=10.0)
  finish(run, 1, started_at=10.0, finished_at=30.0)
  found = overview.read(run.path)
  assert found.evaluations_an_hour == pytest.approx(240)
  assert found.seconds_left == pytest.approx(6 * 15)


def test_a_search_in_which_all_fails_has_no_best(tmp_path):
  with pytest.raises(judge.SearchStopped):
    search(tmp_path, search_fakes.raises)
  found = overview.read(str(tmp_path))
  assert (found.best, found.population) == (None, ())
  assert "3 of 8 candidates finished (3 failed)" in overview.text(found)


def test_the_text_has_a_line_for_each_thing(searched):
  lines = overview.text(overview.read(searched.path)).splitlines()
  assert lines[0] == f"{searched.path}: dead"
  assert lines[1] == "8 of 8 candidates finished (7 ok, 1 failed)"
  assert lines[2].startswith("best: accuracy 0.") and lines[2].endswith(", 1,234 parameters")
  assert lines[3].startswith("population: 4 members, accuracy 0.")
  assert lines[-1] == "nobody is at work here; the command that started it resumes it"


def test_a_live_search_tells_who_is_at_work_and_what_is_in_flight(tmp_path):
  process = subprocess.Popen(
    [sys.executable, PROGRAM, str(tmp_path), "1"],
    env={**os.environ, "PYTHONPATH": ROOT},
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )
  try:
    deadline = time.monotonic() + 60
    found = None
    while found is None or not any(each.step for each in found.in_flight):
      assert time.monotonic() < deadline and process.poll() is None
      found = overview.read(str(tmp_path)) if (tmp_path / "search.json").exists() else None
    assert (found.condition, found.in_flight[0].phase) == ("alive", "training")
    assert found.holder.startswith(f"process {process.pid} on ")
  finally:
    process.kill()
    process.wait()
  assert overview.read(str(tmp_path)).condition == "dead"


def test_a_search_with_its_final_training_is_finished(tmp_path):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  subprocess.run(
    [sys.executable, PROGRAM, str(tmp_path), "1"],
    env=environment,
    check=True,
    stdout=subprocess.DEVNULL,
  )
  assert overview.read(str(tmp_path)).condition == "finished"


def test_a_search_that_a_budget_ended_is_finished(tmp_path):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  subprocess.run(
    [sys.executable, PROGRAM, str(tmp_path), "1"],
    env=environment,
    check=True,
    stdout=subprocess.DEVNULL,
  )
  settings = search_fakes.settings(rounds=100, target_fitness=0.0)
  run = RunDirectory(str(tmp_path))
  with run.opened(run.recorded().identity, settings.operation()):
    pass
  found = overview.read(str(tmp_path))
  assert (found.condition, found.asked, found.finished) == ("finished", 8, 8)


def test_the_final_training_of_an_earlier_best_does_not_count(tmp_path):
  environment = {**os.environ, "PYTHONPATH": ROOT}
  subprocess.run(
    [sys.executable, PROGRAM, str(tmp_path), "1"],
    env=environment,
    check=True,
    stdout=subprocess.DEVNULL,
  )
  final = tmp_path / "final" / "final.json"
  final.write_text(json.dumps({**json.loads(final.read_text()), "candidate": 99}))
  assert overview.read(str(tmp_path)).condition == "dead"


def test_a_second_look_reads_only_what_has_come_since(tmp_path):
  run = begun(tmp_path, candidates=3)
  finish(run, 0)
  finish(run, 1)
  memory = state.Memory()
  assert overview.read(run.path, memory).finished == 2
  (tmp_path / "candidates" / "000001" / "result.json").write_text("damaged since")
  finish(run, 2)
  assert overview.read(run.path, memory).finished == 3


def test_after_another_start_of_the_driver_all_is_read_again(tmp_path):
  run = begun(tmp_path, candidates=1)
  finish(run, 0)
  memory = state.Memory()
  overview.read(run.path, memory)
  (tmp_path / "candidates" / "000000" / "result.json").unlink()
  begun(tmp_path)
  assert overview.read(run.path, memory).finished == 0


def test_a_folder_without_a_search_is_refused(tmp_path):
  with pytest.raises(cli.UserError, match="has no search.json, so there is no search in it"):
    overview.read(str(tmp_path))


def test_a_loss_is_told_positive_and_once(tmp_path):
  run = search(tmp_path, fitness="loss")
  losses = sorted(run.read_result(number).loss for number in range(8))
  lines = overview.text(overview.read(run.path)).splitlines()
  assert lines[2].startswith(f"best: loss {losses[0]:.4f}, candidate ")
  assert lines[3].startswith(f"population: 4 members, loss {losses[3]:.4f} to {losses[0]:.4f}, ")

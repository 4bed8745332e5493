"""The winner's training, as a task of the executor."""

import io
import os

import pytest
import search_fakes

from official.search import console
from official.search import failures
from official.search import final
from official.search.executors import inline
from official.search.executors import local
from official.search.run_directory import RunDirectory

FINAL_STEPS = {"final_steps": 20}


@pytest.fixture
def run(tmp_path):
  run = RunDirectory(str(tmp_path))
  with run.opened({}, {}):
    for number in (0, 1):
      run.write_candidate({
          "number": number, "seed": number, "architecture": {"connections": []}})
    yield run


def train(run, number=0, settings=FINAL_STEPS, function=search_fakes.final, executor=None):
  with (executor or inline.Inline(threads=1) as pool,
        console.Console(lines=io.StringIO(), terminal=False) as quiet):
    return final.train(run, number, settings, function, pool, quiet)


def starts(run):
  with open(os.path.join(run.final_directory, "starts.txt"), encoding="utf-8") as file:
    return file.read().split()


def test_the_result_is_kept_without_times(run):
  result = train(run)
  assert result["status"] == "ok" and "timing" not in result
  assert sorted(os.listdir(run.final_directory)) == [
      "final.json", "lock", "progress.json", "result.json", "starts.txt", "timing.json", "training"]


def test_the_export_is_told_relative_to_the_run(run):
  assert train(run)["export"] == os.path.join("export", "1")


def test_a_finished_one_is_not_trained_again(run):
  assert train(run) == train(run)
  assert starts(run) == ["0"]


@pytest.mark.parametrize("number, settings", [(1, FINAL_STEPS), (0, {"final_steps": 30})])
def test_another_winner_or_other_steps_begin_anew(run, number, settings):
  train(run)
  train(run, number, settings)
  assert starts(run) == ["0"]


def test_one_signal_is_tried_again(run):
  executor = local.Local(workers=1, threads=1, preload=search_fakes.PRELOAD)
  assert train(run, function=search_fakes.killed_once, executor=executor)["status"] == "ok"


@pytest.mark.parametrize("function, reason", [
    (search_fakes.raises, "ValueError: no such thing as 0"),
    (search_fakes.diverged, "diverged at step 3")])
def test_a_final_training_that_does_not_succeed_is_told(run, function, reason):
  with pytest.raises(failures.SearchStopped) as stopped:
    train(run, function=function)
  assert str(stopped.value) == (
      f"the final training of candidate 000000 did not succeed: {reason} "
      f"({run.final_directory}/log.txt has the details); the same command tries again")

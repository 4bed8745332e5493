"""The winner's training, as a task of the executor."""

import io
import os

import pytest
import search_fakes

from official.runs import console
from official.runs import final_training
from official.runs import judge
from official.runs.executors import inline
from official.runs.executors import local
from official.runs.records import Candidate
from official.runs.run_directory import RunDirectory

FINAL_STEPS = {"final_steps": 20}


@pytest.fixture
def run(tmp_path):
  run = RunDirectory(str(tmp_path))
  with run.opened({}, {}):
    for number in (0, 1):
      run.write_candidate(Candidate(number=number, seed=number, architecture={"connections": []}))
    yield run


def trainings(run, pool, quiet, settings=FINAL_STEPS, function=search_fakes.final, **options):
  return final_training.FinalTrainings(
    run=run, settings=settings, function=function, executor=pool, console=quiet, **options
  )


def train(run, number=0, settings=FINAL_STEPS, function=search_fakes.final, executor=None):
  with (
    executor or inline.Inline(threads=1) as pool,
    console.Console(lines=io.StringIO(), terminal=False) as quiet,
  ):
    return trainings(run, pool, quiet, settings=settings, function=function).train(number)


def starts(run):
  with open(os.path.join(run.final_directory, "starts.txt"), encoding="utf-8") as file:
    return file.read().split()


def test_the_result_is_kept_without_times(run):
  result = train(run)
  assert result.status == "ok" and "timing" not in result.to_json()
  assert sorted(os.listdir(run.final_directory)) == [
    "final.json",
    "lock",
    "progress.json",
    "result.json",
    "starts.txt",
    "timing.json",
    "training",
  ]


def test_the_export_is_told_relative_to_the_run(run):
  assert train(run).export == os.path.join("export", "1")


def test_a_finished_one_is_not_trained_again(run):
  assert train(run) == train(run)
  assert starts(run) == ["0"]


@pytest.mark.parametrize("number, settings", [(1, FINAL_STEPS), (0, {"final_steps": 30})])
def test_another_winner_or_other_steps_begin_anew(run, number, settings):
  train(run)
  train(run, number, settings)
  assert starts(run) == ["0"]


def test_a_final_training_from_before_there_was_a_flag_is_not_made_anew(run):
  train(run)
  with (
    inline.Inline(threads=1) as pool,
    console.Console(lines=io.StringIO(), terminal=False) as quiet,
  ):
    settings = {**FINAL_STEPS, "new": 3}
    trainings(run, pool, quiet, settings=settings, defaults={"new": 3}).train(0)
  assert starts(run) == ["0"]


@pytest.mark.parametrize("retries, tries", [(0, 1), (2, 3)])
def test_as_many_retries_as_are_asked_for(run, retries, tries):
  text = io.StringIO()
  executor = local.Local(workers=1, threads=1, preload=search_fakes.PRELOAD)
  with (
    executor as pool,
    console.Console(lines=text, terminal=False) as lines,
    pytest.raises(judge.SearchStopped, match="was ended by SIGKILL"),
  ):
    trainings(run, pool, lines, function=search_fakes.killed, retries=retries).train(0)
  assert text.getvalue().count(": started") == tries


def test_one_signal_is_tried_again(run):
  executor = local.Local(workers=1, threads=1, preload=search_fakes.PRELOAD)
  assert train(run, function=search_fakes.final_killed_once, executor=executor).status == "ok"


@pytest.mark.parametrize(
  "function, reason",
  [
    (search_fakes.raises, "ValueError: no such thing as 0"),
    (search_fakes.diverged, "diverged at step 3"),
  ],
)
def test_a_final_training_that_does_not_succeed_is_told(run, function, reason):
  with pytest.raises(judge.SearchStopped) as stopped:
    train(run, function=function)
  assert str(stopped.value) == (
    f"the final training of candidate 000000 did not succeed: {reason} "
    f"({run.final_directory}/log.txt has the details); the same command tries again"
  )


NUMBERS = [1, 0, 2]


@pytest.fixture
def three(tmp_path):
  run = RunDirectory(str(tmp_path))
  with run.opened({}, {}):
    for number in range(4):
      run.write_candidate(Candidate(number=number, seed=number, architecture={"connections": []}))
    yield run


def member(candidate, directory):
  """Has an accuracy of a tenth of its number."""
  search_fakes.Training()(candidate, directory)
  metrics = {"accuracy": candidate["number"] / 10, "top5_accuracy": 1.0, "loss": 1.0}
  return {
    "status": "ok",
    "reason": None,
    "metrics": {"validation": metrics},
    "params": 10 + candidate["number"],
    "timing": {"seconds": 1.0},
  }


def interrupted_at_0(candidate, directory):
  """A driver that is ended while it trains candidate 0, with a checkpoint of step 5."""
  if candidate["number"] == 0:
    search_fakes.Training(steps=5)(candidate, directory)
    raise KeyboardInterrupt
  return member(candidate, directory)


def second_infeasible(candidate, directory):
  return (
    search_fakes.diverged(candidate, directory)
    if candidate["number"] == 2
    else member(candidate, directory)
  )


def second_raises(candidate, directory):
  return (
    search_fakes.third_raises(candidate, directory)
    if candidate["number"] == 2
    else member(candidate, directory)
  )


def train_several(
  run,
  how="top_k",
  numbers=NUMBERS,
  settings=FINAL_STEPS,
  function=member,
  join=search_fakes.joining,
  executor=None,
):
  with (
    executor or inline.Inline(threads=1) as pool,
    console.Console(lines=io.StringIO(), terminal=False) as quiet,
  ):
    several = trainings(run, pool, quiet, settings=settings, function=function)
    return several.train_several(numbers, how=how, fitness="accuracy", joining=join)


def starts_of(run, number):
  path = os.path.join(run.final_directory, f"{number:06d}", "starts.txt")
  with open(path, encoding="utf-8") as file:
    return file.read().split()


def test_of_several_the_best_after_its_final_training_is_exported(three):
  result = train_several(three)
  assert (result.candidate, result.others["chosen"], result.export) == (
    2,
    [2],
    os.path.join("export", "1"),
  )
  assert result.metrics == {"validation": {"accuracy": 0.2, "top5_accuracy": 1.0, "loss": 1.0}}
  assert [(entry.candidate, entry.fitness) for entry in result.members] == [
    (2, 0.2),
    (1, 0.1),
    (0, 0.0),
  ]


def test_an_ensemble_is_of_all_and_has_metrics_of_its_own(three):
  result = train_several(three, "ensemble")
  assert result.others["chosen"] == [2, 1, 0]
  assert result.metrics == {"validation": {"accuracy": 0.7}}
  assert result.candidate is None and len(result.members) == 3


def test_several_lie_in_folders_of_their_own(three):
  train_several(three)
  assert sorted(os.listdir(three.final_directory)) == [
    "000000",
    "000001",
    "000002",
    "final.json",
    "joining",
    "result.json",
    "timing.json",
  ]


def test_several_that_are_finished_are_not_trained_again(three):
  assert train_several(three) == train_several(three, join=search_fakes.raises)
  assert starts_of(three, 2) == ["0"]


def test_after_an_interruption_each_goes_on_from_its_own_checkpoint(three):
  with pytest.raises(KeyboardInterrupt):
    train_several(three, function=interrupted_at_0)
  train_several(three)
  assert [starts_of(three, number) for number in NUMBERS] == [["0"], ["0", "5"], ["0"]]


def test_when_others_become_the_best_those_that_stay_are_not_trained_again(three):
  train_several(three)
  result = train_several(three, numbers=[3, 1])
  assert result.candidate == 3
  assert starts_of(three, 1) == ["0"]
  assert sorted(os.listdir(three.final_directory))[:2] == ["000001", "000003"]


def test_other_steps_begin_several_anew(three):
  train_several(three)
  train_several(three, settings={"final_steps": 30})
  assert starts_of(three, 1) == ["0"]


def test_from_several_to_one_and_back(three):
  train_several(three)
  train(three)
  assert "000001" not in os.listdir(three.final_directory)
  assert train_several(three).candidate == 2


def test_an_infeasible_one_of_several_is_left_out(three):
  result = train_several(three, function=second_infeasible)
  assert result.candidate == 1
  assert result.left_out == ((2, "diverged at step 3"),)


def test_several_of_which_none_is_feasible_stop(three):
  with pytest.raises(
    judge.SearchStopped,
    match="none of 3 final trainings is feasible; of candidate 000001: diverged at step 3",
  ):
    train_several(three, function=search_fakes.diverged)


def test_a_fault_in_one_of_several_stops_once_the_others_are_trained(three):
  with pytest.raises(judge.SearchStopped, match="final training of candidate 000002 did not"):
    train_several(three, numbers=[2, 1, 0], function=second_raises)
  train_several(three, numbers=[2, 1, 0])
  assert starts_of(three, 0) == ["0"]


def test_a_joining_that_does_not_succeed_is_told(three):
  with pytest.raises(judge.SearchStopped, match="the export of candidate 000002 did not"):
    train_several(three, join=search_fakes.raises)


def test_several_are_trained_and_joined_in_processes(three):
  executor = local.Local(workers=2, threads=1, preload=search_fakes.PRELOAD)
  result = train_several(
    three, "ensemble", function=search_fakes.final, join=search_fakes.echo, executor=executor
  )
  assert sorted(entry.candidate for entry in result.members) == [0, 1, 2]
  given = result.others["echo"]["members"][0]
  assert os.path.isfile(os.path.join(given["training"], "ckpt-20.index"))

"""Searches with several objectives on fake trainings."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import search_fakes

from data_prep.common import cli
from official.runs import console
from official.runs.executors import inline
from official.runs.run_directory import RunDirectory
from official.search import application
from official.search import loop
from official.search import overview
from official.search import state as state_lib
from official.search import summaries

OBJECTIVES = "accuracy,multiply_adds"
PROGRAM = pathlib.Path(__file__).resolve().parent / "fake_search.py"


def search(path, evaluator=search_fakes.costly, **changes):
  """Returns the run, the finalists, and what was printed."""
  settings = search_fakes.settings(**{"objectives": OBJECTIVES, **changes})
  run, text = RunDirectory(str(path)), io.StringIO()
  with (
    run.opened(settings.identity(), settings.operation()),
    inline.Inline(threads=1) as pool,
    console.Console(lines=text, terminal=False) as lines,
  ):
    space = search_fakes.small_space()
    finalists = loop.search(run, space, settings, search_fakes.CLIP, evaluator, pool, lines)
  return run, finalists, text.getvalue()


def whole_run(path, **changes):
  """Searches and trains to the end; returns what was printed."""
  text = io.StringIO()
  status = application.run(
    model_dir=str(path),
    space=search_fakes.small_space(),
    settings=search_fakes.settings(objectives=OBJECTIVES, **changes),
    clip=search_fakes.CLIP,
    executor=lambda: inline.Inline(threads=1),
    trainings=lambda: application.Trainings(
      candidate=search_fakes.costly,
      final=search_fakes.final if changes["final"] == "knee" else search_fakes.final_of_front,
      joining=search_fakes.joining_of_front,
    ),
    identity={},
    operation={},
    final_settings={"final_steps": 20},
    console=console.Console(lines=text, terminal=False),
  )
  assert status == 0, text.getvalue()
  return text.getvalue()


def results(run):
  return [run.read_result(number) for number in range(run.count())]


def on_the_front(run):
  """Returns, from the definition, the numbers of those that no other beats."""
  facts = [(r.number, -r.fitness, r.multiply_adds) for r in results(run)]
  return {
    number
    for number, *one in facts
    if not any(all(a <= b for a, b in zip(other, one)) and other != one for _, *other in facts)
  }


def read(path):
  return json.loads(pathlib.Path(path).read_text())


def test_the_front_is_of_all_that_finished_and_is_shown(tmp_path):
  run, _, printed = search(tmp_path, rounds=12)
  status = overview.read(str(tmp_path))
  assert {each.number for each in status.front} == on_the_front(run)
  assert len(status.front) > 1 and sum(each.knee for each in status.front) == 1
  table = overview.text(status).split("front of accuracy against multiply_adds: ")[1]
  for each in status.front:
    assert f"{each.number:06d}" in table and f"{each.costs['multiply_adds']:,.0f}" in table
  assert table.split("pace")[0].strip() in printed
  assert f", front of {len(status.front)}" in printed


def test_a_search_in_two_parts_equals_one_in_one(tmp_path):
  search(tmp_path / "parts", rounds=2)
  parts, *_ = search(tmp_path / "parts", rounds=8)
  whole, *_ = search(tmp_path / "whole", rounds=8)
  for number in range(12):
    assert parts.read_proposal(number) == whole.read_proposal(number)
    assert parts.read_finished(number) == whole.read_finished(number)


def test_replay_gives_the_state_that_the_driver_had(tmp_path):
  run, finalists, _ = search(tmp_path, rounds=8, final="front", top_k=2)
  settings = search_fakes.settings(objectives=OBJECTIVES, rounds=8, final="front", top_k=2)
  state, _ = state_lib.replay(run, settings)
  assert state.finalists == finalists and len(finalists) == 2
  assert state.front.reference is not None and state.front.counted == 4


def test_costs_decide_who_becomes_a_parent(tmp_path):
  one, *_ = search(tmp_path / "one", rounds=12, objectives=None)
  two, *_ = search(tmp_path / "two", rounds=12)
  assert [one.read_proposal(n).parent for n in range(16)] != [
    two.read_proposal(n).parent for n in range(16)
  ]


def test_the_front_keeps_its_weights_first(tmp_path):
  run, *_ = search(tmp_path, search_fakes.trained_with_costs, keep_checkpoints=2, rounds=6)
  keeping = {
    number
    for number in range(10)
    if os.path.exists(os.path.join(run.candidate_directory(number), "training", "checkpoint"))
  }
  assert 0 < len(keeping) <= 2 and keeping <= on_the_front(run)


def test_the_knee_is_a_single_finalist(tmp_path):
  _, finalists, _ = search(tmp_path, rounds=12, final="knee")
  (knee,) = [each.number for each in overview.read(str(tmp_path)).front if each.knee]
  assert [member.number for member in finalists] == [knee]


def test_other_objectives_are_another_search(tmp_path):
  search(tmp_path)
  with pytest.raises(
    cli.UserError, match="--objectives was accuracy,multiply_adds and is null now"
  ):
    search(tmp_path, objectives=None)


def test_a_search_from_before_there_was_the_flag_goes_on_without_it(tmp_path):
  search(tmp_path, objectives=None)
  assert "objectives" not in read(tmp_path / "search.json")["identity"]
  run, *_ = search(tmp_path, objectives=None, rounds=5)
  assert run.count() == 9


def test_curves_tell_the_size_of_the_front_and_its_hypervolume(tmp_path):
  run, *_ = search(tmp_path, rounds=8)
  settings = search_fakes.settings(objectives=OBJECTIVES, rounds=8)
  state, _ = state_lib.replay(run, settings)
  values = summaries.Summaries(run).values(state)
  assert values["search/front_size"] == len(on_the_front(run))
  assert values["search/hypervolume"] == state.front.hypervolume() > 0
  plain, _ = state_lib.replay(run, search_fakes.settings(rounds=8))
  assert not [name for name in summaries.Summaries(run).values(plain) if "front" in name]


def test_a_latency_is_in_the_result_where_it_was_measured(tmp_path):
  run, *_ = search(tmp_path, objectives="accuracy,latency")
  result = read(os.path.join(run.candidate_directory(0), "result.json"))
  assert result["latency_ms"] == run.read_result(0).latency_ms > 0


def test_every_member_of_the_front_is_trained_and_exported(tmp_path):
  printed = whole_run(tmp_path, rounds=12, final="front", top_k=2)
  final = read(tmp_path / "final" / "result.json")
  assert (final["final"], final["export"]) == ("front", "export/1")
  members = final["members"]
  assert len(members) == 2 and members[0]["candidate"] == final["candidate"]
  assert members[0]["fitness"] >= members[1]["fitness"]
  other = members[1]["candidate"]
  assert [each["export"] for each in members] == ["export/1", f"export_front/{other:06d}/1"]
  for each in members:
    assert (tmp_path / each["export"] / "candidate").read_text() == str(each["candidate"])
    assert f"{each['multiply_adds']:,}  {each['export']}" in printed
  assert overview.read(str(tmp_path)).condition == "finished"


def test_the_knee_alone_is_trained_and_exported(tmp_path):
  whole_run(tmp_path, rounds=12, final="knee")
  (knee,) = [each.number for each in overview.read(str(tmp_path)).front if each.knee]
  assert read(tmp_path / "final" / "result.json")["candidate"] == knee
  assert overview.read(str(tmp_path)).condition == "finished"


def _program(directory):
  return subprocess.Popen(
    [sys.executable, str(PROGRAM), str(directory), "1", OBJECTIVES],
    env={**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])},
    text=True,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
  )


def _records(directory):
  return {
    str(path.relative_to(directory)): path.read_bytes()
    for name in ("candidate.json", "result.json", "search.json", "final.json")
    for path in pathlib.Path(directory).rglob(name)
  }


@pytest.mark.slow
def test_killed_and_resumed_it_gives_the_same_files(tmp_path):
  whole, killed = tmp_path / "whole", tmp_path / "killed"
  process = _program(whole)
  assert process.wait(timeout=120) == 0, process.stdout.read()
  for moment in ("candidates/000005/starts.txt", "final/final.json"):
    process = _program(killed)
    deadline = time.monotonic() + 60
    while not (killed / moment).exists():
      assert time.monotonic() < deadline
      time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1.0)  # Its worker ends with it.
  process = _program(killed)
  output, _ = process.communicate(timeout=120)
  assert process.returncode == 0, output
  assert _records(killed) == _records(whole)

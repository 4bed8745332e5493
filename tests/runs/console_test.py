import io
import json
import time

import pytest

from official.runs import console


@pytest.fixture
def lines():
  return io.StringIO()


def speak(lines, progress, tmp_path, seconds=0.5):
  (tmp_path / "progress.json").write_text(json.dumps(progress))
  with console.Console(lines=lines, terminal=False, heartbeat=0.1) as some:
    some.begin("000003", "candidate 000003 (child of 000001)", str(tmp_path))
    time.sleep(seconds)
    some.end("000003", "accuracy 0.5")
  return lines.getvalue().splitlines()


def test_silence_is_broken_by_what_is_in_flight(lines, tmp_path):
  said = speak(lines, {"phase": "training", "step": 40, "steps": 200}, tmp_path)
  assert said[0] == "candidate 000003 (child of 000001): started"
  assert said[1] == "in flight: candidate 000003 (child of 000001): training step 40/200"
  assert said[-1] == "candidate 000003 (child of 000001): accuracy 0.5"


def test_a_phase_without_steps_is_told_with_its_seconds(lines, tmp_path):
  said = speak(lines, {"phase": "tracing", "step": 0, "steps": 200}, tmp_path)
  assert said[1] == (
    "in flight: candidate 000003 (child of 000001): "
    "tracing (TensorFlow builds its graph, once; no step yet), 0 s"
  )


def test_a_training_is_told_with_loss_and_the_first_metric(lines, tmp_path):
  progress = {"phase": "training", "step": 40, "steps": 200}
  metrics = {"loss": 1.23456, "accuracy": 0.5, "top5_accuracy": 0.9}
  said = speak(lines, {**progress, "metrics": metrics}, tmp_path)
  assert said[1] == (
    "in flight: candidate 000003 (child of 000001): training step 40/200, loss 1.23, accuracy 0.5"
  )


def test_a_training_that_has_said_nothing_yet_waits(lines, tmp_path):
  with console.Console(lines=lines, terminal=False, heartbeat=0.1) as some:
    some.begin("a", "candidate 000000 (random)", str(tmp_path))
    time.sleep(0.3)
  assert "in flight: candidate 000000 (random): waiting, 0 s" in lines.getvalue()


def test_of_many_in_flight_the_first_four_are_told(lines, tmp_path):
  (tmp_path / "progress.json").write_text('{"phase": "training", "step": 1, "steps": 2}')
  with console.Console(lines=lines, terminal=False, heartbeat=0.1) as some:
    for number in range(6):
      some.begin(str(number), f"candidate {number}", str(tmp_path))
    time.sleep(0.5)
  told = [line for line in lines.getvalue().splitlines() if line.startswith("in flight")]
  assert told[-1] == "in flight: " + "; ".join(
    [*(f"candidate {number}: training step 1/2" for number in range(4)), "and 2 more"]
  )


def test_a_torn_progress_file_is_passed_over(lines, tmp_path):
  (tmp_path / "progress.json").write_text('{"phase": "tr')
  with console.Console(lines=lines, terminal=False, heartbeat=0.1) as some:
    some.begin("a", "candidate 000000 (random)", str(tmp_path))
    time.sleep(0.3)
  assert "waiting" in lines.getvalue()


def test_nothing_is_said_while_nothing_is_in_flight(lines):
  with console.Console(lines=lines, terminal=False, heartbeat=0.05):
    time.sleep(0.3)
  assert lines.getvalue() == ""


def test_the_time_left_follows_from_the_time_so_far(lines, monkeypatch):
  clock = [1000.0]
  monkeypatch.setattr(console.time, "monotonic", lambda: clock[0])
  some = console.Console(lines=lines, terminal=False)
  some.begin_search(total=10, finished=4, best="none feasible yet")
  clock[0] += 60
  some.count("best accuracy 0.5000 (candidate 000004)")
  assert lines.getvalue() == (
    "5 of 10 candidates finished; best accuracy 0.5000 (candidate 000004); about 5 min left\n"
  )


def test_a_terminal_gets_a_bar(lines, tmp_path, capsys):
  with console.Console(lines=lines, terminal=True, heartbeat=0.1) as some:
    some.begin_search(total=2, finished=0, best="none feasible yet")
    some.begin("a", "candidate 000000 (random)", str(tmp_path))
    some.count("best accuracy 0.5000 (candidate 000000)")
    time.sleep(0.3)
  drawn = capsys.readouterr().err
  assert "1/2" in drawn and "best accuracy 0.5000" in drawn and "waiting" in drawn
  assert lines.getvalue() == ""


@pytest.mark.parametrize(
  "seconds, text", [(44.2, "45 s"), (120, "2 min"), (5000, "83 min"), (9000, "2.5 h")]
)
def test_durations_are_for_people(seconds, text):
  assert console.duration(seconds) == text

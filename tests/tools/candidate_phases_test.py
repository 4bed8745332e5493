"""What the phases of a candidate cost, on a clock that tests turn."""

from tests.tools import loaded_mains

candidate_phases = loaded_mains.load("tools.benchmarks.candidate_phases")


def test_time_belongs_to_the_phase_that_began_before_it():
  now = iter([0.0, 1.0, 3.0, 6.0, 10.0])
  phases = candidate_phases.Phases(clock=lambda: next(now))
  phases("building")
  phases("tracing", step=0, steps=1)
  phases("preparing", 1, 2)  # No phase of the table.
  phases("rest")
  assert phases.seconds == {
    "building": 2,
    "tracing": 3,
    "training": 0,
    "evaluating": 0,
    "rest": 5,
  }


def test_the_overhead_is_the_shorter_training_without_its_step():
  short = [dict.fromkeys(candidate_phases.PHASES, 1.0)]
  long = [{**short[0], "training": 3.0}]
  row = candidate_phases.table(short, long, steps=11).splitlines()[-1]
  assert row == "| 1.00 | 1.00 | 1.00 | 1.00 | 1.00 | 0.200 | 4.80 |"

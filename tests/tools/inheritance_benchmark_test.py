"""The table of the benchmark of inheritance."""

from tests.tools import loaded_mains

inheritance = loaded_mains.load("tools.benchmarks.inheritance")


def row(accuracy: float, loss: float) -> dict[str, float]:
  return {"accuracy": accuracy, "loss": loss, "processor_seconds": 10.0}


def test_differences_are_those_of_pairs_averaged_by_parent_first():
  rows = {
    "inherit 1/2": {(0, 0): row(0.5, 1.0), (0, 1): row(0.7, 1.0), (1, 0): row(0.4, 1.0)},
    "scratch 1": {(0, 0): row(0.4, 2.0), (0, 1): row(0.4, 2.0), (1, 0): row(0.4, 1.0)},
  }
  lines = inheritance.text(rows).splitlines()
  assert lines[1].split() == ["inherit", "1/2", "3", "0.533", "1.000", "10.0"]
  # The first parent's children gain 0.2 on average, the second's 0.
  assert lines[3].startswith("inherit 1/2 - scratch 1: accuracy +0.100  [+0.000, +0.200]")
  assert lines[4].startswith("inherit 1/2 - scratch 1: loss -0.500")


def test_a_single_parent_has_no_interval():
  rows = {"inherit 1/2": {(0, 0): row(0.5, 1.0)}, "scratch 1": {(0, 0): row(0.4, 2.0)}}
  assert inheritance.text(rows).splitlines()[3] == "inherit 1/2 - scratch 1: accuracy +0.100"


def test_before_the_first_child_is_trained_there_is_no_arm():
  assert len(inheritance.text({"inherit 1/2": {}}).splitlines()) == 1

"""The learning curve: where its validation points are, and its file."""

from official.training import curve


def test_points_are_at_checkpoints_evenly_and_ten_at_most():
  found = curve.points(last_step=1000, interval=20, batch_size=16, clips=100)
  assert len(found) == 10 and all(step % 20 == 0 for step in found)
  assert {b - a for a, b in zip(found, found[1:])} <= {80, 100} and found[-1] < 1000


def test_points_cost_a_tenth_of_the_training_at_most():
  """A training step of 16 clips counts as 48 evaluated ones: 100 steps are worth 4,800 clips."""
  assert len(curve.points(last_step=100, interval=10, batch_size=16, clips=240)) == 2
  assert curve.points(last_step=100, interval=10, batch_size=16, clips=481) == ()


def test_a_training_that_ends_at_its_first_checkpoint_has_no_point_before():
  assert curve.points(last_step=10, interval=10, batch_size=16, clips=1) == ()


def test_a_resumed_training_drops_what_came_after_its_checkpoint(tmp_path):
  path = str(tmp_path / "curve.csv")
  first = curve.Curve(path)
  first.begin(0, ["loss", "accuracy"])
  for step in (10, 20, 30):
    first.add(step, "train", {"loss": 1 / step, "accuracy": 0.5, "learning_rate": 1.0})
  first.add(20, "validation", {"loss": 0.25})
  with open(path, "a", encoding="utf-8") as file:
    file.write("40,tr")  # Killed.
  second = curve.Curve(path)
  second.begin(20, ["loss", "accuracy"])
  second.add(30, "train", {"loss": 9.0})
  assert [(row["step"], row["split"], row["loss"]) for row in curve.read(path)] == [
    ("10", "train", "0.1"),
    ("20", "train", "0.05"),
    ("20", "validation", "0.25"),
    ("30", "train", "9"),
  ]


def test_without_a_file_there_are_no_rows(tmp_path):
  assert curve.read(str(tmp_path / "curve.csv")) == []

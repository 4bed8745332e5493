"""How often a training stops to save, and to be looked at."""

import pytest

from data_prep import cli
from official.training import recipe
from official.training import setup


def _setup(steps: int, checkpoint_steps: int | None) -> setup.Setup:
  how = recipe.Recipe(
    steps=steps, batch_size=4, optimizer="sgd", learning_rate=0.1, connection_multiplier=10.0
  )
  return setup.Setup(
    data_dir="", cache_dir="", num_frames=8, image_size=32, recipe=how, threads=1,
    checkpoint_steps=checkpoint_steps,
  )


@pytest.mark.parametrize(
  "steps, asked, interval, loop",
  [(40, None, 10, 10), (200, None, 20, 20), (10_000, None, 1000, 20), (5, None, 10, 10),
   (200, 50, 50, 10), (200, 37, 37, 1)],
)
def test_loops_end_where_checkpoints_are_due(steps, asked, interval, loop):
  chosen = _setup(steps, asked)
  assert (chosen.checkpoint_interval, chosen.steps_per_loop) == (interval, loop)


@pytest.mark.parametrize(
  "address", ["grpc://10.0.0.2:8470", "my-tpu", "10.0.0.2", "grpc://localhost:8470"]
)
def test_a_tpu_of_another_machine_is_refused(address, monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  with pytest.raises(cli.UserError, match=f"^--tpu={address} is a TPU of another machine"):
    setup.check_tpu(address)


def test_so_is_one_that_the_environment_names(monkeypatch):
  monkeypatch.setenv("TPU_NAME", "my-tpu")
  with pytest.raises(cli.UserError, match="^TPU_NAME=my-tpu is a TPU of another machine"):
    setup.check_tpu("")


@pytest.mark.parametrize("address", ["local", ""])
def test_a_tpu_of_this_machine_is_not_refused(address, monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  setup.check_tpu(address)

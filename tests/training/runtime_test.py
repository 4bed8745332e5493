"""Hardware that is not there is refused in one line."""

import socket

import pytest

from data_prep import cli
from official.training import recipe
from official.training import runtime
from official.training import setup


def _setup(**hardware):
  return setup.Setup(
    data_dir="", cache_dir="", num_frames=4, image_size=16, checkpoint_steps=None, threads=0,
    recipe=recipe.Recipe(
      steps=1, batch_size=4, optimizer="sgd", learning_rate=0.1, connection_multiplier=1.0
    ),
    **hardware,
  )


def _nobody() -> str:
  """Returns the address of a port of this machine at which nobody listens."""
  with socket.socket() as some:
    some.bind(("127.0.0.1", 0))
    return f"grpc://127.0.0.1:{some.getsockname()[1]}"


@pytest.mark.parametrize("strategy", ["mirrored", "multi_worker_mirrored"])
def test_more_gpus_than_there_are_are_refused(strategy):
  with pytest.raises(cli.UserError, match=r"--num_gpus=99, and TensorFlow finds \d+ GPUs on this"):
    runtime.prepare(_setup(distribution_strategy=strategy, num_gpus=99))


def test_one_device_is_not_several_gpus():
  with pytest.raises(cli.UserError, match="--num_gpus=2 with --distribution_strategy=one_device; "):
    runtime.prepare(_setup(num_gpus=2))


def test_a_tpu_that_does_not_answer_is_refused():
  address = _nobody()
  with pytest.raises(cli.UserError) as refused:
    runtime.prepare(_setup(distribution_strategy="tpu", tpu=address))
  assert str(refused.value).startswith(
    f"--distribution_strategy=tpu: no TPU at --tpu={address}: [Errno 111] Connection refused; "
    "TensorFlow's wheel on PyPI has no TPU driver")


def test_a_tpu_without_an_address_is_refused(monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  with pytest.raises(cli.UserError, match="no TPU at --tpu=: Please provide a TPU Name"):
    runtime.prepare(_setup(distribution_strategy="tpu"))

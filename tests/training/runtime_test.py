"""Hardware that is not there is refused in one line."""

import subprocess
import sys

import pytest

from data_prep.common import cli
from official.training import config
from official.training import runtime


def _setup(**hardware):
  return config.of(
    data_dir="",
    cache_dir="",
    num_frames=4,
    image_size=16,
    train_steps=1,
    batch_size=4,
    learning_rate=0.1,
    connection_learning_rate_multiplier=1.0,
    **hardware,
  )


@pytest.mark.parametrize("strategy", ["mirrored", "multi_worker_mirrored"])
def test_more_gpus_than_there_are_are_refused(strategy):
  with pytest.raises(cli.UserError, match=r"--num_gpus=99, and TensorFlow finds \d+ GPUs on this"):
    runtime.prepare(_setup(distribution_strategy=strategy, num_gpus=99))


def test_one_device_is_not_several_gpus():
  with pytest.raises(cli.UserError, match="--num_gpus=2 with --distribution_strategy=one_device; "):
    runtime.prepare(_setup(num_gpus=2))


def test_a_tpu_of_another_machine_is_refused():
  with pytest.raises(cli.UserError) as refused:
    runtime.prepare(_setup(distribution_strategy="tpu", tpu="grpc://10.0.0.2:8470"))
  assert str(refused.value) == (
    "`tpu`=grpc://10.0.0.2:8470 is a TPU of another machine, which cannot read clips through the "
    "Python of this one; run the command on the machine that has the TPU (a TPU VM), with "
    "`tpu`=local"
  )


def test_a_machine_without_a_tpu_is_told():
  with pytest.raises(cli.UserError) as refused:
    runtime.prepare(_setup(distribution_strategy="tpu", tpu="local"))
  assert str(refused.value).startswith("--distribution_strategy=tpu: no TPU at --tpu=local: ")
  assert "TensorFlow's wheel on PyPI has no TPU driver" in str(refused.value)


@pytest.mark.parametrize("deterministic", [True, False])
def test_operations_are_deterministic_if_asked(deterministic):
  program = (
    "from official.training import runtime\n"
    "from tensorflow.python.framework import config\n"
    f"runtime.start(1, deterministic={deterministic})\n"
    "print(config.is_op_determinism_enabled())"
  )
  process = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
  assert process.stdout.decode().split() == [str(deterministic)]


def test_a_tpu_without_an_address_is_refused(monkeypatch):
  monkeypatch.delenv("TPU_NAME", raising=False)
  with pytest.raises(cli.UserError, match="no TPU at --tpu=: Please provide a TPU Name"):
    runtime.prepare(_setup(distribution_strategy="tpu"))

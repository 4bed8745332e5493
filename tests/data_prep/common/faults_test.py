"""Faults of the environment are told from other errors."""

import errno
import os

import pytest

from data_prep.common import cli
from data_prep.common import faults


def of_system(number: int, name: str = "/run/result.json") -> OSError:
  return OSError(number, os.strerror(number), name)


class OpError(Exception):
  """The base class of TensorFlow's errors, by name."""

  def __init__(self, message: str):
    super().__init__(message)
    self.message = message


class ResourceExhaustedError(OpError):
  """As tf.errors names it."""


class UnknownError(OpError):
  """As tf.errors names it."""


class UnavailableError(OpError):
  """As tf.errors names it."""


@pytest.mark.parametrize(
  "error, told",
  [
    (of_system(errno.ENOSPC), "/run/result.json: No space left on device; make room there"),
    (of_system(errno.EDQUOT), "/run/result.json: Disk quota exceeded; make room there"),
    (
      of_system(errno.EROFS),
      "/run/result.json: Read-only file system; make it accessible for this user",
    ),
    (
      of_system(errno.EMFILE),
      "/run/result.json: Too many open files; raise the limit (ulimit -n, ulimit -u)",
    ),
    (
      of_system(errno.ESTALE),
      "/run/result.json: Stale file handle; see to the disk or the network that it is on",
    ),
    (of_system(errno.ENOENT), "/run/result.json: No such file or directory; restore it"),
    (FileNotFoundError("a has no checkpoint; delete b"), "a has no checkpoint; delete b"),
    (cli.UserError("--tpu=x: no TPU"), "--tpu=x: no TPU"),
    (
      ResourceExhaustedError(
        "{{function_node __wrapped__SaveV2 /device:CPU:0}} /run/ckpt-1.data; No "
        "space left on device [Op:SaveV2] name: "
      ),
      "/run/ckpt-1.data; No space left on device; make room there",
    ),
    (
      ResourceExhaustedError(
        "Graph execution error:\n\nDetected at node x\n/run/a; No space left on "
        "device\n\t [[{{node x}}]] [Op:__inference_f_1]"
      ),
      "/run/a; No space left on device; make room there",
    ),
    (
      UnknownError("{{function_node f}} UserError: the clip 'a' has no frames\nTraceback (most"),
      "the clip 'a' has no frames",
    ),
    (
      UnknownError("OSError: [Errno 28] No space left on device: '/x'\nTraceback (most recent"),
      "[Errno 28] No space left on device: '/x'; make room there",
    ),
    (
      UnavailableError("failed to connect to all addresses"),
      "failed to connect to all addresses; see that the accelerator is there and answers "
      "(nvidia-smi), or train without it",
    ),
  ],
)
def test_the_environments_faults_are_one_line_with_a_remedy(error, told):
  assert faults.describe(error) == told
  assert not faults.out_of_memory(error)


@pytest.mark.parametrize(
  "error",
  [
    MemoryError(),
    of_system(errno.ENOMEM),
    ResourceExhaustedError("OOM when allocating tensor with shape[9,9] on /device:GPU:0"),
    UnknownError("MemoryError: 3 GB\nTraceback"),
    UnknownError("CUDA_ERROR_OUT_OF_MEMORY"),
  ],
)
def test_too_little_memory_is_no_fault_of_the_environment(error):
  assert faults.out_of_memory(error)
  assert faults.describe(error) is None


@pytest.mark.parametrize(
  "error",
  [ValueError("x"), KeyError("accuracy"), UnknownError("the graph is odd"), FloatingPointError()],
)
def test_a_fault_of_the_program_is_none_of_the_environments(error):
  assert faults.describe(error) is None
  assert not faults.out_of_memory(error)


def test_a_cause_counts():
  error = RuntimeError("while saving")
  error.__cause__ = of_system(errno.ENOSPC)
  assert faults.describe(error).endswith("make room there")

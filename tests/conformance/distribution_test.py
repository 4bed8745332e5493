"""Every block kind and head under distribution strategies, in processes of their own."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import pytest
import small_networks

_FOLDER = pathlib.Path(__file__).parent


def _start(mode: str, **environment: str) -> subprocess.Popen:
  return subprocess.Popen(
    [sys.executable, str(_FOLDER / "distributed_program.py"), mode],
    cwd=_FOLDER.parents[1],
    env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"} | environment,
    stdout=subprocess.PIPE,
    text=True,
  )


def _results(process: subprocess.Popen) -> list[dict]:
  output, _ = process.communicate(timeout=500)
  assert process.returncode == 0
  return json.loads(output.splitlines()[-1])


def _free_ports(count: int) -> list[int]:
  sockets = [socket.socket() for _ in range(count)]
  try:
    for each in sockets:
      each.bind(("127.0.0.1", 0))
    return [each.getsockname()[1] for each in sockets]
  finally:
    for each in sockets:
      each.close()


def test_every_kind_and_every_head_is_in_a_network():
  first, second, poolings = zip(*small_networks.PAIRS, strict=True)
  assert {*first, *second} == set(small_networks.KINDS)
  assert set(poolings) == {"average", "max", "softmax"}


@pytest.mark.slow
def test_two_mirrored_replicas_equal_one_device_after_5_steps():
  for result in _results(_start("mirrored")):
    assert result["moved"] > 0.01
    assert result["differs"] < 1e-5


@pytest.mark.slow
def test_two_workers_train_a_step_together():
  workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
  processes = [
    _start(
      "worker",
      TF_CONFIG=json.dumps(
        {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
      ),
    )
    for index in range(2)
  ]
  try:
    first, second = [_results(process) for process in processes]
  finally:
    for process in processes:
      process.kill()
  assert first == second
  assert all(result["workers"] == 2 and result["moved"] > 1e-4 for result in first)

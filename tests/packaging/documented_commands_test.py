"""README.md and docs/ name modules, flags and programs that exist, and programs that start.

tests/serving/saved_model_cli_test.py starts saved_model_cli.
"""

import functools
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

import pytest

from tests import documentation

ROOT = documentation.ROOT
COMMANDS = sorted({command for _, command in documentation.all_commands()})
# Beam's own options, which data_prep.extract hands on: docs/data.md.
OF_BEAM = {
  "environment_config",
  "environment_type",
  "flink_job_server_jar",
  "flink_master",
  "job_endpoint",
  "number_of_worker_harness_threads",
  "parallelism",
  "project",
  "region",
  "runner",
  "sdk_container_image",
  "sdk_location",
  "sdk_worker_parallelism",
  "spark_job_server_jar",
  "spark_master_url",
  "temp_location",
}


def _modules() -> dict[str, list[str]]:
  """Returns the commands `python -m MODULE ...` by module."""
  found = {}
  for command in COMMANDS:
    if match := re.match(r"python -m (\w+\.\w[\w.]*)", command):
      found.setdefault(match[1], []).append(command)
  return found


@functools.cache
def _flags_of(module: str) -> set[str]:
  done = subprocess.run(
    [sys.executable, "-m", module, "--helpfull"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  return set(re.findall(r"^\s+--(?:\[no\])?(\w+)", done.stdout, re.MULTILINE))


def test_the_search_for_commands_finds_them():
  assert "data_prep.extract" in _modules() and "official.evolve" in _modules()
  assert len(COMMANDS) > 30


@pytest.mark.parametrize("module", sorted(_modules()))
def test_a_documented_module_exists(module):
  assert importlib.util.find_spec(module) is not None


@pytest.mark.slow
@pytest.mark.parametrize("module", sorted(_modules()))
def test_documented_flags_exist(module):
  named = set(re.findall(r"(?<= --)\w+", " ".join(_modules()[module])))
  assert named <= _flags_of(module) | OF_BEAM


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("tools/")])
def test_a_documented_script_exists(command):
  assert os.access(ROOT / command.split()[0], os.X_OK)


def test_documented_candidates_are_among_those_of_the_search_in_the_readme():
  (search,) = (c for c in COMMANDS if "official.evolve" in c and "--population_size=4" in c)
  count = sum(int(number) for number in re.findall(r"--(?:population_size|rounds)=(\d+)", search))
  named = re.findall(r"candidates/(\d+)|--candidate=(\d+)", " ".join(COMMANDS))
  assert named and all(int(folder or number) < count for folder, number in named)


@pytest.mark.slow
def test_tensorboard_starts_and_lists_the_runs(tmp_path):
  import tensorflow as tf  # takes seconds

  with tf.summary.create_file_writer(str(tmp_path / "training")).as_default():
    tf.summary.scalar("loss", 1.0, step=1)
  program = pathlib.Path(sys.executable).parent / "tensorboard"
  with subprocess.Popen(
    [program, f"--logdir={tmp_path}", "--port=0", "--host=127.0.0.1"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
  ) as server:
    try:
      said = ""
      for line in server.stderr:
        said += line
        if address := re.search(r"http://127\.0\.0\.1:\d+/", line):
          break
      else:
        pytest.fail(f"tensorboard ended and said: {said}")
      opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
      answer = opener.open(f"{address[0]}data/plugins_listing", timeout=60).read()
    finally:
      server.kill()
      server.stderr.close()
  assert b"scalars" in answer


@pytest.mark.skipif(shutil.which("bazel") is None, reason="Bazel is not installed (.ci/run does)")
def test_bazel_starts(tmp_path):
  done = subprocess.run(
    ["bazel", f"--output_user_root={tmp_path}", "--batch", "help"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0 and "Available commands:" in done.stdout

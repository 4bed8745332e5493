"""A cluster of Ray on this machine's loopback interface, whose nodes are lost."""

import os
import subprocess
import sys
import time

import pytest
import search_fakes

from official.runs.executors import ray_cluster
from official.runs.executors.base import Task


@pytest.mark.slow
def test_a_candidate_whose_node_is_lost_is_told_from_one_that_was_killed(tmp_path):
  subprocess.run(
    [sys.executable, __file__, str(tmp_path)],
    check=True,
    timeout=180,
    env={
      **os.environ,
      "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
      "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
      "RAY_USAGE_STATS_ENABLED": "0",
    },
  )


@pytest.mark.slow
def test_the_local_cluster_listens_on_loopback_alone(tmp_path):
  script = tmp_path / "listens.py"
  script.write_text(
    "import os\n"
    "from official.runs.executors import ray_cluster\n"
    "with ray_cluster.Ray(workers=1, threads=1):\n"
    "  import ray\n"
    "  print([node['NodeManagerAddress'] for node in ray.nodes()])\n",
    encoding="utf-8",
  )
  done = subprocess.run(
    [sys.executable, str(script)],
    check=True,
    timeout=180,
    text=True,
    capture_output=True,
    env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
  )
  assert done.stdout == "['127.0.0.1']\n"


def test_without_ray_one_line_says_how_to_install_it(tmp_path):
  script = (
    "import sys; sys.modules['ray'] = None\n"
    "from official.runs import executors\n"
    "executors.make('ray', workers=1, threads=1)\n"
  )
  done = subprocess.run(
    [sys.executable, "-c", script],
    check=False,
    capture_output=True,
    text=True,
    env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
  )
  assert done.stderr.splitlines()[-1].endswith(
    "--executor=ray needs Ray, which is not installed; "
    "pip install -e '.[cluster]' in the checkout installs it"
  )


def lose_a_node(directory):
  from ray import cluster_utils

  cluster = cluster_utils.Cluster(
    initialize_head=True,
    head_node_args={"num_cpus": 0, "include_dashboard": False, "node_ip_address": "127.0.0.1"},
  )
  node = cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
  cluster.wait_for_nodes()
  with ray_cluster.Ray(
    workers=1, threads=1, address=cluster.address, preload=search_fakes.PRELOAD
  ) as executor:
    executor.submit(
      Task(
        key="a",
        function=search_fakes.Training(10**6, 0.01),
        candidate={"seed": 1},
        directory=directory,
      )
    )
    while not os.path.exists(os.path.join(directory, "progress.json")):
      time.sleep(0.1)
    cluster.remove_node(node, allow_graceful=False)
    outcome = executor.wait_any(timeout=120)
  cluster.shutdown()
  assert outcome.kind == "lost" and "node was lost" in outcome.reason, outcome


if __name__ == "__main__":
  lose_a_node(sys.argv[1])

"""A preparation on a stand-in for Dataflow, from the command to its exit status."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from data_prep.common import cli
from data_prep.job import cluster_runner
from data_prep.job import pipeline
from tests import clips_with_streams
from tests import gcs_server
from tests.tools import dataflow_service

ROOT = pathlib.Path(__file__).parents[2]
FLAGS = ["--fps=10", "--short_side=24", "--num_shards=1", "--flow=none"]
OPTIONS = [
  "--runner=DataflowRunner",
  "--project=our-project",
  "--region=europe-west4",
  "--temp_location=gs://bucket/tmp",
  "--job_name=videos",
  "--sdk_container_image=our/image:1",
  "--sdk_location=container",
  "--number_of_worker_harness_threads=1",
  "--max_num_workers=50",
  "--machine_type=n2-standard-4",
  "--disk_size_gb=40",
]


@pytest.fixture
def store(tmp_path):
  """A store with a manifest and a video for each split in gs://bucket/videos."""
  frames = np.random.default_rng(0).integers(0, 256, (6, 32, 40, 3), np.uint8)
  clips_with_streams.write_video(tmp_path / "a.mkv", frames)
  lines = ["path,label,split,clip_id"]
  with gcs_server.running(tmp_path) as running:
    for number, split in enumerate(("train", "train", "validation", "test")):
      lines.append(f"{number}.mkv,{number % 2},{split},{number}")
      running.put("bucket", f"videos/{number}.mkv", (tmp_path / "a.mkv").read_bytes())
    running.put("bucket", "videos/manifest.csv", "\n".join(lines).encode())
    yield running


@pytest.fixture
def service(store):
  """The service beside the store."""
  running = dataflow_service.Service(store)
  yield running
  running.close()


def _extract(store, *more: str) -> subprocess.CompletedProcess:
  urls = ["--manifest=gs://bucket/videos/manifest.csv", "--output_dir=gs://bucket/data"]
  return subprocess.run(
    [sys.executable, "-m", "data_prep.extract", *urls, *FLAGS, *more],
    cwd=ROOT,
    env=os.environ | store.environment,
    capture_output=True,
    text=True,
    timeout=300,
  )


@pytest.mark.slow
def test_a_job_is_sent_watched_and_ends_with_the_bytes_of_a_local_one(store, service):
  on_service = [*OPTIONS, f"--dataflow_endpoint={service.endpoint}"]
  ran = _extract(store, *on_service)
  assert ran.returncode == 0, ran.stderr
  assert service.asked == {"state", "messages"}
  _is_asked_for(service.jobs, service.endpoint)
  made = _data(store)
  assert "dataset.json" in made
  for name in made:
    del store.buckets["bucket"][f"data/{name}"]
  assert _extract(store, "--direct_num_workers=1").returncode == 0
  assert _data(store) == made


def _data(store) -> dict[str, bytes]:
  """Returns what is in the dataset's folder."""
  there = store.buckets["bucket"].items()
  return {name.removeprefix("data/"): one for name, one in there if name.startswith("data/")}


def _is_asked_for(jobs: list[dict], endpoint: str) -> None:
  """Checks the request for the job."""
  (job,) = jobs
  assert (job["name"], job["type"]) == ("videos", "JOB_TYPE_BATCH")
  environment = job["environment"]
  assert environment["version"] == {"job_type": "FNAPI_BATCH", "major": "8"}
  assert {"use_runner_v2", "beam_fn_api"} <= set(environment["experiments"])
  (pool,) = environment["workerPools"]
  assert pool["machineType"] == "n2-standard-4" and pool["diskSizeGb"] == 40
  assert pool["numThreadsPerWorker"] == 1
  assert pool["autoscalingSettings"] == {"maxNumWorkers": 50}
  assert pool["workerHarnessContainerImage"] == "our/image:1"
  (harness,) = pool["sdkHarnessContainerImages"]
  assert harness["containerImage"] == "our/image:1"
  assert harness["useSingleCorePerContainer"]
  (package,) = pool["packages"]
  assert package["name"] == "submission_environment_dependencies.txt"
  options = environment["sdkPipelineOptions"]["options"]
  assert options["pipelineUrl"].startswith("gs://bucket/tmp/videos.")
  assert options["sdk_location"] == "container" and options["dataflow_endpoint"] == endpoint


@pytest.mark.slow
def test_a_job_that_fails_is_one_line(store, service):
  service.refusal = "Workflow failed. Causes: the quota of CPUS in europe-west4 is exceeded."
  ran = _extract(store, *OPTIONS, f"--dataflow_endpoint={service.endpoint}")
  assert ran.returncode == 1
  assert [line for line in ran.stderr.splitlines() if not line.startswith("prepared ")] == [
    f"error: the job failed: {service.refusal}; the same command resumes"
  ]


@pytest.mark.slow
def test_a_job_that_is_not_taken_is_one_line(store):
  endpoint = store.url.replace("127.0.0.1", "localhost")  # Where nobody knows of jobs.
  ran = _extract(store, *OPTIONS, f"--dataflow_endpoint={endpoint}")
  assert (ran.returncode, ran.stderr.count("\n")) == (1, 1), ran.stderr
  assert "error: Dataflow does not take the job: Not Found: /v1b3/projects/our-" in ran.stderr


@pytest.mark.parametrize("option", ["--project", "--region"])
def test_a_request_that_beam_would_not_send_is_told_before_any_work(option):
  given = [one for one in OPTIONS if one.split("=")[0] != option]
  with pytest.raises(cli.UserError, match=f"{option[2:]}.*; correct the options"):
    cluster_runner.check(pipeline.options_from(given))
